/**
 * Values that flow along the edges of a graph while it is being written: a name, an element type, and a shape whose
 * dimensions are sizes or symbols. Symbols are letters (`B`, `T`) and expressions of them (`P+R`, `B*T`); `B or 1` is a
 * size that is either that of `B` or one, which broadcasts.
 */
import type { DType } from '../../src/core/dtype.ts';
import { Bert4ortError, type ErrorDetails } from '../../src/core/errors.ts';

/** A dimension: a size known when the graph is written, or a symbol for one known when it runs. */
export type Dim = number | string;

/** A tensor in a graph. */
export interface Value {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}

/** A graph was put together wrongly: operands whose types or shapes don't fit, or a name used twice. */
export class GraphError extends Bert4ortError {
  constructor(details: ErrorDetails) {
    super('GRAPH', details);
  }
}

/** A value as errors show it: `float32 [B, T, 768]`. */
export function describeValue(value: Pick<Value, 'dtype' | 'shape'>): string {
  return `${value.dtype} [${value.shape.join(', ')}]`;
}

/** The size of a concatenation: `sumDims('P', 'R')` is `P+R`. */
export function sumDims(...dims: readonly Dim[]): Dim {
  const { size, symbols } = split(dims, (sum, dim) => sum + dim, 0);
  return symbols.length === 0 ? size : [...symbols, ...(size === 0 ? [] : [String(size)])].join('+');
}

/** The number of elements along several dimensions taken together: `productDims('B', 'T')` is `B*T`. */
export function productDims(...dims: readonly Dim[]): Dim {
  const { size, symbols } = split(dims, (product, dim) => product * dim, 1);
  return symbols.length === 0 ? size : [...symbols, ...(size === 1 ? [] : [String(size)])].join('*');
}

/** Whether two shapes have as many elements as each other, as far as symbols tell. */
export function sameElementCount(a: readonly Dim[], b: readonly Dim[]): boolean {
  return canonical(a) === canonical(b);
}

function canonical(shape: readonly Dim[]): string {
  const parts = String(productDims(...shape)).split('*');
  const size = parts.filter(part => /^\d+$/.test(part)).reduce((product, part) => product * Number(part), 1);
  return [...parts.filter(part => !/^\d+$/.test(part)).sort(), size].join('*');
}

/** Known sizes folded into one, and the symbols. */
function split(dims: readonly Dim[], fold: (total: number, size: number) => number, start: number) {
  return {
    size: dims.filter(dim => typeof dim === 'number').reduce(fold, start),
    symbols: dims.filter(dim => typeof dim === 'string'),
  };
}
