/**
 * Measures one task: cold, from loading to the first answer, then in rounds of the same requests. Tasks that write are asked
 * twice in each round, for one token and for all: the first tells the time to the first token and what the prompt costs, the
 * difference what the other tokens cost.
 */
import { throwIfAborted } from '../../core/errors.ts';
import type { RunCounts } from '../../generation/run-counts.ts';
import { loadModel, type NodeModelOptions } from '../../node.ts';
import { defaultThreads } from '../../session/hardware-node.ts';
import { MisuseError } from '../command.ts';
import type { JsonLine } from '../json-lines.ts';
import { type WatchedModel, watchModel } from './model.ts';
import type { Latencies, TaskReport } from './report.ts';
import { type BenchPlan, type BenchTask, strategyOf } from './task.ts';
import { checkHeeded, type Workload } from './workload.ts';

/** What {@link measureTask} needs. */
export interface Measurement {
  readonly name: string;
  readonly task: BenchTask;
  readonly directory: string;
  /** Device, threads, workers. */
  readonly loading: NodeModelOptions;
  readonly workload: Workload;
  /** Requests of `--input`. */
  readonly lines: readonly JsonLine[] | undefined;
  readonly signal: AbortSignal;
}

/** The figures, and what the model is. */
export type MeasuredTask = TaskReport & { readonly architecture: string };

/** One time over all requests. */
interface Pass {
  readonly latencies: readonly number[];
  /** From the start of the first to the end of the last. */
  readonly elapsed: number;
  readonly newTokens: number;
  readonly counts: RunCounts;
}

/**
 * Measures. Cold figures and memory are true in a fresh process only.
 * @throws ConfigError when the model can't serve the task; MisuseError for lengths without room; InputError; SessionError.
 */
export async function measureTask(measurement: Measurement): Promise<MeasuredTask> {
  const { task, directory, loading, workload, lines, signal } = measurement;
  const start = performance.now();
  const model = await loadModel(directory, { ...loading, signal });
  const load = performance.now() - start;
  try {
    checkHeeded(workload, measurement.name, task.flags(model.manifest));
    const watched = watchModel(model);
    const opening = performance.now();
    const { strategy } = await task.open(watched.model, strategyOf(workload));
    const open = performance.now() - opening;
    const opened = peakMemory();
    const plan = task.plan(watched.model, workload, lines);
    checkConcurrency(plan, workload);
    const { first, full, one } = await measurePasses(plan, measurement, task.writes(model.manifest));
    const place = placeOf(watched, loading);
    return {
      architecture: model.manifest.architecture,
      task: measurement.name,
      ...place,
      strategy: strategy?.reason ?? null,
      workload: workloadOf(plan, measurement),
      cold: { load, open, first },
      ...figures(full, one, place.workers),
      memory: { opened, peak: peakMemory(), cache: watched.cacheBytes },
    };
  } finally {
    await model.dispose();
  }
}

/** Where the model ran. */
function placeOf({ sessions }: WatchedModel, { session, workers }: NodeModelOptions) {
  const device = sessions[0]?.device;
  return {
    device: device?.device ?? 'none',
    deviceReason: device?.reason ?? '',
    threads: device?.hardware?.threads ?? session?.threads ?? defaultThreads(),
    workers: workers ?? 0,
  };
}

function workloadOf({ requests, sizes }: BenchPlan, { workload, lines }: Measurement): TaskReport['workload'] {
  const { rounds, concurrency } = workload;
  return { source: lines === undefined ? 'made-up' : 'file', requests, rounds, concurrency, sizes };
}

interface Passes {
  /** Milliseconds of the very first request. */
  readonly first: number;
  readonly full: Pass;
  /** With one new token; null for tasks that don't write. */
  readonly one: Pass | null;
}

async function measurePasses(plan: BenchPlan, measurement: Measurement, writes: boolean): Promise<Passes> {
  const { workload } = measurement;
  const newTokens = plan.sizes['newTokens'] ?? 0;
  const cold = await runPass({ ...plan, requests: 1 }, measurement, newTokens);
  const full: Pass[] = [];
  const one: Pass[] = [];
  for (let round = -workload.warmup; round < workload.rounds; round++) {
    const first = writes ? [await runPass(plan, measurement, 1)] : [];
    const whole = await runPass(plan, measurement, newTokens);
    if (round < 0) continue;
    one.push(...first);
    full.push(whole);
  }
  return { first: cold.elapsed, full: together(full), one: one.length === 0 ? null : together(one) };
}

/** All requests, as many at once as wanted, by a task that is opened for it. */
async function runPass(plan: BenchPlan, { workload, signal }: Measurement, newTokens: number): Promise<Pass> {
  const task = await plan.open();
  const latencies: number[] = [];
  let next = 0;
  let written = 0;
  const askOn = async () => {
    while (next < plan.requests) {
      throwIfAborted(signal, 'measuring');
      const asked = performance.now();
      const tokens = await task.ask(next++, { newTokens, signal });
      latencies.push(performance.now() - asked);
      written += tokens;
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: workload.concurrency }, askOn));
  return { latencies, elapsed: performance.now() - start, newTokens: written, counts: task.counts };
}

function together(passes: readonly Pass[]): Pass {
  const sum = (of: (pass: Pass) => number) => passes.reduce((total, pass) => total + of(pass), 0);
  return {
    latencies: passes.flatMap(pass => pass.latencies),
    elapsed: sum(pass => pass.elapsed),
    newTokens: sum(pass => pass.newTokens),
    counts: {
      runs: sum(({ counts }) => counts.runs),
      rows: sum(({ counts }) => counts.rows),
      paddedRows: sum(({ counts }) => counts.paddedRows),
      sessionMilliseconds: sum(({ counts }) => counts.sessionMilliseconds),
    },
  };
}

/** What follows from the passes. */
function figures(full: Pass, one: Pass | null, workers: number) {
  const requests = full.latencies.length;
  const prompt = one ?? full;
  const perSecond = (amount: number, elapsed: number) => (1000 * amount) / elapsed;
  const decoding = full.elapsed - (one?.elapsed ?? 0);
  const decoded = full.newTokens - requests;
  return {
    latency: latenciesOf(full),
    timeToFirstToken: one && latenciesOf(one),
    requestsPerSecond: perSecond(requests, full.elapsed),
    promptTokens: prompt.counts.rows / requests,
    promptTokensPerSecond: perSecond(prompt.counts.rows, prompt.elapsed),
    newTokens: one && full.newTokens / requests,
    newTokensPerSecond: one && perSecond(full.newTokens, full.elapsed),
    // A difference of two measurements: on a busy machine it can come out as nothing.
    decodeTokensPerSecond: one === null || decoded <= 0 || decoding <= 0 ? null : perSecond(decoded, decoding),
    paddingWaste: full.counts.paddedRows === 0 ? 0 : 1 - full.counts.rows / full.counts.paddedRows,
    runsPerRequest: full.counts.runs / requests,
    sessionShare: full.counts.sessionMilliseconds / full.elapsed / Math.max(1, workers),
  };
}

function latenciesOf({ latencies }: Pass): Latencies {
  const sorted = [...latencies].sort((a, b) => a - b);
  const rank = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
  return { p50: rank(0.5), p95: rank(0.95) };
}

/** Bytes. */
function peakMemory(): number {
  return process.resourceUsage().maxRSS * 1024;
}

function checkConcurrency({ requests }: BenchPlan, { concurrency }: Workload): void {
  if (concurrency <= requests) return;
  const expected = `at most ${requests}, the requests of a round`;
  throw new MisuseError({ what: '--concurrency', expected, found: String(concurrency) });
}
