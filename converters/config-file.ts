/**
 * Reads `bert_config.json`: a JSON object, whatever is in it. What its keys mean is the architecture's to say.
 */
import type { JsonObject } from '../onnx-graphs/architecture.ts';
import { FormatError, messageOf } from '../src/core/errors.ts';
import type { Json } from '../src/core/manifest.ts';

/** Parses the bytes of a configuration file. @throws FormatError when they are not a JSON object. */
export function parseConfigFile(bytes: Uint8Array, file = 'bert_config.json'): JsonObject {
  const value = parse(bytes, file);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new FormatError({
    what: 'configuration',
    file,
    expected: 'a JSON object',
    found: JSON.stringify(value).slice(0, 40),
  });
}

function parse(bytes: Uint8Array, file: string): Json {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Json;
  } catch (cause) {
    throw new FormatError(
      {
        what: 'configuration',
        file,
        expected: 'a JSON object in UTF-8, such as bert_config.json',
        found: messageOf(cause),
      },
      { cause },
    );
  }
}
