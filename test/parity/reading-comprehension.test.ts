import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { convert } from '../../converters/index.ts';
import { constrain } from '../../src/decode/constrain.ts';
import { extendHypothesis, rootHypothesis, type ScoreArray } from '../../src/decode/scorer.ts';
import { softmaxRows } from '../../src/decode/softmax.ts';
import { vote } from '../../src/decode/vote.ts';
import { createGenerator } from '../../src/generation/generator.ts';
import { directorySink } from '../../src/io/directory-sink.ts';
import { splitPath } from '../../src/io/file-source.ts';
import { tokenizerOf } from '../../src/model.ts';
import { loadModel, type Model } from '../../src/node.ts';
import { normalizePassage } from '../../src/tasks/answer.ts';
import { createMlmReader } from '../../src/tasks/mlm-reader.ts';
import { createSeq2SeqReader } from '../../src/tasks/seq2seq-reader.ts';

const MODELS = path.resolve(import.meta.dirname, '../../examples/models');
const TASKS = { answer: { maxPassageLen: 128, maxQuestionLen: 32, maxAnswerLen: 16 } };

interface Example {
  readonly id: string;
  readonly question: string;
  readonly passages: readonly string[];
}

interface Golden {
  readonly id: string;
  readonly mode: 'extractive' | 'generative' | 'mlm';
  readonly answer: string;
}

interface Seq2SeqGolden extends Golden {
  readonly mode: 'extractive' | 'generative';
  readonly topk: number;
  readonly ids: readonly number[];
  readonly score: number;
  readonly probs: readonly number[];
  readonly kept: readonly (readonly number[])[];
  readonly first: readonly (readonly [number, number, number])[];
  /** Per step the largest merged values, [id, value]; of some examples at beam 1. */
  readonly top5?: readonly (readonly Pair[])[];
  /** Per passage the largest probabilities of the first step; of the same examples. */
  readonly first5?: readonly (readonly Pair[])[];
}

type Pair = readonly [number, number];

interface MlmGolden extends Golden {
  readonly passages: readonly { ids: readonly number[]; answer: string; probs: readonly number[]; score: number }[];
  readonly ranking: readonly (readonly [string, number])[];
}

describe('reading comprehension goldens', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-reading-'));
  });
  after(() => rm(folder, { recursive: true }));

  for (const checkpoint of ['best_model.weights', 'bert_model.ckpt']) {
    it(`qa-unilm from ${checkpoint}: ids, texts, scores, votes`, async () => {
      const model = await convertExample('qa-unilm', checkpoint, path.join(folder, checkpoint), {
        application: 'unilm',
      });
      const examples = await examplesOf('qa-unilm');
      const goldens = await readLines<Seq2SeqGolden>('qa-unilm', 'goldens.jsonl');
      const reader = await createSeq2SeqReader(model);
      await Promise.all(
        goldens.map(async golden => {
          const { question, passages } = examples.get(golden.id) ?? assert.fail();
          const answer = await reader.answer(question, passages, { mode: golden.mode, topK: golden.topk });
          const name = `${golden.id} ${golden.mode} ${golden.topk}`;
          assert.deepEqual(answer.tokenIds, golden.ids, name);
          assert.equal(answer.answer, golden.answer, name);
          assertClose([answer.score], [golden.score], name);
          assertClose(answer.values, golden.probs, name);
          const kept = answer.passages.flatMap((passage, i) => (passage.kept ? [i] : []));
          assert.deepEqual(
            golden.probs.map(() => kept),
            golden.kept,
            name,
          );
          assert.deepEqual(
            answer.passages.map(one => one.tokenId),
            golden.first.map(([id]) => id),
            name,
          );
          assertClose(
            answer.passages.map(one => one.probability),
            golden.first.map(([, p]) => p),
            name,
          );
          assertClose(
            answer.passages.map(one => one.endProbability),
            golden.first.map(([, , end]) => end),
            name,
          );
          for (const { passage, start, end } of answer.spans) {
            const text = passages[passage]?.slice(start, end).replace(/[ 、；，]/g, ',') ?? '';
            assert.equal(plain(text), plain(answer.answer), name);
          }
          const isSpan = golden.mode === 'extractive' && answer.answer !== '';
          assert.ok(!isSpan || answer.spans.length > 0, `${name}: an extractive answer stands in a passage`);
        }),
      );
      await Promise.all(goldens.map(golden => assertLargest(model, examples.get(golden.id) ?? assert.fail(), golden)));
      await model.dispose();
    }).timeout(240000);
  }

  for (const checkpoint of ['best_model.weights', 'best_model_tf.weights']) {
    it(`qa-mlm from ${checkpoint}: ids, texts, probabilities, ranking`, async () => {
      const model = await convertExample('qa-mlm', checkpoint, path.join(folder, checkpoint), { with_mlm: true });
      const examples = await examplesOf('qa-mlm');
      const reader = await createMlmReader(model);
      for (const golden of await readLines<MlmGolden>('qa-mlm', 'goldens.jsonl')) {
        const { question, passages } = examples.get(golden.id) ?? assert.fail();
        const answer = await reader.answer(question, passages);
        assert.equal(answer.answer, golden.answer, golden.id);
        assert.deepEqual(
          answer.passages.map(one => one.tokenIds),
          golden.passages.map(one => one.ids),
          golden.id,
        );
        assert.deepEqual(
          answer.passages.map(one => one.answer),
          golden.passages.map(one => one.answer),
          golden.id,
        );
        answer.passages.forEach(({ probabilities, score }, i) => {
          assertClose(
            [...probabilities, score],
            [...(golden.passages[i]?.probs ?? []), golden.passages[i]?.score ?? 0],
            golden.id,
          );
        });
        assert.deepEqual(
          answer.ranking.map(one => one.answer),
          golden.ranking.map(([text]) => text),
          golden.id,
        );
        assertClose(
          answer.ranking.map(one => one.score),
          golden.ranking.map(([, score]) => score),
          golden.id,
        );
        assert.ok(answer.answer === '' || answer.spans.length > 0, `${golden.id}: the answer stands in a passage`);
      }
      await model.dispose();
    }).timeout(240000);
  }
});

