/**
 * What a server feels: how long the event loop is held up while eight requests decode in a worker thread, on a GPT-2 of base
 * size, and whether thousands of decodes of a tiny model leave memory where it was.
 *
 *     node --expose-gc --import tsx test/bench/compare-service.ts [--write]
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { getHeapCodeStatistics } from 'node:v8';
import { beamSearch } from '../../src/decode/beam-search.ts';
import { createGenerator, type Generator } from '../../src/generation/generator.ts';
import { loadModel } from '../../src/node.ts';
import { writeBaseCheckpoint } from './base-checkpoint.ts';
import { convertIn, inFolder } from './bench-model.ts';
import { report } from './performance-table.ts';

const REQUESTS = 8;
const DECODES = 3000;
const EVERY = 1000;
const WARM_UP = 50;
const TINY = {
  num_hidden_layers: 2,
  hidden_size: 64,
  num_attention_heads: 4,
  intermediate_size: 256,
  vocab_size: 1000,
};

const rows = [['', 'measured', 'target']];
await inFolder(async folder => {
  await writeBaseCheckpoint(folder, { model: 'gpt2' });
  const model = await loadModel(await convertIn(folder, 'model', { model: 'gpt2' }), { workers: 1 });
  const generator = createGenerator(await model.openGraph('step'), model.manifest);
  const decode = () =>
    Promise.all(Array.from({ length: REQUESTS }, () => decodeOne(generator, { length: 128, steps: 32 })));
  await decode();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await decode();
  delay.disable();
  // The histogram counts from one tick to the next, so the resolution is part of every value.
  const milliseconds = (nanoseconds: number) => `${Math.max(0, nanoseconds / 1e6 - 1).toFixed(1)} ms`;
  rows.push([`event loop, p99, ${REQUESTS} requests in a worker`, milliseconds(delay.percentile(99)), '20 ms']);
  rows.push([`event loop, longest`, milliseconds(delay.max), '-']);
  await model.dispose();
});

await inFolder(async folder => {
  await writeBaseCheckpoint(folder, { model: 'gpt2', config: TINY });
  const model = await loadModel(await convertIn(folder, 'model', { model: 'gpt2' }));
  const generator = createGenerator(await model.openGraph('step'), model.manifest);
  let early: Memory = { used: 0, resident: 0, code: 0 };
  for (let i = 0; i <= DECODES; i++) {
    if (i === WARM_UP) early = await memory();
    if (i > 0 && i % EVERY === 0) addMemory(i, early, await memory());
    await decodeOne(generator, { length: 16 + (i % 48), steps: 8 });
  }
  rows.push(['cache held when idle', `${generator.counts.cacheBytes} bytes`, '0']);
  await model.dispose();
});
await report('service', rows);

function addMemory(decodes: number, early: Memory, now: Memory): void {
  for (const kind of ['used', 'resident'] as const) {
    const share = (bytes: number) => `${((100 * bytes) / early[kind]).toFixed(1)} %`;
    const code = kind === 'used' ? `, of it compiled code ${share(now.code - early.code)}` : '';
    const change = share(now[kind] - early[kind]) + code;
    const name = `memory ${kind} after ${decodes} decodes against after ${WARM_UP} (${megabytes(early[kind])})`;
    rows.push([name, change, decodes === EVERY ? '2 %' : '-']);
  }
}

async function decodeOne(generator: Generator, { length, steps }: { readonly length: number; readonly steps: number }) {
  const tokenIds = Array.from({ length }, (_, i) => 100 + ((i * 7) % 800));
  const scorer = generator.start({ tokenIds, segmentIds: tokenIds.map(() => 0) });
  await beamSearch(scorer, { topK: 2, endId: 0, minLen: steps + 1, maxLen: steps });
  scorer.release();
}

/** Bytes held after everything unused was collected: in use by JavaScript, and resident. @throws Error without `--expose-gc`. */
async function memory(): Promise<Memory> {
  if (globalThis.gc === undefined) throw new Error('run with node --expose-gc --import tsx');
  for (let round = 0; round < 3; round++) {
    globalThis.gc();
    await sleep(50);
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  const { code_and_metadata_size: machineCode, bytecode_and_metadata_size: bytecode } = getHeapCodeStatistics();
  return { used: heapUsed + external, resident: rss, code: machineCode + bytecode };
}

interface Memory {
  readonly used: number;
  readonly resident: number;
  /** What V8 has compiled of our functions and keeps for them; part of `used`. */
  readonly code: number;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
