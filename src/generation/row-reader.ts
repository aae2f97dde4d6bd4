/**
 * Logits of chosen rows of whole sequences, for masked models: one pass without a cache, sequences of similar length
 * together, padding and work bounded by a token budget. Logits are computed for the rows that are asked for only.
 */
import { throwIfAborted } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import type { GraphSession } from '../session/session.ts';
import { chunkByLength } from './length-batches.ts';
import { checkSequence } from './sequence-checks.ts';
import { batchTokens, blankSlots, emptyPast, type StepRows, stepFeeds } from './step-session.ts';
import { type Sequence, seenPositions, visibleLengths } from './visibility.ts';

/** A sequence with the rows whose logits are wanted. */
export interface RowRequest extends Sequence {
  readonly rows: readonly number[];
}

/** Options of {@link readRows}. */
export interface RowReaderOptions {
  /** Most tokens of one run, padding included. Default 1024 on a CPU, 4096 on a GPU. */
  readonly maxBatchTokens?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads logits through the step graph.
 * @returns for each request its rows' logits, [rows, V] row-major, in the order of the requests.
 * @throws InputError for sequences that are empty, too long or hold unknown ids; SessionError; AbortedError.
 */
export async function readRows(
  session: GraphSession,
  manifest: Manifest,
  requests: readonly RowRequest[],
  options: RowReaderOptions = {},
): Promise<readonly Float32Array[]> {
  for (const request of requests) checkSequence(manifest.dimensions, request);
  const results: Float32Array[] = new Array(requests.length);
  const lengths = requests.map(request => request.tokenIds.length);
  for (const chunk of chunkByLength(lengths, options.maxBatchTokens ?? batchTokens(session))) {
    throwIfAborted(options.signal, 'reading masked rows');
    const batch = chunk.flatMap(index => requests[index] ?? []);
    const logits = await runBatch(session, manifest, batch);
    chunk.forEach((index, i) => {
      results[index] = logits[i] ?? new Float32Array(0);
    });
  }
  return results;
}

async function runBatch(
  session: GraphSession,
  manifest: Manifest,
  batch: readonly RowRequest[],
): Promise<readonly Float32Array[]> {
  const past = emptyPast(session, manifest.dimensions, batch.length);
  const reads = Math.max(1, ...batch.map(request => request.rows.length));
  const { logits } = await session.run(
    stepFeeds(session, wholeRows(manifest, batch, { reads, past: blankSlots(session) }), past),
    ['logits'],
  );
  const data = logits?.dtype === 'float32' ? logits.data : new Float32Array(0);
  const stride = reads * manifest.dimensions.vocabSize;
  return batch.map(({ rows }, lane) => {
    const start = lane * stride;
    return data.subarray(start, start + rows.length * manifest.dimensions.vocabSize);
  });
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
