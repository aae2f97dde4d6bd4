/**
 * Characters per second of cutting text into words, against `@node-rs/jieba` (jieba-rs, native), on the same texts, in one
 * run: `npx tsx test/bench/jieba.ts [seconds per measurement]`. The two take turns, so that a busy machine slows both.
 */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { Jieba } from '@node-rs/jieba';
import { dict } from '@node-rs/jieba/dict.js';
import { createJieba } from '../../src/tokenizers/jieba/jieba.ts';
import { jiebaDataUrl } from '../../src/tokenizers/jieba/load-jieba.ts';

const turns = 4;
const seconds = Number(process.argv[2] ?? 2) / turns;
const fixtures = new URL('../fixtures/text/', import.meta.url);

const bytes = readFileSync(jiebaDataUrl);
const started = performance.now();
const ours = createJieba(bytes);
const loaded = performance.now();
const theirs = Jieba.withDict(dict);
const theirsLoaded = performance.now();
console.log(`data: ${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} under gzip`);
console.log(`loading: ours ${(loaded - started).toFixed(0)} ms, native ${(theirsLoaded - loaded).toFixed(0)} ms`);

const lines = readFileSync(new URL('corpus/cmrc2018-trial.txt', fixtures), 'utf8').split('\n').filter(Boolean);
const corpora: Readonly<Record<string, readonly string[]>> = { sentences: lines, 'one long text': [lines.join('\n')] };
const modes: Readonly<Record<string, [(text: string) => string[], (text: string) => string[]]>> = {
  'precise, HMM': [text => ours.cut(text), text => theirs.cut(text, true)],
  'precise, no HMM': [text => ours.cut(text, { hmm: false }), text => theirs.cut(text, false)],
  full: [text => ours.cutAll(text), text => theirs.cutAll(text)],
};

console.log('corpus         characters  mode              ours kchar/s  native kchar/s  ratio  same words');
for (const [corpus, texts] of Object.entries(corpora)) {
  const characters = texts.reduce((sum, text) => sum + Array.from(text).length, 0);
  for (const [mode, [cut, cutNative]] of Object.entries(modes)) {
    const speed = { ours: 0, native: 0 };
    for (let turn = 0; turn < turns; turn++) {
      speed.ours = Math.max(speed.ours, measure(texts, characters, cut));
      speed.native = Math.max(speed.native, measure(texts, characters, cutNative));
    }
    const same = texts.filter(text => cut(text).join('\0') === cutNative(text).join('\0')).length;
    const numbers = [
      (speed.ours / 1000).toFixed(0).padStart(12),
      (speed.native / 1000).toFixed(0).padStart(15),
      (speed.ours / speed.native).toFixed(2).padStart(6),
    ];
    console.log(
      `${corpus.padEnd(13)} ${String(characters).padStart(11)}  ${mode.padEnd(16)} ${numbers.join(' ')}  ${same}/${texts.length}`,
    );
  }
}

/** Characters per second of the fastest pass over the texts. */
function measure(texts: readonly string[], characters: number, cut: (text: string) => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  const end = performance.now() + seconds * 1000;
  do {
    const start = performance.now();
    for (const text of texts) cut(text);
    best = Math.min(best, performance.now() - start);
  } while (performance.now() < end);
  return (characters / best) * 1000;
}
