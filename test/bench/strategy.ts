/**
 * What `cache: 'auto'` measures, how long that takes, and what it chooses: a GPT-2 of base size and one of two layers of 64,
 * with meaningless weights, on the CPU.
 *
 *     npx tsx test/bench/strategy.ts
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { measureStrategy } from '../../src/generation/measure-strategy.ts';
import { describeLimit, describeSteps } from '../../src/generation/strategy.ts';
import { loadModel } from '../../src/node.ts';
import { writeBaseCheckpoint } from './base-checkpoint.ts';
import { convertIn, inFolder } from './bench-model.ts';

const SMALL = {
  hidden_size: 64,
  intermediate_size: 256,
  num_attention_heads: 4,
  num_hidden_layers: 2,
  vocab_size: 2000,
};

await inFolder(async root => {
  for (const [name, config] of Object.entries({ base: {}, small: SMALL })) {
    const folder = path.join(root, name);
    await mkdir(folder);
    await writeBaseCheckpoint(folder, { model: 'gpt2', config });
    const model = await loadModel(await convertIn(folder, 'model', { model: 'gpt2' }));
    const session = await model.openGraph('step');
    for (let round = 0; round < 3; round++) {
      const start = performance.now();
      const { recomputeUpTo, difference } = await measureStrategy(session, model.manifest);
      const took = (performance.now() - start).toFixed(0);
      console.log(
        `${name}: ${describeLimit(recomputeUpTo)}, after ${took} ms; logits apart by ${difference.toExponential(1)}`,
      );
    }
    const { steps } = await measureStrategy(session, model.manifest, { all: true });
    console.log(`${name}: ${describeSteps(steps)}`);
    await model.dispose();
  }
});
