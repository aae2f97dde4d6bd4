/**
 * What a naming scheme is: a rule that says under which name a checkpoint stores each weight of a plan. Three are known:
 * the names of Google's published checkpoints, tf.keras' object graph, and Keras layer names, be they of groups or of
 * variables. Which one a checkpoint follows is recognised from the names in it, never from the file's extension.
 */
import type { LayerSpec, SlotSpec } from '../../onnx-graphs/architecture.ts';

/** Names of the schemes, as manifests and reports give them. */
export type Scheme = 'google' | 'tf-keras-object-graph' | 'keras-layers';

/** Where a scheme keeps a weight. */
export interface StoredName {
  /** Name in the checkpoint, verbatim; sought, not necessarily there. */
  readonly name: string;
  /** Stored with its two axes exchanged. */
  readonly transposed?: boolean;
}

/** Why a tensor that the plan does not read is there. */
export type Unused =
  /** The reference passes over such tensors without a word: other heads, a training head. Reported, accepted. */
  | 'extra'
  /** Looks like a part of the model that was asked for, so configuration and checkpoint disagree. Refused. */
  | 'part-of-model';

/** A scheme as found in one checkpoint. */
export interface Naming {
  readonly scheme: Scheme;
  /** For people: the scheme and how it was recognised, `Keras layer names with prefix "Student-"`. */
  readonly label: string;
  /** Whether the file holds weights of the built model, so that `keep_tokens` and `compound_tokens` are already applied. */
  readonly final: boolean;
  /** Where a weight is sought; undefined when the scheme has no name for it. */
  locate(layer: LayerSpec, slot: SlotSpec): StoredName | undefined;
  /** Judges a tensor that no weight of the plan asked for. */
  judge(name: string): Unused;
}
