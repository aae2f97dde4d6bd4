/**
 * Characters per second of text → ids with the CPM model, against `sentencepiece-js` (SentencePiece in WebAssembly) and
 * `@huggingface/tokenizers`, on the same texts, in one run: `npx tsx test/bench/sentencepiece.ts [seconds per measurement]`.
 * All take turns, so that a busy machine slows each.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Tokenizer } from '@huggingface/tokenizers';
import { SentencePieceProcessor } from 'sentencepiece-js';
import { parseSentencePieceModel } from '../../src/tokenizers/sentencepiece/model-file.ts';
import { createSentencePiece } from '../../src/tokenizers/sentencepiece/sentence-piece.ts';

const turns = 4;
const seconds = Number(process.argv[2] ?? 2) / turns;
const fixtures = new URL('../fixtures/text/', import.meta.url);
const modelFile = new URL('vocabs/cpm-chinese_vocab-2020-11-13.model', fixtures);

const encoders: Record<string, (text: string) => number[]> = {};
const loading: string[] = [];
await load('ours', async () => createSentencePiece(readFileSync(modelFile)).encodeAsIds);
await load('sentencepiece-js', async () => {
  const processor = new SentencePieceProcessor();
  await processor.load(fileURLToPath(modelFile));
  return text => processor.encodeIds(text);
});
await load('huggingface', async () => {
  const tokenizer = new Tokenizer(huggingFaceForm(), {});
  return text => tokenizer.encode(text).ids;
});
console.log(`loading: ${loading.join(', ')}`);

const chinese = readFileSync(new URL('corpus/cmrc2018-trial.txt', fixtures), 'utf8').split('\n').filter(Boolean);
const english = readFileSync(new URL('../../LICENSE', import.meta.url), 'utf8')
  .split('\n')
  .filter(Boolean);
const corpora: Readonly<Record<string, readonly string[]>> = {
  chinese,
  english,
  mixed: chinese.map((line, at) => `${line} ${english[at % english.length]}`),
  'full-width, emoji': chinese.map(line => `😀 ＡＢＣ${line.replaceAll('的', 'ﾊﾞ①')}`),
};

console.log('corpus              characters  encoder           kchar/s   ours is  same ids');
for (const [name, texts] of Object.entries(corpora)) compare(name, texts);

async function load(name: string, open: () => Promise<(text: string) => number[]>): Promise<void> {
  const start = performance.now();
  encoders[name] = await open();
  loading.push(`${name} ${(performance.now() - start).toFixed(0)} ms`);
}

function compare(name: string, texts: readonly string[]): void {
  const characters = texts.reduce((sum, text) => sum + Array.from(text).length, 0);
  const speeds: Record<string, number> = {};
  for (let turn = 0; turn < turns; turn++) {
    for (const [encoder, encode] of Object.entries(encoders)) {
      speeds[encoder] = Math.max(speeds[encoder] ?? 0, measure(texts, characters, encode));
    }
  }
  const [ours = 0] = Object.values(speeds);
  for (const [encoder, encode] of Object.entries(encoders)) {
    const speed = speeds[encoder] ?? 0;
    const same = texts.filter(text => String(encode(text)) === String(encoders['ours']?.(text))).length;
    const numbers = `${(speed / 1000).toFixed(0).padStart(7)}  ${(ours / speed).toFixed(1).padStart(7)}×  ${same}/${texts.length}`;
    console.log(`${name.padEnd(18)} ${String(characters).padStart(11)}  ${encoder.padEnd(17)} ${numbers}`);
  }
}

/** Characters per second of the fastest pass over the texts. */
function measure(texts: readonly string[], characters: number, encode: (text: string) => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  const end = performance.now() + seconds * 1000;
  do {
    const start = performance.now();
    for (const text of texts) encode(text);
    best = Math.min(best, performance.now() - start);
  } while (performance.now() < end);
  return (characters / best) * 1000;
}

/** The model as transformers' converter writes it to tokenizer.json. */
function huggingFaceForm(): object {
  const { pieces } = parseSentencePieceModel(readFileSync(modelFile));
  const metaspace = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true };
  return {
    added_tokens: [],
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Precompiled', precompiled_charsmap: null },
        { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' },
      ],
    },
    pre_tokenizer: metaspace,
    decoder: metaspace,
    post_processor: null,
    model: { type: 'Unigram', unk_id: 0, vocab: pieces.map(({ text, score }) => [text, score]) },
  };
}
