/**
 * The installed onnxruntime-node: its version, its native libraries, and what it says it can run on.
 */
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/** The installed package. */
export interface OrtPackage {
  readonly version: string;
  /** Folder of the native libraries; providers are loaded from here. */
  readonly folder: string;
}

/** A backend as `listSupportedBackends()` has it. */
export interface OrtBackend {
  readonly name: string;
  /** Whether it works with what the package itself contains. */
  readonly bundled: boolean;
}

/** The package, or undefined where it isn't installed. Loads nothing. */
export function findOrtPackage(): OrtPackage | undefined {
  const folders = createRequire(import.meta.url).resolve.paths('onnxruntime-node') ?? [];
  const root = folders.map(folder => path.join(folder, 'onnxruntime-node')).find(existsSync);
  if (root === undefined) return undefined;
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  return { version: String(version), folder: path.join(root, 'bin/napi-v6', process.platform, process.arch) };
}

/** What the package can run on. @throws whatever loading its native library throws. */
export async function listOrtBackends(): Promise<readonly OrtBackend[]> {
  const { listSupportedBackends } = await import('onnxruntime-node');
  return listSupportedBackends().map(({ name, bundled }) => ({ name, bundled }));
}

/** Bytes of a library that are searched at a time; blocks overlap by the length of a version. */
const BLOCK = 1 << 22;

/**
 * Whether the library `file` holds `version` as a string of its own, as ONNX Runtime's CUDA provider does (read from
 * PyPI's builds 1.26, 1.29 and 1.30). Reads the whole file: about 0.2 s for one of 270 MB.
 */
export function holdsVersion(file: string, version: string): boolean {
  const wanted = Buffer.from(`\0${version}\0`);
  const block = Buffer.alloc(BLOCK);
  const handle = openSync(file, 'r');
  try {
    for (let offset = 0; ; offset += BLOCK - wanted.length) {
      const length = readSync(handle, block, 0, BLOCK, offset);
      if (block.subarray(0, length).includes(wanted)) return true;
      if (length < BLOCK) return false;
    }
  } finally {
    closeSync(handle);
  }
}
