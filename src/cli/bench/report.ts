/**
 * What `bench` measures, as `--json` prints it; docs/cli.md explains each figure. Times are milliseconds, memory is bytes,
 * shares are from 0 to 1.
 */
import type { Machine } from '../../session/diagnosis/machine.ts';
import type { Sizes } from './task.ts';

/** Latencies: half of the requests took at most `p50`, 95 of 100 at most `p95` (nearest rank). */
export interface Latencies {
  readonly p50: number;
  readonly p95: number;
}

/** The figures of one task, measured in a process of its own. */
export interface TaskReport {
  readonly task: string;
  readonly device: string;
  /** Why that device. */
  readonly deviceReason: string;
  /** CPU threads inside one run. */
  readonly threads: number;
  /** Worker threads that runs are spread over; 0 for none. */
  readonly workers: number;
  /** How steps are computed, with the cache or without, and why; null where nothing is written. */
  readonly strategy: string | null;
  readonly workload: {
    readonly source: 'made-up' | 'file';
    /** Requests of a round. */
    readonly requests: number;
    readonly rounds: number;
    readonly concurrency: number;
    readonly sizes: Sizes;
  };
  readonly cold: {
    /** Reading manifest and vocabulary. */
    readonly load: number;
    /** Opening the session and the task. */
    readonly open: number;
    /** The first request. */
    readonly first: number;
  };
  readonly latency: Latencies;
  /** Latencies of the same requests when each writes one token; null where nothing is written. */
  readonly timeToFirstToken: Latencies | null;
  readonly requestsPerSecond: number;
  /** Tokens that went in, per request and per second of computing just them. */
  readonly promptTokens: number;
  readonly promptTokensPerSecond: number;
  /** Tokens that were written, per request, per second of everything, and per second after the first; null where none. */
  readonly newTokens: number | null;
  readonly newTokensPerSecond: number | null;
  readonly decodeTokensPerSecond: number | null;
  /** Share of the computed positions that are padding. */
  readonly paddingWaste: number;
  /** Session runs per request. */
  readonly runsPerRequest: number;
  /** Share of the time that is spent in session runs; with workers, of the time of all of them. */
  readonly sessionShare: number;
  readonly memory: {
    /** Most resident memory of the process: once the task was open, and in the end. */
    readonly opened: number;
    readonly peak: number;
    /** Most keys and values that a cache held at a run; each worker has one. */
    readonly cache: number;
  };
}

/** Everything. */
export interface BenchReport {
  readonly bert4ort: string;
  readonly onnxruntimeNode: string | null;
  readonly machine: Machine;
  readonly model: string;
  readonly architecture: string;
  readonly tasks: readonly TaskReport[];
}
