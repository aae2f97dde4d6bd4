/**
 * What has been computed, for benchmarks and whoever watches a service.
 */

/** What has been computed so far. Rows are positions of sequences: tokens. */
export interface RunCounts {
  /** Session runs. */
  readonly runs: number;
  /** Rows asked for, and rows computed with padding. */
  readonly rows: number;
  readonly paddedRows: number;
  /** Milliseconds inside session runs. */
  readonly sessionMilliseconds: number;
}

/** What a generation engine has done so far. */
export interface GeneratorCounts extends RunCounts {
  /** Bytes of cache held now. */
  readonly cacheBytes: number;
}

/** Before the first run. */
export const NO_RUNS: RunCounts = { runs: 0, rows: 0, paddedRows: 0, sessionMilliseconds: 0 };

/** Runs of two kinds together. */
export function addRuns(a: RunCounts, b: RunCounts): RunCounts {
  return {
    runs: a.runs + b.runs,
    rows: a.rows + b.rows,
    paddedRows: a.paddedRows + b.paddedRows,
    sessionMilliseconds: a.sessionMilliseconds + b.sessionMilliseconds,
  };
}
