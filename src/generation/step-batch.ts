/**
 * The arrays of a run: what several requests planned, padded to one shape.
 *
 * B requests, S columns of sources, R of other rows, P past slots, K read rows.
 */
import type { Tensor } from '../core/tensor.ts';
import { layColumns } from './columns.ts';
import type { RequestRows, RowPlan } from './request-rows.ts';
import type { StepRows } from './step-session.ts';

/** One request in a run. */
export interface BatchMember {
  readonly rows: RequestRows;
  readonly plan: RowPlan;
}

/**
 * Rows and read rows of a batch in columns, at least `blankSources` of them for sources. A padded row sees nothing and is
 * not read.
 */
export function stepRows(
  batch: readonly BatchMember[],
  { past, blankSources }: { readonly past: number; readonly blankSources: number },
): StepRows {
  const columns = layColumns(
    batch.map(({ rows, plan }) => rows.countRows(plan)),
    blankSources,
  );
  const { count, sources } = columns;
  const reads = Math.max(...batch.map(({ plan }) => plan.reads.length));
  const targets = count - sources;
  const ids = (columns: number) => new Int32Array(batch.length * columns);
  const step = { sourceIds: ids(sources), tokenIds: ids(targets), segmentIds: ids(count), positionIds: ids(count) };
  const visible = new Uint8Array(batch.length * targets * (past + count));
  const logitRows = new Int32Array(batch.length * reads);
  batch.forEach(({ rows: request, plan }, line) => {
    const slotOf = (row: number): number => past + columns.of(line, row);
    plan.rows.forEach((row, i) => {
      const column = columns.of(line, i);
      step.segmentIds[line * count + column] = row.segmentId;
      step.positionIds[line * count + column] = request.positionAt(row.index);
      if (column < sources) {
        // An encoder works out by itself what it sees.
        step.sourceIds[line * sources + column] = row.tokenId;
        return;
      }
      const at = line * targets + column - sources;
      step.tokenIds[at] = row.tokenId;
      const start = at * (past + count);
      request.markVisible(plan, row, visible.subarray(start, start + past + count), slotOf);
    });
    logitRows.set(
      plan.reads.map(row => columns.of(line, row) - sources),
      line * reads,
    );
  });
  return { batch: batch.length, columns, past, ...step, visible, logitRows };
}

/** `past_position_ids` [B, P]: the position of the token in each slot, 0 in unused ones. */
export function pastPositions(batch: readonly BatchMember[], past: number): Tensor {
  return perSlot(batch, past, (rows, index) => rows.positionAt(index));
}

/** `past_token_type_ids` [B, P]: 0 for slots of the source and 1 for those of the target. */
export function pastSides(batch: readonly BatchMember[], past: number): Tensor {
  return perSlot(batch, past, (rows, index) => rows.sideAt(index));
}

/** Small positive integers, written as the low halves: no BigInt is made for each of them. */
function perSlot(
  batch: readonly BatchMember[],
  past: number,
  valueAt: (rows: RequestRows, index: number) => number,
): Tensor {
  const data = new BigInt64Array(batch.length * past);
  const halves = new Int32Array(data.buffer);
  batch.forEach(({ rows }, line) => {
    rows.slotIndices.forEach((index, slot) => {
      halves[2 * (line * past + slot)] = valueAt(rows, index);
    });
  });
  return { dtype: 'int64', shape: [batch.length, past], data };
}
