/**
 * Recognises the naming scheme of a checkpoint, and holds the table of architectures that have published names.
 */
import type { LayerSpec } from '../../onnx-graphs/architecture.ts';
import { WeightsError } from '../../src/core/errors.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { albert } from './albert.ts';
import { bert } from './bert.ts';
import { clozeBilstm } from './cloze-bilstm.ts';
import { electra } from './electra.ts';
import { type GoogleNames, googleNaming } from './google.ts';
import { gpt } from './gpt.ts';
import { gpt2 } from './gpt2.ts';
import { gpt2Ml } from './gpt2-ml.ts';
import { kerasNaming } from './keras-layers.ts';
import type { Naming } from './naming.ts';
import { nezha } from './nezha.ts';
import { objectGraphNaming } from './object-graph.ts';
import { roformer } from './roformer.ts';
import { t5 } from './t5.ts';
import { variableNaming } from './variable-names.ts';

/** Published names by architecture. An architecture without them can still be read from Keras files. */
export const publishedNames: Readonly<Record<string, GoogleNames>> = {
  bert,
  albert,
  albert_unshared: albert,
  electra,
  nezha,
  roformer,
  roformer_v2: roformer,
  gpt,
  gpt2,
  gpt2_ml: gpt2Ml,
  ...t5,
  'cloze-bilstm': clozeBilstm,
};

/** What recognising looks at besides the checkpoint. */
export interface NamingContext {
  /** Name of the architecture. */
  readonly architecture: string;
  readonly layers: readonly LayerSpec[];
  /** The `prefix` that the model was built with, where the user gave one. */
  readonly prefix?: string;
  /** Blocks that the configuration has, where the user asked for the first of them only. */
  readonly configuredLayers?: number;
}

/**
 * The naming scheme that the checkpoint's names follow.
 * @throws WeightsError when they follow none that is known for the architecture.
 */
export function recogniseNaming(checkpoint: Checkpoint, context: NamingContext): Naming {
  const published = publishedNames[context.architecture];
  const naming =
    kerasNaming(checkpoint, context.layers, context.prefix) ??
    objectGraphNaming(checkpoint, context.layers, context.prefix) ??
    variableNaming(checkpoint, context.layers, context.prefix) ??
    (published && googleNaming(published, checkpoint, context.configuredLayers));
  if (naming !== undefined) return naming;
  const names = [...checkpoint.tensors.keys()];
  throw new WeightsError({
    what: `naming scheme for model ${context.architecture}`,
    file: checkpoint.name,
    expected: 'Keras layers, a tf.keras object graph, or the names of published checkpoints of that model',
    found: `${names.length} tensors: ${names.slice(0, 3).join(', ')}${names.length > 3 ? ' …' : ''}`,
    next: 'The checkpoint is likely of another model (`inspect` lists its names)',
  });
}
