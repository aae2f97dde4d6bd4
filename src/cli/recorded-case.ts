/**
 * Recordings of the reference that `verify` replays: inputs with the outputs bert4keras computed from them, and decodes
 * with the ids it returned. The form is that of the repository's own `test/fixtures/cases`; only the parts that are
 * replayed are read, and those strictly.
 */
import { FormatError } from '../core/errors.ts';
import {
  child,
  count,
  either,
  list,
  object,
  oneOf,
  parseJson,
  type Reader,
  record,
  string,
} from '../core/json-reader.ts';
import { readText } from './read-input.ts';

/** An input, flat: whole numbers, or base64 of little-endian float32. */
export interface RecordedInput {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: readonly number[] | string;
}

/** An output; `data` is base64 of little-endian float32, `kind` says whether a softmax had been applied. */
export interface RecordedOutput {
  readonly name: string;
  readonly kind: 'hidden' | 'pooled' | 'logits' | 'probabilities';
  readonly dtype: 'float32';
  readonly shape: readonly number[];
  readonly data: string;
}

/** One forward pass, of the whole model or of one of its two halves. */
export interface RecordedRun {
  readonly label: string;
  readonly graph: 'model' | 'encoder' | 'decoder';
  /** By Keras' names: `Input-Token`, `Input-Segment`, `Input-Position`, `Encoder-Input-Token` … */
  readonly inputs: Readonly<Record<string, RecordedInput>>;
  readonly outputs: readonly RecordedOutput[];
}

/** One decode with bert4keras' `AutoRegressiveDecoder`. `random_sample` is recorded where only one token can be drawn. */
export interface RecordedDecode {
  readonly method: 'beam_search' | 'random_sample';
  readonly topK: number;
  readonly temperature: number;
  readonly minEnds: number;
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly segmentRule: 'none' | 'ones' | 'flip' | 'speaker' | 't5';
  readonly startId: number | null;
  readonly endId: number;
  readonly maxLen: number;
  readonly minLen: number;
  readonly output: readonly number[];
}

/** What one file holds. */
export interface RecordedCase {
  readonly file: string;
  readonly runs: readonly RecordedRun[];
  readonly decodes: readonly RecordedDecode[];
}

/** Reads a recording. @throws IoError when it can't be read; FormatError naming the JSON path of what is wrong. */
export async function readCase(file: string): Promise<RecordedCase> {
  const root = parseJson(await readText(file), file);
  const runs = list(recordedRun)(child(root, 'runs'));
  const decode = child(root, 'decode');
  return { file, runs, decodes: decode.value === undefined ? [] : list(recordedDecode)(decode) };
}

/** The float32 values of an output or input. @throws FormatError when their number is not that of the shape. */
export function recordedValues(
  { name, shape, data }: Pick<RecordedOutput, 'name' | 'shape' | 'data'>,
  file: string,
): Float32Array {
  const bytes = new Uint8Array(Buffer.from(data, 'base64'));
  const expected = shape.reduce((product, size) => product * size, 4);
  if (bytes.length === expected) return new Float32Array(bytes.buffer);
  throw new FormatError({
    file,
    what: `values of ${name}`,
    expected: `${expected} bytes`,
    found: `${bytes.length}`,
  });
}

const numbersOrText: Reader<readonly number[] | string> = either(
  value => typeof value === 'string',
  string,
  list(count),
);

const recordedRun: Reader<RecordedRun> = object<RecordedRun>({
  label: string,
  graph: oneOf('model', 'encoder', 'decoder'),
  inputs: record(object<RecordedInput>({ dtype: string, shape: list(count), data: numbersOrText })),
  outputs: list(
    object<RecordedOutput>({
      name: string,
      kind: oneOf('hidden', 'pooled', 'logits', 'probabilities'),
      dtype: oneOf('float32'),
      shape: list(count),
      data: string,
    }),
  ),
});

const positive: Reader<number> = place => {
  if (typeof place.value === 'number' && place.value > 0) return place.value;
  throw new FormatError({ what: 'value', file: place.file, place: place.path, expected: 'a number above 0' });
};

const recordedDecode: Reader<RecordedDecode> = place => {
  const startId = child(place, 'start_id');
  const orOne = (key: string) => (child(place, key).value === undefined ? 1 : positive(child(place, key)));
  return {
    method: oneOf('beam_search', 'random_sample')(child(place, 'method')),
    topK: count(child(place, 'topk')),
    temperature: orOne('temperature'),
    minEnds: orOne('min_ends'),
    inputs: record(list(count))(child(place, 'inputs')),
    segmentRule: oneOf('none', 'ones', 'flip', 'speaker', 't5')(child(place, 'segmentRule')),
    startId: startId.value === null ? null : count(startId),
    endId: count(child(place, 'end_id')),
    maxLen: count(child(place, 'maxlen')),
    minLen: count(child(place, 'minlen')),
    output: list(count)(child(place, 'output')),
  };
};
