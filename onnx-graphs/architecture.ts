/**
 * What an architecture is: a parser for its configuration, the list of Keras layers that hold weights, and functions that
 * write its graphs. No bytes are read here; the plan that comes out names the weights it needs and their shapes.
 */
import type { Activations, Application, AttentionRules, Dimensions, Json } from '../src/core/manifest.ts';
import type { GraphBuilder } from './onnx/graph-builder.ts';

export { weightName } from './onnx/weight-name.ts';

/** A parsed JSON object, such as `bert_config.json`. */
export type JsonObject = Readonly<Record<string, Json>>;

/** A weight inside a Keras layer. */
export interface SlotSpec {
  /** Place inside the layer: `query/kernel`, `embeddings`, `gamma`. The order in the list is Keras' order. */
  readonly slot: string;
  readonly shape: readonly number[];
  /** Axis whose size the checkpoint decides (rows of the token or position table), as TensorFlow 1 lets it. */
  readonly freeAxis?: number;
  /** Axis along which `keep_tokens` and `compound_tokens` pick and append. */
  readonly vocabularyAxis?: number;
}

/** A Keras layer that has weights. */
export interface LayerSpec {
  /** Keras layer name without prefix: `Transformer-0-MultiHeadSelfAttention`. */
  readonly name: string;
  readonly slots: readonly SlotSpec[];
  /** For a table that some checkpoints do not store: computes the float32 values, row-major, of the slot named. */
  readonly compute?: (slot: string) => Float32Array;
}

/** Sizes that the checkpoint, not the configuration, decided: `<layer>/<slot>` → shape found. */
export type FoundShapes = ReadonlyMap<string, readonly number[]>;

/** An architecture with its configuration type. `C` is plain data. */
export interface Architecture<C> {
  /** bert4keras' `model=` name. */
  readonly name: string;
  /**
   * Reads `bert_config.json` and the keywords of `build_transformer_model` (in their Python spelling, over the config, as
   * bert4keras merges them). @throws ConfigError listing everything wrong or not applicable at once.
   */
  parseConfig(config: JsonObject, keywords: JsonObject): C;
  /** The configuration with the sizes that the checkpoint decided. */
  adoptShapes(config: C, found: FoundShapes): C;
  /** Layers with weights, in tf.keras' `layer_with_weights-N` order, which decides where a file has no names. */
  layers(config: C): readonly LayerSpec[];
  /** Graph writers; which of them apply to a configuration is in {@link ModelFacts.graphs}. */
  readonly graphs: GraphWriters<C>;
  /** What the manifest says about the model. */
  describe(config: C): ModelFacts;
}

/** Functions that write an architecture's graphs into an empty builder. */
export interface GraphWriters<C> {
  /** The whole forward pass. */
  model(g: GraphBuilder, config: C): void;
  /** The two halves of a model with an encoder and a decoder. */
  encoder?(g: GraphBuilder, config: C): void;
  decoder?(g: GraphBuilder, config: C): void;
  /** The whole forward pass with the logits of chosen rows only, of a masked model. */
  read?(g: GraphBuilder, config: C): void;
  /** The generation graph with a cache, of a language model. */
  step?(g: GraphBuilder, config: C): void;
}

/** The part of the manifest that an architecture knows. */
export interface ModelFacts {
  readonly application: Application;
  readonly dimensions: Dimensions;
  readonly attention: AttentionRules;
  readonly activations: Activations;
  /** Hugging Face's `model_type`, for config.json, and what it calls otherwise than for a BERT. */
  readonly modelType: string;
  readonly huggingFace?: JsonObject;
  /** Which of its {@link GraphWriters} this configuration has. */
  readonly graphs: readonly (keyof GraphWriters<unknown>)[];
}

/** An architecture whose configuration type nobody outside needs to know. */
export type AnyArchitecture = Architecture<unknown>;
