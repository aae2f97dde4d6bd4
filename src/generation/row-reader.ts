/**
 * Logits of chosen rows of whole sequences, for masked models: one pass without a cache, sequences of similar length
 * together, whoever asked for them, padding and work bounded by a token budget. Logits are computed for the rows that are
 * asked for only.
 */
import type { Manifest } from '../core/manifest.ts';
import { float32Output } from '../session/float32-output.ts';
import type { GraphSession } from '../session/session.ts';
import { packByLength, packingOf } from './length-batches.ts';
import { createRunQueue, type RunCounts } from './run-queue.ts';
import { checkSequence } from './sequence-checks.ts';
import { blankSlots, emptyPast, type StepRows, stepFeeds } from './step-session.ts';
import { type Sequence, seenPositions, visibleLengths } from './visibility.ts';

/** A sequence with the rows whose logits are wanted. */
export interface RowRequest extends Sequence {
  readonly rows: readonly number[];
}

/** Options of {@link RowReader.read} and {@link readRows}. */
export interface RowReaderOptions {
  /** Most tokens of one run, padding included. Default 512 on a CPU, 4096 on a GPU. */
  readonly maxBatchTokens?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Reads logits through a step graph; calls at work at the same time share runs. */
export interface RowReader {
  /**
   * Hands each request's logits, [rows, V] row-major, to `read` as soon as they are computed: kept for all requests, they
   * would fill the memory.
   * @returns what `read` made of them, in the order of the requests.
   * @throws InputError for sequences that are empty, too long or hold unknown ids; SessionError; AbortedError; what `read`
   * throws.
   */
  read<R>(
    requests: readonly RowRequest[],
    read: (logits: Float32Array, index: number) => R,
    options?: RowReaderOptions,
  ): Promise<readonly R[]>;
  readonly counts: RunCounts;
}

/** A reader over a session, which stays the caller's. */
export function createRowReader(session: GraphSession, manifest: Manifest): RowReader {
  const { dimensions } = manifest;
  const packing = packingOf(session);
  const queue = createRunQueue<RowRequest, Float32Array>(session, {
    group: (requests, budget) => packByLength(requests.map(lengthOf), { ...packing, budget }),
    input(batch) {
      const rows = wholeRows(manifest, batch, { reads: mostReads(batch), past: blankSlots(session) });
      return {
        feeds: stepFeeds(session, rows, emptyPast(session, dimensions, batch.length)),
        fetches: ['logits'],
        rows: batch.reduce((sum, request) => sum + lengthOf(request), 0),
        paddedRows: rows.batch * rows.rows,
      };
    },
    results(outputs, batch) {
      const { data } = float32Output(outputs, 'logits'); // [B, K, V]
      const stride = mostReads(batch) * dimensions.vocabSize;
      return batch.map(({ rows }, lane) =>
        data.subarray(lane * stride).subarray(0, rows.length * dimensions.vocabSize),
      );
    },
  });
  return {
    async read(requests, read, { maxBatchTokens = packing.budget, signal } = {}) {
      for (const request of requests) checkSequence(dimensions, request);
      return queue.ask(requests, { read, budget: maxBatchTokens, signal });
    },
    get counts() {
      return queue.counts;
    },
  };
}

/**
 * Reads logits in one call.
 * @returns for each request its rows' logits, [rows, V] row-major, in the order of the requests.
 * @throws InputError for sequences that are empty, too long or hold unknown ids; SessionError; AbortedError.
 */
export function readRows(
  session: GraphSession,
  manifest: Manifest,
  requests: readonly RowRequest[],
  options: RowReaderOptions = {},
): Promise<readonly Float32Array[]> {
  return createRowReader(session, manifest).read(requests, logits => logits, options);
}

function lengthOf({ tokenIds }: RowRequest): number {
  return tokenIds.length;
}

function mostReads(batch: readonly RowRequest[]): number {
  return Math.max(1, ...batch.map(({ rows }) => rows.length));
}

/** Whole sequences as new rows, padded at the end, after `past` slots that none sees; `reads` read rows each. */
function wholeRows(
  manifest: Manifest,
  batch: readonly RowRequest[],
  { reads, past }: { readonly reads: number; readonly past: number },
): StepRows {
  const rows = Math.max(...batch.map(request => request.tokenIds.length));
  const visible = new Uint8Array(batch.length * rows * (past + rows));
  const arrays = [0, 1, 2].map(() => new Int32Array(batch.length * rows));
  const [tokenIds = new Int32Array(0), segmentIds = tokenIds, positionIds = tokenIds] = arrays;
  const logitRows = new Int32Array(batch.length * reads);
  batch.forEach((request, lane) => {
    const start = lane * rows;
    tokenIds.set(request.tokenIds, start);
    segmentIds.set(request.segmentIds, start);
    for (let i = 0; i < rows; i++) positionIds[start + i] = Math.min(i, request.tokenIds.length - 1);
    logitRows.set(request.rows, lane * reads);
    const seen = seenPositions(manifest.attention, request);
    visibleLengths(manifest.attention, request).forEach((length, i) => {
      visible.set(seen.subarray(0, length), (start + i) * (past + rows) + past);
    });
  });
  return { batch: batch.length, rows, past, tokenIds, segmentIds, positionIds, visible, logitRows };
}
