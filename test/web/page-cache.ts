/**
 * Generation inside the page of the browser tests with a cache on the GPU: what it gives beside a cache in arrays, and what
 * crosses to the GPU in each step.
 */
import { Bert4ortError } from '../../src/core/errors.ts';
import { extendHypothesis, type Hypothesis, rootHypothesis } from '../../src/decode/scorer.ts';
import type { GenerationScorer } from '../../src/generation/generation-scorer.ts';
import { createGenerator, type Generator } from '../../src/generation/generator.ts';
import type { GraphSession } from '../../src/session/session.ts';
import { createChat, loadModel, type WebModelOptions } from '../../src/web.ts';
import type { GeneratedRequest } from '../generation/random-requests.ts';
import type { GpuTraffic } from './gpu-watch.ts';

/** Most rows of a run, so that requests are spread over several and some of their lanes are not the first. */
const FEW_ROWS = 24;

/**
 * Scores of requests that go on together with a cache on the GPU, against those of each alone on WebAssembly.
 * @returns the largest difference, the number of scores, and what the cache holds in the end.
 */
export async function compareTrees(base: string, requests: readonly GeneratedRequest[], options: WebModelOptions) {
  const gpu = await loadModel(base, { ...options, device: 'webgpu', worker: false });
  const wasm = await loadModel(base, { ...options, device: 'wasm', worker: false });
  const generator = createGenerator(await gpu.openGraph('step'), gpu.manifest, { maxBatchTokens: FEW_ROWS });
  const alone = createGenerator(await wasm.openGraph('step'), wasm.manifest);
  const found = await Promise.all(requests.map(request => scoresOf(request, generator)));
  const { cacheBytes: bytes } = generator.counts;
  const left = globalThis.gpuTraffic();
  let [difference, scores] = [0, 0];
  for (const [i, request] of requests.entries()) {
    const expected = await scoresOf(request, alone);
    expected.forEach((score, j) => {
      const apart = Math.abs(score - (found[i]?.[j] ?? Number.NaN)) / Math.max(1, Math.abs(score));
      if (!(apart <= difference)) difference = apart;
      scores++;
    });
  }
  await gpu.dispose();
  await wasm.dispose();
  return { difference, scores, bytes, left, disposed: globalThis.gpuTraffic() };
}

/** All scores of a request's steps, one after another. */
async function scoresOf({ prompt, segmentId, steps, rests }: GeneratedRequest, generator: Generator) {
  const scorer = generator.start(prompt, { segmentId });
  const scores: number[] = [];
  let rows: readonly Hypothesis[] = [rootHypothesis()];
  for (const step of [undefined, ...steps]) {
    const parents = rows;
    if (step !== undefined) {
      rows = step.map(({ parent, tokenId }) =>
        extendHypothesis(parents[parent % parents.length] ?? rootHypothesis(), tokenId),
      );
    }
    scores.push(...(await scorer.score(rows)));
    if (rests) scorer.rest();
  }
  scorer.release();
  return scores;
}

/** A step after a prompt. */
export interface TracedStep {
  readonly milliseconds: number;
  /** What happened in it; `cacheBytes` afterwards. */
  readonly traffic: GpuTraffic;
}

/** What {@link traceSteps} takes besides: with the cache in arrays, every step has the past uploaded. */
export interface TraceOptions extends WebModelOptions {
  readonly arrays?: boolean;
}

