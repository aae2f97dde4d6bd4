/**
 * Texts a second through an encoder, 8 to 256 tokens long in no order: one by one, in batches in the order of the file,
 * asked for at once, as `embed --input` does with 64 lines, and all in one call; and what embeddings save by a graph without
 * the vocabulary's logits. Padding is the share of computed positions that hold none of the texts. The ways take turns, round
 * by round, and each is compared with the first of its round.
 *
 *     npx tsx test/bench/encoder-throughput.ts [small] [base]
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { convert } from '../../converters/index.ts';
import { int64Tensor } from '../../src/core/tensor.ts';
import { directorySink } from '../../src/io/directory-sink.ts';
import { splitPath } from '../../src/io/file-source.ts';
import { loadModel, type Model } from '../../src/node.ts';
import { createEmbedder, type Embedder } from '../../src/tasks/embed.ts';
import { BASE_CONFIG, writeBaseCheckpoint } from './base-checkpoint.ts';
import { inFolder, median } from './bench-model.ts';
import { report } from './performance-table.ts';

const ROUNDS = 3;
const WINDOW = 64;
const BUDGET = 512;

/** A model to measure, and as many texts as take seconds. */
interface Size {
  readonly name: string;
  readonly texts: number;
  readonly config: Readonly<Record<string, number>>;
}

const SIZES: readonly Size[] = [
  {
    name: 'small',
    texts: 200,
    config: { num_hidden_layers: 4, hidden_size: 256, num_attention_heads: 4, intermediate_size: 1024 },
  },
  { name: 'base', texts: 32, config: {} },
];

/** One way to embed texts; gives the rows asked for and computed. */
interface Way {
  readonly name: string;
  readonly run: (texts: readonly string[]) => Promise<{ readonly rows: number; readonly paddedRows: number }>;
}

const chosen = SIZES.filter(
  ({ name }) =>
    process.argv.slice(2).every(arg => arg === '--write' || !SIZES.some(size => size.name === arg)) ||
    process.argv.includes(name),
);
const rows = [['', 'texts/s', 'of one by one', 'padding']];
for (const size of chosen) {
  await inFolder(async folder => {
    const model = await modelOf(folder, size);
    rows.push(...(await measure(size, await waysOf(model))));
    await model.dispose();
  });
}
await report('encoder', rows);

async function modelOf(folder: string, { config }: Size): Promise<Model> {
  await writeBaseCheckpoint(folder, { config });
  const directory = path.join(folder, 'model');
  const options = {
    checkpoint: await splitPath(path.join(folder, 'bert_model.ckpt')),
    config: new Uint8Array(await readFile(path.join(folder, 'bert_config.json'))),
    keywords: { model: 'bert', with_mlm: true },
    tokenizer: { kind: 'wordpiece', vocab: vocabulary() } as const,
  };
  await convert(options, await directorySink(directory));
  return loadModel(directory);
}

/** Special tokens, and as many Chinese characters as fill the table. */
function vocabulary(): Uint8Array {
  const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
  const count = Number(BASE_CONFIG['vocab_size']) - special.length;
  const characters = Array.from({ length: count }, (_, i) => String.fromCodePoint(0x4e00 + i));
  return new TextEncoder().encode([...special, ...characters].join('\n'));
}

async function waysOf(model: Model): Promise<readonly Way[]> {
  const embedder = await createEmbedder(model);
  const { encoder, ...graphs } = model.manifest.graphs;
  if (encoder === undefined) throw new Error('no graph without logits');
  const withLogits = await createEmbedder({
    manifest: { ...model.manifest, graphs },
    tokenizer: model.tokenizer,
    openGraph: name => model.openGraph(name),
    dispose: async () => undefined,
  });
  return [
    { name: 'one by one', run: counted(embedder, oneByOne) },
    { name: 'one by one, with logits', run: counted(withLogits, oneByOne) },
    { name: 'batches in the order of the file', run: texts => inOrder(model, texts) },
    { name: `${WINDOW} at once`, run: counted(embedder, windowed) },
    { name: `${WINDOW} at once, with logits`, run: counted(withLogits, windowed) },
    { name: 'all in one call', run: counted(embedder, async ({ embed }, texts) => void (await embed(texts))) },
  ];
}

function counted(
  embedder: Embedder,
  work: (embedder: Embedder, texts: readonly string[]) => Promise<void>,
): Way['run'] {
  return async texts => {
    const before = embedder.counts;
    await work(embedder, texts);
    const { rows, paddedRows } = embedder.counts;
    return { rows: rows - before.rows, paddedRows: paddedRows - before.paddedRows };
  };
}

async function oneByOne({ embed }: Embedder, texts: readonly string[]): Promise<void> {
  for (const text of texts) await embed([text]);
}

/** A call for each text, {@link WINDOW} of them under way. */
async function windowed({ embed }: Embedder, texts: readonly string[]): Promise<void> {
  const underWay: Promise<unknown>[] = [];
  for (const text of texts) {
    underWay.push(embed([text]));
    if (underWay.length >= WINDOW) await underWay.shift();
  }
  await Promise.all(underWay);
}

/** Neighbours in the file padded to the longest, as many as the budget holds. */
async function inOrder(model: Model, texts: readonly string[]) {
  const session = await model.openGraph('encoder');
  const ids = texts.map(text => model.tokenizer?.encode(text).tokenIds ?? []);
  let paddedRows = 0;
  for (let start = 0, end = 0; start < ids.length; start = end) {
    let length = 0;
    for (; end < ids.length; end++) {
      const longer = Math.max(length, ids[end]?.length ?? 0);
      if (end > start && longer * (end - start + 1) > BUDGET) break;
      length = longer;
    }
    const shape = [end - start, length];
    const tokens = ids.slice(start, end).flatMap(row => [...row, ...new Array<number>(length - row.length).fill(0)]);
    const segments = tokens.map(() => 0);
    await session.run({ input_ids: int64Tensor(tokens, shape), token_type_ids: int64Tensor(segments, shape) }, [
      'last_hidden_state',
    ]);
    paddedRows += tokens.length;
  }
  return { rows: ids.reduce((sum, { length }) => sum + length, 0), paddedRows };
}

async function measure({ name, texts: count }: Size, ways: readonly Way[]): Promise<string[][]> {
  const texts = raggedTexts(count);
  const times = ways.map((): number[] => []);
  const waste = ways.map(() => 0);
  for (const { run } of ways) await run(texts.slice(0, 2));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, { run }] of ways.entries()) {
      const start = performance.now();
      const { rows, paddedRows } = await run(texts);
      times[i]?.push((performance.now() - start) / 1000);
      waste[i] = 1 - rows / paddedRows;
    }
  }
  return ways.map((way, i) => {
    const ratios = (times[0] ?? []).map((first, round) => first / (times[i]?.[round] ?? Number.NaN));
    const spread = `${times2(median(ratios))} (${times2(Math.min(...ratios))} to ${times2(Math.max(...ratios))})`;
    return [
      `${name}, ${way.name}`,
      (count / median(times[i] ?? [])).toFixed(1),
      spread,
      `${(100 * (waste[i] ?? 0)).toFixed(1)} %`,
    ];
  });
}

function times2(ratio: number): string {
  return `${ratio.toFixed(2)}×`;
}

/** Lengths spread evenly over 8 to 256 tokens, special ones included, in an order that is none. */
function raggedTexts(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => {
    const place = (i * 7919) % count;
    const length = 6 + Math.round((248 * place) / Math.max(1, count - 1));
    return Array.from({ length }, (_, at) => String.fromCodePoint(0x4e00 + ((i * 131 + at * 17) % 20000))).join('');
  });
}
