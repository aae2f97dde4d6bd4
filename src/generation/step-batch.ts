/**
 * The arrays of a run: what several requests planned, padded to one shape.
 *
 * B requests, R new rows, P past slots, K read rows.
 */
import type { Tensor } from '../core/tensor.ts';
import type { RequestRows, RowPlan } from './request-rows.ts';
import type { StepRows } from './step-session.ts';

/** One request in a run. */
export interface BatchMember {
  readonly rows: RequestRows;
  readonly plan: RowPlan;
}

/** Rows and read rows of a batch, padded to the longest; a padded row sees nothing and is not read. */
export function stepRows(batch: readonly BatchMember[], past: number): StepRows {
  const rows = Math.max(...batch.map(({ plan }) => plan.rows.length));
  const reads = Math.max(...batch.map(({ plan }) => plan.reads.length));
  const ids = () => new Int32Array(batch.length * rows);
  const step = { tokenIds: ids(), segmentIds: ids(), positionIds: ids() };
  const visible = new Uint8Array(batch.length * rows * (past + rows));
  const logitRows = new Int32Array(batch.length * reads);
  batch.forEach(({ rows: request, plan }, index) => {
    plan.rows.forEach((row, i) => {
      const at = index * rows + i;
      step.tokenIds[at] = row.tokenId;
      step.segmentIds[at] = row.segmentId;
      step.positionIds[at] = row.position;
      request.markVisible(plan, i, visible, { offset: at * (past + rows), past });
    });
    logitRows.set(plan.reads, index * reads);
  });
  return { batch: batch.length, rows, past, ...step, visible, logitRows };
}

/** `past_position_ids` [B, P]: the position of the token in each slot, 0 in unused ones. */
export function pastPositions(batch: readonly BatchMember[], past: number): Tensor {
  const data = new BigInt64Array(batch.length * past);
  // Small positive integers, written as the low halves: no BigInt is made for each of them.
  const halves = new Int32Array(data.buffer);
  batch.forEach(({ rows }, index) => {
    rows.writePositions(halves, index * past);
  });
  return { dtype: 'int64', shape: [batch.length, past], data };
}
