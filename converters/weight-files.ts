/**
 * Where weights go in a model directory. Each weight file lies beside the graphs: one that is packed here, or, when the
 * checkpoint's own data files can serve as they are, those files, linked or cloned whole, and a packed one for what they do
 * not hold (generated, pruned, cast and transposed tables).
 *
 * ONNX external data takes a file name, an offset and a length; any offset will do.
 */
import type { WeightLocation } from '../onnx-graphs/onnx/encode-graph.ts';
import type { ByteSource } from '../src/core/byte-source.ts';
import { WeightsError } from '../src/core/errors.ts';
import type { WeightValues } from './weight-values.ts';

/** Packed weights start at multiples of this, so that memory-mapped ones are aligned for every processor. */
const ALIGNMENT = 64;

/** Cloning a data file carries along what the model does not use; above this share of it, packing is better. */
const LARGEST_WASTE = 0.1;

/** A file of weights. */
export type WeightFile =
  | {
      readonly kind: 'packed';
      readonly name: string;
      readonly size: number;
      readonly weights: readonly { readonly values: WeightValues; readonly offset: number }[];
    }
  | {
      /** A data file of the checkpoint, whole. */
      readonly kind: 'whole';
      readonly name: string;
      readonly size: number;
      readonly path: string;
      /** The weights in it. */
      readonly weights: readonly { readonly values: WeightValues; readonly offset: number }[];
    };

/** All weight files of a model. */
export interface WeightLayout {
  readonly files: readonly WeightFile[];
  /** Where a weight lies. @throws WeightsError when there is none of that name. */
  locate(weight: string): WeightLocation;
}

/** Names of weight files, as transformers.js expects them: `model.onnx_data`, `model.onnx_data_1`, … */
function weightFileName(index: number): string {
  return index === 0 ? 'model.onnx_data' : `model.onnx_data_${index}`;
}

/** Whether cloning the checkpoint's data files whole is worth while: they are on disk and almost all of them is used. */
export function worthCloning(weights: readonly WeightValues[]): boolean {
  const sources = sourcesOf(weights);
  const total = [...sources.keys()].reduce((sum, { size }) => sum + size, 0);
  const used = weights.reduce((sum, { inPlace }) => sum + (inPlace?.length ?? 0), 0);
  return (
    total > 0 && [...sources.keys()].every(({ path }) => path !== undefined) && total - used <= LARGEST_WASTE * total
  );
}

/** Everything in one packed file, in the order in which the checkpoint holds it. */
export function packedLayout(weights: readonly WeightValues[]): WeightLayout {
  return layoutOf([packedFile(0, weights)]);
}

/** The checkpoint's data files whole, and a packed file for what is not in them as it has to be. */
export function wholeLayout(weights: readonly WeightValues[]): WeightLayout {
  const sources = [...sourcesOf(weights)].map(([source, values]) => ({ path: requirePath(source), source, values }));
  const whole = sources.map(
    ({ path, source, values }, index): WeightFile => ({
      kind: 'whole',
      name: weightFileName(index),
      size: source.size,
      path,
      weights: values.map(values => ({ values, offset: values.inPlace?.offset ?? 0 })),
    }),
  );
  const others = weights.filter(({ inPlace }) => inPlace === undefined);
  return layoutOf(others.length === 0 ? whole : [...whole, packedFile(whole.length, others)]);
}

function layoutOf(files: readonly WeightFile[]): WeightLayout {
  const places = new Map<string, WeightLocation>();
  for (const file of files) {
    for (const { values, offset } of file.weights) {
      places.set(values.weight, { file: file.name, offset, length: values.size, dtype: 'float32' });
    }
  }
  return {
    files,
    locate: weight => {
      const place = places.get(weight);
      if (place === undefined)
        throw new WeightsError({ what: `weight "${weight}" that a graph reads`, found: 'no layer with it' });
      return place;
    },
  };
}

function packedFile(index: number, weights: readonly WeightValues[]): WeightFile {
  let size = 0;
  const places = inStoredOrder(weights).map(values => {
    const offset = Math.ceil(size / ALIGNMENT) * ALIGNMENT;
    size = offset + values.size;
    return { values, offset };
  });
  return { kind: 'packed', name: weightFileName(index), size, weights: places };
}

/** By file and offset, so that reading goes from front to back; generated ones last. */
function inStoredOrder(weights: readonly WeightValues[]): readonly WeightValues[] {
  const ordered = [...sourcesOf(weights).values()].map(values =>
    values.toSorted((a, b) => (a.inPlace?.offset ?? 0) - (b.inPlace?.offset ?? 0)),
  );
  return [...ordered.flat(), ...weights.filter(({ inPlace }) => inPlace === undefined)];
}

function sourcesOf(weights: readonly WeightValues[]): ReadonlyMap<ByteSource, WeightValues[]> {
  const sources = new Map<ByteSource, WeightValues[]>();
  for (const values of weights) {
    if (values.inPlace === undefined) continue;
    const { source } = values.inPlace;
    sources.set(source, [...(sources.get(source) ?? []), values]);
  }
  return sources;
}

function requirePath(source: ByteSource): string {
  if (source.path !== undefined) return source.path;
  throw new WeightsError({
    what: 'data file to link',
    file: source.name,
    expected: 'a file on the local disk',
    found: 'another kind of source',
    next: 'Convert without linking',
  });
}