/** Walks along a recorded answer and compares the largest values of each step, where they were recorded. */
async function assertLargest(model: Model, { question, passages }: Example, golden: Seq2SeqGolden): Promise<void> {
  const { top5, first5 } = golden;
  if (top5 === undefined || first5 === undefined) return;
  const name = `${golden.id} ${golden.mode}`;
  const tokenizer = tokenizerOf(model);
  const endId = tokenizer.tokenEndId ?? assert.fail();
  const generator = createGenerator(await model.openGraph('step'), model.manifest);
  const texts = passages.map(passage => {
    const { maxPassageLen: maxLen } = TASKS.answer;
    return tokenizer.encode(normalizePassage(passage), undefined, { maxLen }).tokenIds;
  });
  const asked = tokenizer.encode(question, undefined, { maxLen: TASKS.answer.maxQuestionLen + 1 }).tokenIds.slice(1);
  const scorers = texts.map(text => {
    const tokenIds = [...text, ...asked];
    return generator.start({ tokenIds, segmentIds: tokenIds.map(() => 0) }, { segmentId: 1 });
  });
  const firsts = await Promise.all(scorers.map(scorer => scorer.score([rootHypothesis()])));
  firsts.forEach((logits, passage) => {
    assertPairs(
      softmaxRows(Float32Array.from(logits), logits.length, name),
      first5[passage] ?? [],
      `${name}, passage ${passage}`,
    );
  });
  const votes = vote(scorers, { endId });
  const spans = texts.map(text => text.slice(1, -1));
  const scorer = golden.mode === 'extractive' ? constrain(votes, spans, { endId }) : votes;
  let hypothesis = rootHypothesis();
  for (const [step, pairs] of top5.entries()) {
    assertPairs(await scorer.score([hypothesis]), pairs, `${name}, step ${step}`);
    hypothesis = extendHypothesis(hypothesis, golden.ids[step] ?? assert.fail());
  }
  for (const one of scorers) one.release();
}

/** Whether `row` has these values at these ids, and nothing larger elsewhere. */
function assertPairs(row: ScoreArray, pairs: readonly Pair[], name: string): void {
  const values = pairs.map(([id]) => row[id] ?? 0);
  assertClose(
    values,
    pairs.map(([, value]) => value),
    name,
  );
  const ids = new Set(pairs.map(([id]) => id));
  const rest = Math.max(...Array.from(row).filter((_, id) => !ids.has(id)));
  // The reference writes zeros of a constrained step down for nobody: then there is nothing else at all.
  assert.ok(rest <= (pairs.length < 5 ? 0 : Math.min(...values) + 1e-6), `${name}: ${rest} is larger`);
}

/** Case, accents and spaces aside, which decoding does not keep. */
function plain(text: string): string {
  return text
    .toLowerCase()
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .replaceAll(' ', '');
}

function assertClose(found: readonly number[], expected: readonly number[], name: string): void {
  assert.equal(found.length, expected.length, name);
  found.forEach((value, i) => {
    assert.ok(Math.abs(value - (expected[i] ?? 0)) <= 1e-4, `${name}: ${value} and ${expected[i]}`);
  });
}

async function convertExample(
  name: string,
  checkpoint: string,
  out: string,
  keywords: Parameters<typeof convert>[0]['keywords'],
): Promise<Model> {
  const place = path.join(MODELS, name);
  const options = {
    checkpoint: await splitPath(path.join(place, checkpoint)),
    config: new Uint8Array(await readFile(path.join(place, 'config.json'))),
    keywords: { model: 'bert', ...keywords },
    tokenizer: { kind: 'wordpiece', vocab: new Uint8Array(await readFile(path.join(place, 'vocab.txt'))) } as const,
    tasks: TASKS,
  };
  await convert(options, await directorySink(`${out}-${name}`));
  return loadModel(`${out}-${name}`);
}

async function examplesOf(name: string): Promise<ReadonlyMap<string, Example>> {
  return new Map((await readLines<Example>(name, 'examples.jsonl')).map(example => [example.id, example]));
}

async function readLines<T>(name: string, file: string): Promise<readonly T[]> {
  const text = await readFile(path.join(MODELS, name, file), 'utf8');
  return text.split('\n').flatMap(line => (line.trim() === '' ? [] : [JSON.parse(line) as T]));
}
