/**
 * Decodes of the recorded cases: what `AutoRegressiveDecoder` returned, id for id, through the generation engine's cache.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { architectures } from '../../onnx-graphs/architectures/index.ts';
import { generate, type Strategy } from '../../src/decode/generate.ts';
import { createGenerator, type Generator } from '../../src/generation/generator.ts';
import { directorySink } from '../../src/io/directory-sink.ts';
import type { Model } from '../../src/model.ts';
import { loadModel } from '../../src/node.ts';
import { CASES, convertCase, recordedCases } from './recorded-cases.ts';

interface RecordedDecode {
  readonly method: 'beam_search' | 'random_sample';
  readonly topk: number;
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly segmentRule: 'none' | 'ones' | 'flip' | 'speaker' | 't5';
  readonly start_id: number | null;
  readonly end_id: number;
  readonly maxlen: number;
  readonly minlen: number;
  readonly min_ends?: number;
  readonly temperature?: number;
  readonly output: readonly number[];
}

describe('recorded decodes', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-decode-'));
  });
  after(() => rm(folder, { recursive: true }));

  for (const recorded of recordedCases(Object.keys(architectures))) {
    if (!('decode' in recorded)) continue;
    it(recorded.name, async () => {
      const directory = path.join(folder, recorded.name);
      await convertCase(recorded, await directorySink(directory));
      const model = await loadModel(directory, { session: { threads: 1 } });
      try {
        await replayAll(model, await decodesOf(recorded.name));
      } finally {
        await model.dispose();
      }
    });
  }
});

async function decodesOf(name: string): Promise<readonly RecordedDecode[]> {
  const text = await readFile(path.join(CASES, name, 'case.json'), 'utf8');
  return (JSON.parse(text) as { decode: readonly RecordedDecode[] }).decode;
}

/** All decodes of a case at once: their searches share the engine's runs. */
async function replayAll(model: Model, decodes: readonly RecordedDecode[]): Promise<void> {
  const generator = createGenerator(await model.openGraph('step'), model.manifest);
  const outputs = await Promise.all(decodes.map(decode => replay(generator, decode)));
  assert.deepEqual(
    outputs,
    decodes.map(decode => decode.output),
  );
  assert.ok(decodes.length > 0);
}

async function replay(generator: Generator, decode: RecordedDecode): Promise<readonly number[]> {
  const { inputs, start_id: startId, segmentRule } = decode;
  const source = inputs['Input-Token'] ?? inputs['Encoder-Input-Token'] ?? [];
  const tokenIds = [...source, ...(startId === null ? [] : [startId])];
  const isTarget = (i: number) => segmentRule === 't5' && i >= source.length;
  const segmentIds = inputs['Input-Segment'] ?? tokenIds.map((_, i) => (isTarget(i) ? 1 : 0));
  const scorer = generator.start({ tokenIds, segmentIds }, { segmentId: segmentOf(decode, tokenIds, segmentIds) });
  try {
    const { end_id: endId, maxlen: maxLen } = decode;
    const [result] = await generate(scorer, strategyOf(decode), { endId, maxLen, random: () => 0.5 });
    return result?.tokenIds ?? [];
  } finally {
    scorer.release();
  }
}

function strategyOf({ method, topk: topK, start_id, minlen, min_ends, temperature }: RecordedDecode): Strategy {
  const ending = { startId: start_id, minLen: minlen, minEnds: min_ends, temperature };
  return method === 'beam_search'
    ? { kind: 'bert4keras-beam', topK, ...ending }
    : { kind: 'sample', topK, n: 1, ...ending };
}

function segmentOf(
  { segmentRule }: RecordedDecode,
  tokenIds: readonly number[],
  segmentIds: readonly number[],
): number {
  if (segmentRule === 'flip') return 1 - (segmentIds.at(-1) ?? 0);
  if (segmentRule === 'speaker') return tokenIds.at(-1) ?? 0;
  return segmentRule === 'ones' || segmentRule === 't5' ? 1 : 0;
}
