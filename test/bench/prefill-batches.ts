/**
 * Milliseconds to read ten passages of 200 to 330 tokens with a GPT-2 of base size, by the number of tokens that a run
 * may have: does a larger batch pay? The budgets take turns, so that they share the machine's moods.
 *
 *     npx tsx test/bench/prefill-batches.ts
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { convert } from '../../converters/index.ts';
import { rootHypothesis } from '../../src/decode/scorer.ts';
import { createGenerator } from '../../src/generation/generator.ts';
import { directorySink } from '../../src/io/directory-sink.ts';
import { splitPath } from '../../src/io/file-source.ts';
import { loadModel } from '../../src/node.ts';
import { writeBaseCheckpoint } from './base-checkpoint.ts';

const ROUNDS = 3;
const LENGTHS = [200, 215, 230, 244, 259, 273, 288, 302, 317, 330];

const folder = await mkdtemp(path.join(tmpdir(), 'bert4ort-bench-'));
try {
  await writeBaseCheckpoint(folder, { model: 'gpt2' });
  const options = {
    checkpoint: await splitPath(path.join(folder, 'bert_model.ckpt')),
    config: new Uint8Array(await readFile(path.join(folder, 'bert_config.json'))),
    keywords: { model: 'gpt2' },
  };
  await convert(options, await directorySink(path.join(folder, 'model')));
  const model = await loadModel(path.join(folder, 'model'));
  const session = await model.openGraph('step');
  const budgets = [0, 512, 1024, 4096].map(tokens => ({ tokens, times: [] as number[], waste: 0 }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const budget of budgets) {
      const generator = createGenerator(session, model.manifest, { maxBatchTokens: budget.tokens });
      const scorers = LENGTHS.map(length => {
        return generator.start({
          tokenIds: new Array<number>(length).fill(100),
          segmentIds: new Array<number>(length).fill(0),
        });
      });
      const start = performance.now();
      await Promise.all(scorers.map(scorer => scorer.score([rootHypothesis()])));
      budget.times.push(performance.now() - start);
      budget.waste = 1 - generator.counts.rows / generator.counts.paddedRows;
      for (const scorer of scorers) scorer.release();
    }
  }
  for (const { tokens, times, waste } of budgets) {
    const best = Math.min(...times);
    const name = tokens === 0 ? 'one passage a run' : `at most ${tokens} tokens a run`;
    console.log(`${name}: ${best.toFixed(0)} ms (best of ${ROUNDS}), ${(100 * waste).toFixed(1)} % padding`);
  }
  await model.dispose();
} finally {
  await rm(folder, { recursive: true });
}
