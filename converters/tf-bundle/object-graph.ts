/**
 * What tf.keras notes beside the tensors of an object graph: of each variable, the key it is stored under and its own name,
 * which holds the name of its layer. The rest of the message, the objects and how they refer to each other, is in the keys.
 * https://github.com/tensorflow/tensorflow/blob/v2.11.0/tensorflow/core/protobuf/trackable_object_graph.proto
 */
import type { ErrorDetails } from '../../src/core/errors.ts';
import { BYTES, parse, tag } from './wire-fields.ts';

/** Name of the tensor that holds the message. */
export const OBJECT_GRAPH = '_CHECKPOINTABLE_OBJECT_GRAPH';

/** Key → name of the variable, `Embedding-Norm/beta`. @throws FormatError with `details` when the bytes are no such message. */
export function readVariableNames(bytes: Uint8Array, details: ErrorDetails): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const readVariable = (message: Uint8Array): void => {
    const found = { name: '', key: '' };
    parse(message, details, {
      [tag(2, BYTES)]: reader => (found.name = reader.string()),
      [tag(3, BYTES)]: reader => (found.key = reader.string()),
    });
    if (found.name !== '' && found.key !== '') names.set(found.key, found.name);
  };
  const readObject = (message: Uint8Array): void =>
    parse(message, details, { [tag(2, BYTES)]: reader => readVariable(reader.bytes()) });
  parse(bytes, details, { [tag(1, BYTES)]: reader => readObject(reader.bytes()) });
  return names;
}
