/**
 * A process in which models come and go: `node --expose-gc memory-process.js <model directory> <workers> <models>`. Prints
 * what it held after a few of them and after all, as JSON.
 */
import { readdirSync } from 'node:fs';
import { getHeapSnapshot } from 'node:v8';
import { createChat, loadModel } from '../../src/node.ts';
import { bytesOfScripts, type HeapSnapshot } from '../script-memory.ts';

/** What the process holds. */
export interface Held {
  /** Bytes of what JavaScript holds. */
  readonly scripts: number;
  /** Bytes of array buffers, and of all memory outside the heap that JavaScript's objects stand for. */
  readonly arrayBuffers: number;
  readonly external: number;
  /** Threads of any kind; 0 where the system does not list them. */
  readonly threads: number;
  /** Bytes of memory that are resident, ONNX Runtime's included. */
  readonly resident: number;
}

/** What the process prints. */
export type Holdings = readonly [before: Held, after: Held];

/** Models before a measurement: code is compiled, thread pools have their size. */
const WARM_UP = 10;

const [directory = '', workers = '0', models = '100'] = process.argv.slice(2);

/** Loads a model, lets it reply and disposes it, `count` times. */
async function cycle(count: number): Promise<Held> {
  for (let i = 0; i < count; i++) {
    const model = await loadModel(directory, { workers: Number(workers), session: { threads: 2 } });
    await (await createChat(model)).reply(['你好'], { topK: 1, maxLen: 4 });
    await model.dispose();
  }
  return measure();
}

async function measure(): Promise<Held> {
  // What a first collection finalizes, the next frees, and memory of arrays is counted down in the background.
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.();
    await new Promise(setImmediate);
  }
  const { arrayBuffers, external, rss: resident } = process.memoryUsage();
  const threads = process.platform === 'linux' ? readdirSync('/proc/self/task').length : 0;
  return { scripts: bytesOfScripts(await takeSnapshot()), arrayBuffers, external, threads, resident };
}

async function takeSnapshot(): Promise<HeapSnapshot> {
  const chunks: string[] = [];
  for await (const chunk of getHeapSnapshot()) chunks.push(String(chunk));
  return JSON.parse(chunks.join(''));
}

// Twice, as measuring needs memory itself.
await cycle(WARM_UP);
const before = await cycle(WARM_UP);
const holdings: Holdings = [before, await cycle(Number(models) - 2 * WARM_UP)];
console.log(JSON.stringify(holdings));
