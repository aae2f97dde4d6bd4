/**
 * Which slots a row may attend to, for callers of the step graph. The rules are those that `model.onnx` computes inside:
 * key mask from token (and shared segment) ids, then nothing, the causal or the UniLM mask.
 *
 * https://github.com/bojone/bert4keras/blob/c1ae0dc/bert4keras/models.py#L330-L400
 */
import type { AttentionRules } from '../core/manifest.ts';

/** Ids of a sequence; `segmentIds` of equal length where the model takes segments. */
export interface Sequence {
  readonly tokenIds: readonly number[];
  readonly segmentIds: readonly number[];
}

/** Whether the position with these ids is hidden from every row. The first position (of either side) never is. */
export function isPadding(rules: AttentionRules, index: number, tokenId: number, segmentId: number): boolean {
  return index > 0 && (tokenId === 0 || (rules.segmentPadding && segmentId === 0));
}

/** Leading positions that are of a source with an encoder of its own: none where models have no such thing. */
export function sourceLength({ crossAttention = false }: AttentionRules, { segmentIds }: Sequence): number {
  if (!crossAttention) return 0;
  const target = segmentIds.findIndex(id => id > 0);
  return target < 0 ? segmentIds.length : target;
}

/** Position of a token at `index` of a sequence: both sides count from 0. */
export function positionAt(index: number, sourceLength: number): number {
  return index < sourceLength ? index : index - sourceLength;
}

/** 1 where a position may be seen at all, 0 where it is padding: [T]. */
export function seenPositions(rules: AttentionRules, sequence: Sequence): Uint8Array {
  const source = sourceLength(rules, sequence);
  return Uint8Array.from(sequence.tokenIds, (tokenId, index) =>
    isPadding(rules, positionAt(index, source), tokenId, sequence.segmentIds[index] ?? 0) ? 0 : 1,
  );
}

/**
 * For each row of a whole sequence, the number of leading positions it may see, padding aside: [T]. Causal: itself and
 * all before; UniLM: all whose running sum of segment ids is no larger than its own; otherwise everything.
 */
export function visibleLengths(rules: AttentionRules, { tokenIds, segmentIds }: Sequence): Int32Array {
  const length = tokenIds.length;
  const lengths = new Int32Array(length).fill(length);
  if (rules.visibility === 'causal') return lengths.map((_, index) => index + 1);
  if (rules.visibility === 'padding') return lengths;
  // Sums never fall, so what a row may see ends where the next segment id above zero stands.
  let end = length;
  for (let index = length - 1; index >= 0; index--) {
    lengths[index] = end;
    if ((segmentIds[index] ?? 0) > 0) end = index;
  }
  return lengths;
}

/**
 * Whether later tokens of segment `segmentId` leave what earlier positions see unchanged, so that these can be cached.
 */
export function canCache(rules: AttentionRules, segmentId: number): boolean {
  return rules.visibility === 'causal' || (rules.visibility === 'prefix' && segmentId > 0);
}