/** Writes after prompts of these lengths, on WebGPU: each step's time and traffic, and what is left afterwards. */
export async function traceSteps(base: string, lengths: readonly number[], count: number, options: TraceOptions) {
  const { arrays = false, ...rest } = options;
  const model = await loadModel(base, { ...rest, device: 'webgpu', worker: false });
  const session = await model.openGraph('step');
  const generator = createGenerator(arrays ? withoutCache(session) : session, model.manifest);
  const all: (readonly TracedStep[])[] = [];
  for (const length of lengths) {
    const tokenIds = Array.from({ length }, (_, i) => 10 + (i % 50));
    const scorer = generator.start({ tokenIds, segmentIds: tokenIds.map(() => 0) }, { segmentId: 1 });
    const steps: TracedStep[] = [];
    let row = rootHypothesis();
    for (let i = 0; i <= count; i++) {
      const [before, start] = [globalThis.gpuTraffic(), performance.now()];
      await scorer.score([row]);
      const milliseconds = performance.now() - start;
      const after = globalThis.gpuTraffic();
      const [uploaded, downloaded] = [after.uploaded - before.uploaded, after.downloaded - before.downloaded];
      steps.push({ milliseconds, traffic: { ...after, uploaded, downloaded } });
      row = extendHypothesis(row, 20 + i);
    }
    scorer.release();
    all.push(steps);
  }
  const { layers, heads, keySize, headSize } = model.manifest.dimensions;
  const released = globalThis.gpuTraffic();
  await model.dispose();
  return { steps: all, slotBytes: 4 * layers * heads * (keySize + headSize), released };
}

/** A session that opens no caches of its own. */
function withoutCache(session: GraphSession): GraphSession {
  const { device, inputs, outputs } = session;
  const run: GraphSession['run'] = (feeds, fetches, lend) => session.run(feeds, fetches, lend);
  return { device, inputs, outputs, run, dispose: () => session.dispose() };
}

/** Two dialogues of three turns at the same time, which rest between their turns. */
export async function converse(base: string, options: WebModelOptions): Promise<readonly (readonly string[])[]> {
  const model = await loadModel(base, options);
  try {
    const chat = await createChat(model);
    const dialogue = async (first: string): Promise<readonly string[]> => {
      const turns = [first];
      for (let turn = 0; turn < 3; turn++) {
        let written = '';
        for await (const piece of chat.stream(turns, { topK: 1, maxLen: 10 })) written += piece;
        turns.push(written, '今天天气不错');
      }
      return turns;
    };
    return await Promise.all([dialogue('你好'), dialogue('你是谁')]);
  } finally {
    await model.dispose();
  }
}

/**
 * Lets a cache's buffers be larger than any GPU's memory, at first and then when it grows; how the call ends that needs
 * them, and whether it works afterwards.
 */
export async function failAllocation(base: string, options: WebModelOptions) {
  const model = await loadModel(base, { ...options, device: 'webgpu', worker: false });
  const generator = createGenerator(await model.openGraph('step'), model.manifest);
  const scorer = generator.start({ tokenIds: [2, 3, 4], segmentIds: [0, 0, 0] }, { segmentId: 1 });
  const long = Array.from({ length: 40 }, (_, i) => 5 + i).reduce(extendHypothesis, rootHypothesis());
  const tooLarge = (asked: GPUBufferDescriptor) => ({ ...asked, size: 2 ** 50 });
  const failures = [];
  globalThis.beforeCacheBuffer = tooLarge;
  failures.push(await failureOf(scorer, rootHypothesis()));
  globalThis.beforeCacheBuffer = tooLarge;
  // Its rows have no place in the bucket of the prompt; the step after it reads them.
  await scorer.score([long]);
  failures.push(await failureOf(scorer, extendHypothesis(long, 5)));
  await model.dispose();
  return failures;
}

/** How a call ends, and the same call with memory at hand. */
async function failureOf(scorer: GenerationScorer, hypothesis: Hypothesis) {
  let message = '';
  try {
    await scorer.score([hypothesis]);
  } catch (error) {
    if (!(error instanceof Bert4ortError)) throw error;
    message = `${error.name}: ${error.message}`;
  }
  const { cacheBuffers } = globalThis.gpuTraffic();
  globalThis.beforeCacheBuffer = undefined;
  const again = await scorer.score([hypothesis]);
  return { message, cacheBuffers, again: again.length };
}
