/**
 * The figures of `bench` for people: one column for each task.
 */

import { formatTable } from '../terminal.ts';
import type { BenchReport, Latencies, TaskReport } from './report.ts';

/** Lays the report out. */
export function benchText(report: BenchReport): string {
  const { onnxruntimeNode, machine, model, architecture, tasks } = report;
  const facts = [
    `${model}: ${architecture}`,
    `bert4ort ${report.bert4ort}, onnxruntime-node ${onnxruntimeNode ?? 'unknown'}, Node ${machine.node}, ${machine.platform}`,
    `${machine.processor}, ${machine.cores} cores`,
    ...new Set(tasks.map(placeText)),
    ...tasks.flatMap(({ task, strategy }) => (strategy === null ? [] : [`${task}: ${strategy}`])),
  ];
  const rows = ROWS.map(([name, show]) => [name, ...tasks.map(show)]).filter(([, ...cells]) => cells.some(isFigure));
  return [...facts, formatTable(['', ...tasks.map(({ task }) => task)], rows)].join('\n');
}

/** Where a task has no such figure. */
const NONE = '-';

function placeText({ device, deviceReason, threads, workers }: TaskReport): string {
  const each = `${count(threads, 'thread')}${workers === 0 ? '' : ` in each of ${count(workers, 'worker')}`}`;
  return `${device}, ${each}: ${deviceReason}`;
}

const ROWS: readonly (readonly [name: string, show: (report: TaskReport) => string])[] = [
  ['requests', ({ workload: { requests, rounds } }) => `${requests} × ${count(rounds, 'round')}`],
  ['in flight', ({ workload }) => String(workload.concurrency)],
  ['prompt, tokens', ({ promptTokens }) => amount(promptTokens)],
  ['new tokens', ({ newTokens }) => amount(newTokens)],
  ['cold: load + open', ({ cold }) => time(cold.load + cold.open)],
  ['cold: first answer', ({ cold }) => time(cold.first)],
  ['latency p50 / p95', ({ latency }) => times(latency)],
  ['first token p50 / p95', ({ timeToFirstToken }) => times(timeToFirstToken)],
  ['requests/s', ({ requestsPerSecond }) => amount(requestsPerSecond)],
  ['prompt tokens/s', ({ promptTokensPerSecond }) => amount(promptTokensPerSecond)],
  ['new tokens/s', ({ newTokensPerSecond }) => amount(newTokensPerSecond)],
  ['after the first, tokens/s', ({ decodeTokensPerSecond }) => amount(decodeTokensPerSecond)],
  ['padding waste', ({ paddingWaste }) => percent(paddingWaste)],
  ['time in runs', ({ sessionShare }) => percent(sessionShare)],
  ['runs per request', ({ runsPerRequest }) => amount(runsPerRequest)],
  ['peak memory, opened', ({ memory }) => mebibytes(memory.opened)],
  ['peak memory', ({ memory }) => mebibytes(memory.peak)],
  ['cache', ({ memory }) => mebibytes(memory.cache)],
];

function isFigure(cell: string): boolean {
  return cell !== NONE;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function amount(value: number | null): string {
  if (value === null) return NONE;
  return value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 2 : value < 100 ? 1 : 0 });
}

function time(milliseconds: number): string {
  return milliseconds < 10_000 ? `${amount(milliseconds)} ms` : `${amount(milliseconds / 1000)} s`;
}

function times(latencies: Latencies | null): string {
  return latencies === null ? NONE : `${time(latencies.p50)} / ${time(latencies.p95)}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function mebibytes(bytes: number): string {
  return `${amount(bytes / 2 ** 20)} MiB`;
}
