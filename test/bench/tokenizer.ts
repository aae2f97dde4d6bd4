/**
 * Characters per second of text → ids, against `@huggingface/tokenizers` with the same vocabulary, on the same texts, in one
 * run: `npx tsx test/bench/tokenizer.ts [seconds per measurement]`. The two take turns, so that a busy machine slows both.
 */
import { readFileSync } from 'node:fs';
import { Tokenizer } from '@huggingface/tokenizers';
import { loadVocab } from '../../src/tokenizers/vocabulary.ts';
import { huggingFaceFiles } from '../../src/tokenizers/wordpiece/hugging-face-files.ts';
import { createWordPieceTokenizer } from '../../src/tokenizers/wordpiece/wordpiece-tokenizer.ts';

const turns = 5;
const seconds = Number(process.argv[2] ?? 2) / turns;
const fixtures = new URL('../fixtures/text/', import.meta.url);
const options = { doLowerCase: true };

const vocabFile = readFileSync(new URL('vocabs/bert-base-chinese-vocab.txt', fixtures));
const started = performance.now();
const { tokenDict } = loadVocab(vocabFile);
const ours = createWordPieceTokenizer(tokenDict, options);
const loaded = performance.now();
const files = huggingFaceFiles(tokenDict, options);
const json = JSON.parse(files['tokenizer.json']);
const theirsStarted = performance.now();
const theirs = new Tokenizer(json, JSON.parse(files['tokenizer_config.json']));
const theirsLoaded = performance.now();

const chinese = linesOf(new URL('corpus/cmrc2018-trial.txt', fixtures));
const english = linesOf(new URL('../../LICENSE', import.meta.url));
const corpora: Readonly<Record<string, readonly string[]>> = {
  chinese,
  english,
  mixed: chinese.map((line, at) => `${line} ${english[at % english.length]}`),
  'accents, emoji': english.map(line => `😀 ${line.replaceAll('e', 'é').replaceAll('I', 'İ')}`),
  'one long text': [[...chinese, ...english].join('\n')],
};

console.log(
  `loading: ours ${(loaded - started).toFixed(0)} ms, theirs ${(theirsLoaded - theirsStarted).toFixed(0)} ms`,
);
console.log('corpus            characters   ours Mchar/s   theirs Mchar/s   ratio   equal ids');
for (const [name, texts] of Object.entries(corpora)) {
  const characters = texts.reduce((sum, text) => sum + Array.from(text).length, 0);
  const speed = { ours: 0, theirs: 0 };
  for (let turn = 0; turn < turns; turn++) {
    speed.ours = Math.max(
      speed.ours,
      measure(texts, characters, text => ours.encode(text)),
    );
    speed.theirs = Math.max(
      speed.theirs,
      measure(texts, characters, text => theirs.encode(text)),
    );
  }
  const equal = texts.filter(text => String(ours.encode(text).tokenIds) === String(theirs.encode(text).ids)).length;
  const numbers = [
    String(characters).padStart(10),
    (speed.ours / 1e6).toFixed(2).padStart(14),
    (speed.theirs / 1e6).toFixed(3).padStart(16),
    (speed.ours / speed.theirs).toFixed(0).padStart(7),
  ];
  console.log(`${name.padEnd(17)} ${numbers.join(' ')}   ${equal}/${texts.length}`);
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

function linesOf(file: URL): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(line => line !== '');
}
