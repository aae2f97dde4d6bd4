/**
 * `bert4ort verify --write-hashes`: puts the SHA-256 of weight files into the manifest of a model that was converted
 * without them, so that whoever fetches it can compare them.
 */
import { randomUUID } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type FileEntry, MANIFEST_FILE, type Manifest } from '../core/manifest.ts';
import { formatManifest } from '../core/manifest-parser.ts';
import { attempt } from '../io/file-access.ts';
import { hashFile } from '../io/file-hash.ts';

/** Hashes what has no hash yet; returns the names of those files. The manifest is replaced in one step. */
export async function writeHashes(directory: string, manifest: Manifest): Promise<string[]> {
  const graphs = Object.entries(manifest.graphs);
  const missing = graphs.flatMap(([, { data }]) => data).filter(({ sha256 }) => sha256 === undefined);
  const hashes = new Map<string, string>();
  for (const { file } of missing) {
    if (!hashes.has(file)) hashes.set(file, await hashFile(path.join(directory, file)));
  }
  if (hashes.size === 0) return [];
  const hashed = (entry: FileEntry): FileEntry => {
    const sha256 = entry.sha256 ?? hashes.get(entry.file);
    return sha256 === undefined ? entry : { ...entry, sha256 };
  };
  const changed = graphs.map(([name, graph]) => [name, { ...graph, data: graph.data.map(hashed) }]);
  const file = path.join(directory, MANIFEST_FILE);
  const fresh = `${file}.${randomUUID()}`;
  await attempt(file, 'replacing', async () => {
    await writeFile(fresh, formatManifest({ ...manifest, graphs: Object.fromEntries(changed) }));
    await rename(fresh, file);
  });
  return [...hashes.keys()];
}
