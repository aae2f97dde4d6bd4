/**
 * Logits of chosen rows of whole sequences: one pass without a cache, sequences of similar length together, whoever asked
 * for them, padding and work bounded by a token budget. Logits are computed for the rows that are asked for only, by the
 * reading graph of a masked model, or by a step graph without a past.
 */
import type { AttentionRules, Manifest } from '../core/manifest.ts';
import { paddedTensor } from '../core/tensor.ts';
import { rootHypothesis } from '../decode/scorer.ts';
import { float32Output } from '../session/float32-output.ts';
import type { GraphSession } from '../session/session.ts';
import { packingOf } from './length-batches.ts';
import { RequestRows } from './request-rows.ts';
import type { RunCounts } from './run-counts.ts';
import { createRunQueue, type RunInput } from './run-queue.ts';
import { checkSequence, checkSides } from './sequence-checks.ts';
import { countTokens, groupSequences, sequenceRun } from './sequence-runs.ts';
import { type BatchMember, stepRows } from './step-batch.ts';
import { blankSlots, blankSources, emptyPast, stepFeeds, takes } from './step-session.ts';
import type { Sequence } from './visibility.ts';

/** A sequence with the rows whose logits are wanted. */
export interface RowRequest extends Sequence {
  readonly rows: readonly number[];
}

/** Options of {@link RowReader.read} and {@link readRows}. */
export interface RowReaderOptions {
  /** Most tokens of one run, padding included. Default 512 on a CPU, 4096 on a GPU. */
  readonly maxBatchTokens?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Reads logits; calls at work at the same time share runs. */
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

/** A reader over a session of a reading or step graph, which stays the caller's. */
export function createRowReader(session: GraphSession, manifest: Manifest): RowReader {
  const { dimensions } = manifest;
  const runOf = (batch: readonly RowRequest[]) =>
    takes(session, 'visible') ? stepRun(session, manifest, batch) : readRun(session, batch);
  const packing = packingOf(session);
  const queue = createRunQueue<RowRequest, Float32Array>(session, {
    group: groupSequences(packing),
    input: batch => ({ ...runOf(batch), fetches: ['logits'] }),
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
      for (const request of requests) {
        checkSequence(dimensions, request);
        checkSides(manifest.attention, request);
      }
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

function readRun(session: GraphSession, batch: readonly RowRequest[]): Omit<RunInput, 'fetches'> {
  const run = sequenceRun(session, batch);
  return { ...run, feeds: { ...run.feeds, logit_rows: paddedTensor(batch.map(({ rows }) => rows)) } };
}

function stepRun(
  session: GraphSession,
  { attention, dimensions }: Manifest,
  batch: readonly RowRequest[],
): Omit<RunInput, 'fetches'> {
  const members = batch.map(request => wholeRequest(attention, request));
  const rows = stepRows(members, { past: blankSlots(session), blankSources: blankSources(session) });
  return {
    feeds: stepFeeds(session, rows, emptyPast(session, dimensions, batch.length)),
    rows: countTokens(batch),
    paddedRows: batch.length * rows.columns.count,
  };
}

function mostReads(batch: readonly RowRequest[]): number {
  return Math.max(1, ...batch.map(({ rows }) => rows.length));
}

/** A whole sequence as a request all of whose rows are new. */
function wholeRequest(rules: AttentionRules, request: RowRequest): BatchMember {
  const rows = new RequestRows(rules, request, 0);
  return { rows, plan: { ...rows.plan([rootHypothesis()]), reads: request.rows } };
}
