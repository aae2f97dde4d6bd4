/**
 * Opening a Keras HDF5 file of 400 MB (BERT-base in size): time, bytes read and memory, against reading the whole file.
 *
 *     PYTHON=python3 npx tsx test/bench/hdf5.ts [gigabytes]
 *
 * The file is made with h5py in the system's temporary folder and removed afterwards.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { kerasHdf5 } from '../../converters/keras-hdf5/index.ts';
import type { ByteSource, ByteSourceSet } from '../../src/core/byte-source.ts';
import { directorySet } from '../../src/io/file-source.ts';

/** A transformer's layers as Keras writes them: 12 layers of H = 768, and one table that makes up the size. */
const RECIPE = `
import sys, h5py, numpy as np
path, size, H = sys.argv[1], float(sys.argv[2]) * 2**30, 768
layers = {'Embedding-Token': [('embeddings:0', (max(1, int(size / 4 / H) - 12 * 12 * H), H))]}
for i in range(12):
    layers['Transformer-%d-MultiHeadSelfAttention' % i] = [
        ('dense_%d/%s' % (j, n), s) for j in range(4) for n, s in [('kernel:0', (H, H)), ('bias:0', (H,))]]
    layers['Transformer-%d-MultiHeadSelfAttention-Norm' % i] = [('beta:0', (H,)), ('gamma:0', (H,))]
    layers['Transformer-%d-Add' % i] = []
    layers['Transformer-%d-FeedForward' % i] = [
        ('dense_1/kernel:0', (H, 4 * H)), ('dense_1/bias:0', (4 * H,)), ('dense_2/kernel:0', (4 * H, H)), ('dense_2/bias:0', (H,))]
    layers['Transformer-%d-FeedForward-Norm' % i] = [('beta:0', (H,)), ('gamma:0', (H,))]
with h5py.File(path, 'w') as f:
    f.attrs['layer_names'] = [n.encode() for n in layers]
    for name, weights in layers.items():
        g = f.create_group(name)
        g.attrs['weight_names'] = np.asarray([('%s/%s' % (name, w)).encode() for w, _ in weights])
        for weight, shape in weights:
            d = g.create_dataset('%s/%s' % (name, weight), shape, 'f4')
            for at in range(0, shape[0], 4096):
                d[at:at + 4096] = 0.5
`;

const gigabytes = Number(process.argv[2] ?? 0.39);
const directory = mkdtempSync(path.join(tmpdir(), 'bert4ort-hdf5-'));
const file = path.join(directory, 'model.h5');
try {
  execFileSync(process.env['PYTHON'] ?? 'python3', ['-c', RECIPE, file, `${gigabytes}`]);
  console.log(`file: ${(statSync(file).size / 1e6).toFixed(0)} MB`);
  for (let round = 0; round < 3; round++) await openOnce();
  if (gigabytes < 1.5) readWhole();
} finally {
  rmSync(directory, { recursive: true });
}

async function openOnce(): Promise<void> {
  const counted = { reads: 0, bytes: 0 };
  const before = process.memoryUsage().rss;
  const start = performance.now();
  const checkpoint = await kerasHdf5.open(countingSet(directorySet(directory), counted), 'model.h5', {});
  const time = performance.now() - start;
  const memory = process.memoryUsage().rss - before;
  await checkpoint.close();
  console.log(
    `open: ${time.toFixed(0)} ms, ${checkpoint.tensors.size} tensors, ${counted.reads} reads of ` +
      `${(counted.bytes / 1e6).toFixed(1)} MB, memory ${(memory / 1e6).toFixed(0)} MB more`,
  );
}

function readWhole(): void {
  const start = performance.now();
  const bytes = readFileSync(file);
  console.log(`reading the whole file instead: ${(performance.now() - start).toFixed(0)} ms, ${bytes.length} bytes`);
}

/** The same files, with what is read from them counted. */
function countingSet(files: ByteSourceSet, counted: { reads: number; bytes: number }): ByteSourceSet {
  const counting = (source: ByteSource): ByteSource => ({
    ...source,
    read: (offset, length) => {
      counted.reads++;
      counted.bytes += length;
      return source.read(offset, length);
    },
    close: () => source.close(),
  });
  return { list: () => files.list(), open: async name => counting(await files.open(name)) };
}
