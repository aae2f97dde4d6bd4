/** Recorded checkpoints, converted and opened for tests of the engine. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseConfigFile } from '../../converters/config-file.ts';
import { convert } from '../../converters/index.ts';
import { directorySink } from '../../src/io/directory-sink.ts';
import { splitPath } from '../../src/io/file-source.ts';
import type { Model } from '../../src/model.ts';
import { loadModel } from '../../src/node.ts';
import type { GraphSession } from '../../src/session/session.ts';

const CASES = path.resolve(import.meta.dirname, '../fixtures/cases');

/** Converts the recorded checkpoint `name` to the folder `out` and opens its step graph. */
export async function convertCase(name: string, out: string): Promise<{ model: Model; session: GraphSession }> {
  const place = path.join(CASES, name);
  const recorded = parseConfigFile(new Uint8Array(await readFile(path.join(place, 'case.json'))));
  const checkpoint = recorded['checkpoint'] as { readonly path: string };
  const conversion = {
    checkpoint: await splitPath(path.join(place, checkpoint.path)),
    config: new Uint8Array(await readFile(path.join(place, 'config.json'))),
    keywords: recorded['build'] as Parameters<typeof convert>[0]['keywords'],
  };
  await convert(conversion, await directorySink(out));
  const model = await loadModel(out);
  return { model, session: await model.openGraph('step') };
}

/**
 * Equal but for the order in which floats were added: within 1e-5 of the largest magnitude. A logit is a sum of terms of
 * that size, so a small one carries their rounding, not its own.
 */
export function assertClose(found: ArrayLike<number>, expected: ArrayLike<number>): void {
  assert.equal(found.length, expected.length);
  const bound = 1e-5 * Array.from(expected).reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  for (let i = 0; i < found.length; i++) {
    const error = Math.abs((found[i] ?? 0) - (expected[i] ?? 0));
    assert.ok(error <= bound, `${i}: ${found[i]} and ${expected[i]}, apart by more than ${bound}`);
  }
}
