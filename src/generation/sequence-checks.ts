/**
 * Checks of ids before they reach a graph, where they would be a kernel's error at best.
 */
import { InputError } from '../core/errors.ts';
import type { AttentionRules, Dimensions } from '../core/manifest.ts';
import { type Sequence, sourceLength } from './visibility.ts';

/** @throws InputError when the sequence is empty, longer than the model's positions, or holds ids it does not know. */
export function checkSequence(dimensions: Dimensions, { tokenIds, segmentIds }: Sequence): void {
  if (tokenIds.length === 0) throw new InputError({ what: 'sequence', expected: 'at least one token', found: 'none' });
  checkLength(dimensions, tokenIds.length);
  if (segmentIds.length !== tokenIds.length) {
    const found = `${segmentIds.length} for ${tokenIds.length} tokens`;
    throw new InputError({ what: 'segment ids', expected: 'one for each token', found });
  }
  checkIds('token', tokenIds, dimensions.vocabSize);
  if (dimensions.segmentVocabSize > 0) checkIds('segment', segmentIds, dimensions.segmentVocabSize);
}

/** @throws InputError when a model with an encoder and a decoder is given no source, or nothing that the target begins with. */
export function checkSides(rules: AttentionRules, sequence: Sequence): void {
  if (rules.crossAttention !== true) return;
  const source = sourceLength(rules, sequence);
  const target = sequence.segmentIds.slice(source);
  if (source > 0 && target.length > 0 && target.every(id => id > 0)) return;
  throw new InputError({
    what: 'segment ids',
    expected: '0 for the source, then 1 for the target, at least one of each',
    found: String(sequence.segmentIds),
  });
}

/** @throws InputError when `length` tokens are more than the model has positions. */
export function checkLength({ maxPositions }: Pick<Dimensions, 'maxPositions'>, length: number): void {
  if (maxPositions === null || length <= maxPositions) return;
  throw new InputError({
    what: 'sequence length',
    expected: `at most ${maxPositions} tokens, the model's positions`,
    found: String(length),
    next: 'Shorten the text, or lower the number of tokens to generate.',
  });
}

/** @throws InputError naming the first id that is no whole number from 0 to `size` - 1. */
export function checkIds(what: string, ids: readonly number[], size: number): void {
  const index = ids.findIndex(id => !Number.isInteger(id) || id < 0 || id >= size);
  if (index < 0) return;
  throw new InputError({
    what: `${what} id`,
    place: `index ${index}`,
    expected: `0 to ${size - 1}`,
    found: String(ids[index]),
  });
}
