/**
 * Random numbers as they were recorded.
 */
import type { RandomSource } from '../../src/decode/seeded-random.ts';

/** Serves recorded uniforms in order, and 0.5 where the recording had a single candidate to draw from. */
export function recordedUniforms(uniforms: readonly number[] | undefined): RandomSource {
  if (uniforms === undefined) return () => 0.5;
  let next = 0;
  return () => uniforms[next++] ?? Number.NaN;
}
