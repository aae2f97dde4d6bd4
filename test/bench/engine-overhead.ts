/**
 * Milliseconds of TypeScript in a decoding step: the generation engine over a session that answers at once, with the
 * shapes of a GPT-2 of base size. `decode-engine.ts` measures whole steps; this is its part that is ours, steadier on a
 * busy machine.
 *
 *     npx tsx test/bench/engine-overhead.ts
 */

import type { Manifest } from '../../src/core/manifest.ts';
import { float32Tensor, type Tensor } from '../../src/core/tensor.ts';
import { extendHypothesis, rootHypothesis } from '../../src/decode/scorer.ts';
import { createGenerator } from '../../src/generation/generator.ts';
import type { GraphSession } from '../../src/session/session.ts';

const STEPS = 64;
const [LAYERS, HEADS, SIZE, VOCABULARY] = [12, 12, 64, 21128];

for (const { sequences, past, beams } of [
  { sequences: 1, past: 128, beams: 1 },
  { sequences: 1, past: 448, beams: 1 },
  { sequences: 8, past: 128, beams: 1 },
  { sequences: 8, past: 448, beams: 1 },
  { sequences: 1, past: 128, beams: 8 },
  { sequences: 1, past: 128, beams: 64 },
  { sequences: 64, past: 64, beams: 1 },
]) {
  const generator = createGenerator(instantSession(), manifest());
  const prompt = { tokenIds: new Array<number>(past).fill(100), segmentIds: new Array<number>(past).fill(0) };
  const scorers = Array.from({ length: sequences }, () => generator.start(prompt));
  let rows = [rootHypothesis()];
  await Promise.all(scorers.map(scorer => scorer.score(rows)));
  const before = generator.counts.sessionMilliseconds;
  const start = performance.now();
  for (let step = 0; step < STEPS; step++) {
    const [first = rootHypothesis()] = rows;
    const parents = rows.length === beams ? rows : new Array<typeof first>(beams).fill(first);
    rows = parents.map((parent, i) => extendHypothesis(parent, 200 + i));
    await Promise.all(scorers.map(scorer => scorer.score(rows)));
  }
  const inSession = generator.counts.sessionMilliseconds - before;
  const each = (performance.now() - start - inSession) / STEPS;
  console.log(`${sequences} x past ${past}, ${beams} rows: ${each.toFixed(2)} ms a step`);
  for (const scorer of scorers) scorer.release();
}

/** A session that returns zeros, always the same arrays. */
function instantSession(): GraphSession {
  const outputs = new Map<string, Tensor>();
  const input = (name: string) => ({ name, dtype: 'int64', shape: ['B', 'R'] }) as const;
  return {
    device: { device: 'cpu', reason: 'stands in for one' },
    inputs: [input('input_ids'), input('position_ids')],
    outputs: [],
    async run(feeds, fetches) {
      const [batch = 0, rows = 0] = feeds['input_ids']?.shape ?? [];
      const [, reads = 0] = feeds['logit_rows']?.shape ?? [];
      const zeros = (name: string): Tensor => {
        const shape = name === 'logits' ? [batch, reads, VOCABULARY] : [batch, HEADS, rows, SIZE];
        const known = outputs.get(name);
        const size = shape.reduce((product, length) => product * length, 1);
        const tensor = known?.data.length === size ? known : float32Tensor(new Float32Array(size), shape);
        outputs.set(name, tensor);
        return tensor;
      };
      return Object.fromEntries(fetches.map(name => [name, zeros(name)]));
    },
    async dispose() {
      outputs.clear();
    },
  };
}

function manifest(): Manifest {
  return {
    formatVersion: 1,
    tool: 'bench',
    architecture: 'gpt2',
    application: 'lm',
    graphs: {},
    dimensions: {
      layers: LAYERS,
      heads: HEADS,
      headSize: SIZE,
      keySize: SIZE,
      hidden: HEADS * SIZE,
      vocabSize: VOCABULARY,
      segmentVocabSize: 0,
      maxPositions: 1024,
    },
    attention: { visibility: 'causal', segmentPadding: false },
    activations: {},
    tasks: {},
    origin: { format: '', scheme: '', files: [], options: {} },
  };
}
