/**
 * Outputs of a run that must be there as float32.
 */
import { SessionError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';

/** A tensor of float32 values. */
export type Float32Values = Extract<Tensor, { readonly dtype: 'float32' }>;

/** The output of a run by its name. @throws SessionError when it is missing or of another type. */
export function float32Output(outputs: Readonly<Record<string, Tensor>>, name: string): Float32Values {
  const output = outputs[name];
  if (output?.dtype === 'float32') return output;
  throw new SessionError({ what: `output "${name}"`, expected: 'float32', found: output?.dtype ?? 'no such output' });
}
