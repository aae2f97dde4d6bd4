/**
 * Weights and models saved by Keras 2 or tf.keras as HDF5 (`save_weights`, `model.save`), whatever the file is called:
 * bert4keras' `best_model.weights` is one. See docs/formats/keras-hdf5.md.
 */
import type { ByteSourceSet } from '../../src/core/byte-source.ts';
import type { Json } from '../../src/core/manifest.ts';
import type { Checkpoint, CheckpointFormat } from '../checkpoint.ts';
import { readText } from './attributes.ts';
import { findSignature, type Hdf5File, type Hdf5Object, openHdf5 } from './jsfive-file.ts';
import { readKerasLayers } from './keras-layers.ts';

/** What Keras notes about itself, as text attributes of the root or of /model_weights. */
const ABOUT = ['keras_version', 'backend'];

/** The format. Files have no checksums, so damage inside a weight's bytes can't be seen. */
export const kerasHdf5: CheckpointFormat = { name: 'keras-hdf5', matches, open };

async function matches(files: ByteSourceSet, name: string): Promise<boolean> {
  const names = await files.list();
  if (!names.includes(name)) return false;
  const source = await files.open(name);
  try {
    return (await findSignature(source)) !== undefined;
  } finally {
    await source.close();
  }
}

async function open(files: ByteSourceSet, name: string): Promise<Checkpoint> {
  const source = await files.open(name);
  try {
    const file = await openHdf5(source);
    const { group, layers, tensors, skipped } = await readKerasLayers(file);
    const about = await readAbout(file, group);
    const close = () => source.close();
    return { format: kerasHdf5.name, name: source.name, files: [source], tensors, layers, skipped, about, close };
  } catch (thrown) {
    await source.close();
    throw thrown;
  }
}

async function readAbout(file: Hdf5File, group: Hdf5Object): Promise<Readonly<Record<string, Json>>> {
  const about: Record<string, Json> = { whole_model: group !== file.root };
  for (const name of ABOUT) {
    const text = (await readText(file, group, name)) ?? (await readText(file, file.root, name));
    if (text?.[0] !== undefined) about[name] = text[0];
  }
  return about;
}
