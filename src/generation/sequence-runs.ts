/**
 * Runs over whole sequences, of graphs that make their masks themselves.
 */
import { paddedTensor, type Tensor } from '../core/tensor.ts';
import type { GraphSession } from '../session/session.ts';
import { type Packing, packByLength } from './length-batches.ts';
import type { RunInput, RunRules } from './run-queue.ts';
import { takes } from './step-session.ts';
import type { Sequence } from './visibility.ts';

/** Groups sequences of similar length, as {@link packByLength} does. */
export function groupSequences(packing: Packing): RunRules<Sequence, unknown>['group'] {
  return (items, budget) =>
    packByLength(
      items.map(({ tokenIds }) => tokenIds.length),
      { ...packing, budget },
    );
}

/** Token ids, segment ids and positions [B, T], padded with 0, which the graph does not attend to. */
export function sequenceRun(session: GraphSession, batch: readonly Sequence[]): Omit<RunInput, 'fetches'> {
  const padded = (pick: (sequence: Sequence) => readonly number[]): Tensor => paddedTensor(batch.map(pick));
  const tokens = padded(({ tokenIds }) => tokenIds);
  return {
    feeds: {
      input_ids: tokens,
      ...(takes(session, 'token_type_ids') && { token_type_ids: padded(({ segmentIds }) => segmentIds) }),
      ...(takes(session, 'position_ids') && { position_ids: padded(({ tokenIds }) => tokenIds.map((_, i) => i)) }),
    },
    rows: countTokens(batch),
    paddedRows: tokens.data.length,
  };
}

/** Tokens of all sequences together. */
export function countTokens(batch: readonly Sequence[]): number {
  return batch.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
}
