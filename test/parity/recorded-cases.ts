/**
 * The recorded cases of the reference, typed, with what tests need to convert and replay them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type ConvertOptions, convert } from '../../converters/convert.ts';
import type { JsonObject } from '../../onnx-graphs/architecture.ts';
import type { ByteSink } from '../../src/core/byte-source.ts';
import { directorySet } from '../../src/io/file-source.ts';

/** Folder of the cases: the fixtures, or another that their recipe wrote, named by RECORDED_CASES. */
export const CASES = process.env['RECORDED_CASES'] ?? path.resolve(import.meta.dirname, '../fixtures/cases');

/** An input as recorded: whole numbers, or base64 of little-endian float32. */
export interface RecordedInput {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: readonly number[] | string;
}

/** An output as recorded; `data` is base64 of little-endian float32. */
export interface RecordedOutput {
  readonly name: string;
  readonly kind: 'hidden' | 'pooled' | 'logits' | 'probabilities';
  readonly shape: readonly number[];
  readonly data: string;
}

/** One forward pass of the model, or of one of its two halves. */
export interface RecordedRun {
  readonly label: string;
  readonly graph: 'model' | 'encoder' | 'decoder';
  readonly inputs: Readonly<Record<string, RecordedInput>>;
  readonly outputs: readonly RecordedOutput[];
}

/** A case; see test/fixtures/cases/README.md. */
export interface RecordedCase {
  readonly name: string;
  readonly build: JsonObject & { readonly model: string };
  readonly checkpoint: { readonly path: string; readonly format: string; readonly files: readonly string[] };
  readonly weights: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly sha256: string;
    readonly computed?: string;
  }[];
  readonly runs: readonly RecordedRun[];
}

/** Every case whose model is one of `models`, in order of their names. */
export function recordedCases(models: readonly string[]): readonly RecordedCase[] {
  return readdirSync(CASES, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(({ name }) => JSON.parse(readFileSync(path.join(CASES, name, 'case.json'), 'utf8')) as RecordedCase)
    .filter(({ build }) => models.includes(build.model));
}

/** Converts a case as a user would, with plain options. */
export function convertCase(recorded: RecordedCase, sink: ByteSink, more: Partial<ConvertOptions> = {}) {
  const folder = path.join(CASES, recorded.name);
  return convert(
    {
      checkpoint: { files: directorySet(folder), name: recorded.checkpoint.path },
      config: readFileSync(path.join(folder, 'config.json')),
      keywords: recorded.build,
      ...more,
    },
    sink,
  );
}
