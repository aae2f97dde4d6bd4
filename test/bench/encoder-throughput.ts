/**
 * Texts a second through an encoder, 8 to 256 or to 32 tokens long in no order: one by one, in batches in the order of the file,
 * asked for at once, as `embed --input` does with 64 lines, and all in one call; and what embeddings save by a graph without
 * the vocabulary's logits. Padding is the share of computed positions that hold none of the texts. The ways take turns, round
 * by round, and each is compared with the first of its round; processor time, which other programs disturb less, as well.
 *
 *     npx tsx test/bench/encoder-throughput.ts [small] [base]
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { convert } from '../../converters/index.ts';
import { MANIFEST_FILE } from '../../src/core/manifest.ts';
import { formatManifest, parseManifest } from '../../src/core/manifest-parser.ts';
import { int64Tensor } from '../../src/core/tensor.ts';
import { seededRandom } from '../../src/decode/seeded-random.ts';
import { directorySink } from '../../src/io/directory-sink.ts';
import { splitPath } from '../../src/io/file-source.ts';
import { loadModel, type Model } from '../../src/node.ts';
import { createEmbedder, type Embedder } from '../../src/tasks/embed.ts';
import { BASE_CONFIG, writeBaseCheckpoint } from './base-checkpoint.ts';
import { inFolder, median } from './bench-model.ts';
import { report } from './performance-table.ts';

const ROUNDS = 5;
const WINDOW = 64;
const BUDGET = 512;
const SHORTEST = 8;

/** A model to measure, with tokens that take it seconds. */
interface Size {
  readonly name: string;
  readonly tokens: number;
  readonly config: Readonly<Record<string, number>>;
}

/** Longest texts: articles, and sentences. */
const LONGEST = [256, 32];

const SIZES: readonly Size[] = [
  {
    name: 'small',
    tokens: 8_000,
    config: { num_hidden_layers: 4, hidden_size: 256, num_attention_heads: 4, intermediate_size: 1024 },
  },
  { name: 'base', tokens: 1_500, config: {} },
];

/** One way to embed texts; gives the rows asked for and computed. */
interface Way {
  readonly name: string;
  readonly run: (texts: readonly string[]) => Promise<{ readonly rows: number; readonly paddedRows: number }>;
}

const named = SIZES.filter(({ name }) => process.argv.includes(name));
const rows = [['', 'texts/s', 'of one by one', 'of processor time', 'padding']];
for (const size of named.length > 0 ? named : SIZES) {
  await inFolder(async folder => {
    const directory = await convertedIn(folder, size);
    const model = await loadModel(directory);
    const whole = await withoutEncoder(directory);
    const ways = await waysOf(model, whole);
    for (const longest of LONGEST) rows.push(...(await measure(size, longest, ways)));
    await model.dispose();
    await whole.dispose();
  });
}
await report('encoder', rows);

async function convertedIn(folder: string, { config }: Size): Promise<string> {
  await writeBaseCheckpoint(folder, { config });
  const directory = path.join(folder, 'model');
  const options = {
    checkpoint: await splitPath(path.join(folder, 'bert_model.ckpt')),
    config: new Uint8Array(await readFile(path.join(folder, 'bert_config.json'))),
    keywords: { model: 'bert', with_mlm: true },
    tokenizer: { kind: 'wordpiece', vocab: vocabulary() } as const,
  };
  await convert(options, await directorySink(directory));
  return directory;
}

/** The same model as if it had been converted without the graph that leaves out the logits. */
async function withoutEncoder(directory: string): Promise<Model> {
  const file = path.join(directory, MANIFEST_FILE);
  const { graphs, ...manifest } = parseManifest(await readFile(file, 'utf8'));
  const { encoder: _, ...others } = graphs;
  await writeFile(file, formatManifest({ ...manifest, graphs: others }));
  return loadModel(directory);
}

/** Special tokens, and as many Chinese characters as fill the table. */
function vocabulary(): Uint8Array {
  const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
  const count = Number(BASE_CONFIG['vocab_size']) - special.length;
  const characters = Array.from({ length: count }, (_, i) => String.fromCodePoint(0x4e00 + i));
  return new TextEncoder().encode([...special, ...characters].join('\n'));
}

async function waysOf(model: Model, whole: Model): Promise<readonly Way[]> {
  const embedder = await createEmbedder(model);
  const withLogits = await createEmbedder(whole);
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

/** Seconds of a round, by the clock and of all cores together, and what was computed. */
interface Round {
  readonly seconds: number;
  readonly processor: number;
  readonly padding: number;
}

async function timed(run: Way['run'], texts: readonly string[]): Promise<Round> {
  const used = process.cpuUsage();
  const start = performance.now();
  const { rows, paddedRows } = await run(texts);
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(used);
  return { seconds, processor: (user + system) / 1e6, padding: 1 - rows / paddedRows };
}

async function measure({ name, tokens }: Size, longest: number, ways: readonly Way[]): Promise<string[][]> {
  const count = Math.round((2 * tokens) / (SHORTEST + longest));
  const texts = raggedTexts(count, longest);
  for (const { run } of ways) await run(texts.slice(0, 2));
  const rounds: Round[][] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const row: Round[] = [];
    for (const { run } of ways) row.push(await timed(run, texts));
    rounds.push(row);
  }
  return ways.map((way, i) => {
    const ratios = (pick: (round: Round) => number) => rounds.map(row => pick(row[0] ?? NONE) / pick(row[i] ?? NONE));
    const wall = ratios(({ seconds }) => seconds);
    const rate = count / median(rounds.map(row => row[i]?.seconds ?? Number.NaN));
    return [
      `${name}, ${SHORTEST} to ${longest} tokens, ${way.name}`,
      rate.toFixed(1),
      `${times(median(wall))} (${times(Math.min(...wall))} to ${times(Math.max(...wall))})`,
      times(median(ratios(({ processor }) => processor))),
      `${(100 * (rounds[0]?.[i]?.padding ?? Number.NaN)).toFixed(1)} %`,
    ];
  });
}

const NONE: Round = { seconds: Number.NaN, processor: Number.NaN, padding: Number.NaN };

function times(ratio: number): string {
  return `${ratio.toFixed(2)}×`;
}

/** Lengths spread evenly from {@link SHORTEST} tokens on, special ones included, shuffled in the same way every time. */
function raggedTexts(count: number, longest: number): readonly string[] {
  const random = seededRandom(1);
  const order = Array.from({ length: count }, (_, place) => ({ place, key: random() })).sort((a, b) => a.key - b.key);
  return order.map(({ place }, i) => {
    const length = SHORTEST - 2 + Math.round(((longest - SHORTEST) * place) / Math.max(1, count - 1));
    return Array.from({ length }, (_, at) => String.fromCodePoint(0x4e00 + ((i * 131 + at * 17) % 20000))).join('');
  });
}
