/**
 * BERT's embeddings: LN(token + segment [+ position]), widened by a dense layer when they are narrower than the stack.
 */
import type { LayerSpec } from '../architecture.ts';
import type { TransformerConfig } from '../config/transformer-config.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { add } from '../ops/elementwise.ts';
import { dense, denseLayer } from './dense.ts';
import { embedding, learnedPositions, tableLayer, tokenTableLayer } from './embeddings.ts';
import { layerNorm, layerNormLayer } from './layer-norm.ts';
import type { SequenceInputs } from './masks.ts';
import type { ModelInputs } from './sequence-inputs.ts';

/** The Keras layers of the tables that are added up: token, segment, position. */
export function embeddingTableLayers(
  config: TransformerConfig,
  { positions }: { readonly positions: boolean },
): readonly LayerSpec[] {
  const width = config.embeddingSize;
  const ownSegments = config.segmentVocabSize > 0 && !config.sharedSegments;
  return [
    tokenTableLayer('Embedding-Token', { rows: config.vocabSize, width }),
    ...(ownSegments ? [tableLayer('Embedding-Segment', { rows: config.segmentVocabSize, width })] : []),
    ...(positions ? [tableLayer('Embedding-Position', { rows: config.positionRows, width })] : []),
  ];
}

/** The Keras layers of BERT's embeddings. */
export function bertEmbeddingLayers(
  config: TransformerConfig,
  { positions }: { readonly positions: boolean },
): readonly LayerSpec[] {
  const { embeddingSize, hiddenSize } = config;
  return [
    ...embeddingTableLayers(config, { positions }),
    layerNormLayer('Embedding-Norm', embeddingSize),
    ...(embeddingSize === hiddenSize ? [] : [denseLayer('Embedding-Mapping', [embeddingSize, hiddenSize])]),
  ];
}

/** Where learned positions come from: ids, or the places of tokens; null where the model learns none. */
export type PositionSource = { readonly ids: Value } | { readonly tokens: Value } | null;

/** The position ids that a sequence model takes, else the places of its tokens. */
export function positionsOf({ tokens, positions: ids }: ModelInputs): PositionSource {
  return ids === undefined ? { tokens } : { ids };
}

/** token + segment + position: int64 [B, T] → [B, T, E]. */
export function summedEmbeddings(
  g: GraphBuilder,
  config: TransformerConfig,
  inputs: SequenceInputs,
  positions: PositionSource,
): Value {
  const width = config.embeddingSize;
  const tokenTable = { rows: config.vocabSize, width };
  let x = embedding(g, 'Embedding-Token', tokenTable, inputs.tokens);
  if (inputs.segments !== undefined) {
    const segments = config.sharedSegments
      ? embedding(g, 'Embedding-Token', tokenTable, inputs.segments, 'Embedding-Segment')
      : embedding(g, 'Embedding-Segment', { rows: config.segmentVocabSize, width }, inputs.segments);
    x = add(g.at('Embedding-Token-Segment'), x, segments);
  }
  if (positions === null) return x;
  const size = { rows: config.positionRows, width, hierarchical: config.hierarchical };
  return add(g.at('Embedding-Add'), x, learnedPositions(g, 'Embedding-Position', size, positions));
}

/** LN(token + segment + position), widened to the stack: int64 [B, T] → [B, T, D]. */
export function bertEmbeddings(
  g: GraphBuilder,
  config: TransformerConfig,
  inputs: SequenceInputs,
  { positions, epsilon }: { readonly positions: PositionSource; readonly epsilon: number },
): Value {
  const x = layerNorm(g, 'Embedding-Norm', summedEmbeddings(g, config, inputs, positions), epsilon);
  if (config.embeddingSize === config.hiddenSize) return x;
  return dense(g.at('Embedding-Mapping'), { layer: 'Embedding-Mapping' }, x, config.hiddenSize);
}
