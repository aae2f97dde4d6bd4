/**
 * The cloze reader of CMRC 2017 (https://kexue.fm/archives/4564): which word of the document belongs into the blank.
 *
 *   E = [padding; words];  x = E[ids] for the text left and right of the blank, each side through the same two layers
 *   y¹ = BiLSTM₁(x);  y² = BiLSTM₂(y¹)
 *   q = ½ Σ over sides of [last forward state, first backward state] of y²
 *   p = softmax over both sides of y² · q, positions beyond a side's length hidden
 *
 * https://github.com/bojone/CCL_CMRC2017
 *
 * B batch, L and M lengths of the left and the right side, E word vector size = state size H.
 */
import type { Architecture, LayerSpec } from '../architecture.ts';
import { readConfig } from '../config/config-reader.ts';
import { bidirectionalLstm, type LstmWeights, lstmLayers, lstmWeights } from '../layers/lstm.ts';
import type { GraphBuilder } from '../onnx/graph-builder.ts';
import type { Value } from '../onnx/value.ts';
import { add, cast, greater, mul, sub, where } from '../ops/elementwise.ts';
import { gather, gatherRows } from '../ops/indexing.ts';
import { concat, extentOf, slice, squeeze, transpose, unsqueeze } from '../ops/layout.ts';
import { matMul, range, softmax } from '../ops/linear.ts';

/** Sizes of a model. */
export interface ClozeConfig {
  readonly embeddingSize: number;
  /** Words in the list, the padding vector not counted. */
  readonly words: number;
}

/** What the original adds to scores of padding. */
const HIDDEN = -1e12;

/** The BiLSTM cloze reader. */
export const clozeBilstm: Architecture<ClozeConfig> = {
  name: 'cloze-bilstm',

  parseConfig(config, keywords) {
    const read = readConfig('cloze configuration', config, keywords);
    const sizes = { embeddingSize: read.integer('embedding_size', 1), words: read.integer('vocab_size', 1) };
    read.finish();
    return sizes;
  },

  adoptShapes: config => config,

  layers({ embeddingSize, words }): readonly LayerSpec[] {
    return [
      { name: 'Padding-Vector', slots: [{ slot: 'embeddings', shape: [1, embeddingSize] }] },
      { name: 'Word-Vectors', slots: [{ slot: 'embeddings', shape: [words, embeddingSize] }] },
      ...lstmLayers('LSTM-1', { input: embeddingSize, hidden: embeddingSize }),
      ...lstmLayers('LSTM-2', { input: 2 * embeddingSize, hidden: embeddingSize }),
    ];
  },

  graphs: {
    model(g, { embeddingSize, words }) {
      const table = concat(
        g.at('Embedding'),
        [
          g.weight('Padding-Vector', 'embeddings', [1, embeddingSize]),
          g.weight('Word-Vectors', 'embeddings', [words, embeddingSize]),
        ],
        0,
      ); // [V, E]
      const stack = [
        lstmWeights(g, 'LSTM-1', { input: embeddingSize, hidden: embeddingSize }),
        lstmWeights(g, 'LSTM-2', { input: 2 * embeddingSize, hidden: embeddingSize }),
      ];
      const left = side(g.at('left'), sideInputs(g, 'left', 'L'), table, stack);
      const right = side(g.at('right'), sideInputs(g, 'right', 'M'), table, stack);
      const query = mul(g.at('query'), add(g.at('query'), left.last, right.last), g.constant('float32', [0.5])); // [B, 1, 2H]
      const states = concat(g.at('states'), [left.states, right.states], 1); // [B, L+M, 2H]
      const products = matMul(g.at('scores'), states, transpose(g.at('scores'), query, [0, 2, 1])); // [B, L+M, 1]
      const bias = concat(g.at('mask'), [left.bias, right.bias], 1); // [B, L+M]
      const scores = add(g.at('scores'), squeeze(g.at('scores'), products, 2), bias);
      g.output('scores', scores);
      g.output('query', squeeze(g.at('query'), query, 1));
      g.output('probabilities', softmax(g.at('probabilities'), scores));
    },
  },

  describe: ({ embeddingSize, words }) => ({
    application: 'encoder',
    dimensions: {
      layers: 2,
      heads: 1,
      headSize: 2 * embeddingSize,
      keySize: 2 * embeddingSize,
      hidden: embeddingSize,
      vocabSize: words + 1,
      segmentVocabSize: 0,
      maxPositions: null,
    },
    attention: { visibility: 'padding', segmentPadding: false },
    activations: {},
    modelType: 'cloze-bilstm',
    graphs: ['model'],
  }),
};

interface SideInputs {
  /** int64 [B, L] */
  readonly ids: Value;
  /** int64 [B], at least 1 */
  readonly lengths: Value;
}

interface Side {
  /** [B, L, 2H] */
  readonly states: Value;
  /** Last forward and first backward state, [B, 1, 2H]. */
  readonly last: Value;
  /** 0, or a large negative number beyond the length: [B, L]. */
  readonly bias: Value;
}

function sideInputs(g: GraphBuilder, name: string, length: string): SideInputs {
  return { ids: g.input(`${name}_ids`, 'int64', ['B', length]), lengths: g.input(`${name}_lengths`, 'int64', ['B']) };
}

function side(g: GraphBuilder, { ids, lengths }: SideInputs, table: Value, stack: readonly LstmWeights[]): Side {
  const lengths32 = cast(g.at('lengths'), lengths, 'int32');
  const words = transpose(g.at('words'), gather(g.at('words'), table, ids), [1, 0, 2]); // [L, B, E]
  const top = stack.reduce((x, weights, i) => bidirectionalLstm(g.at(`LSTM-${i + 1}`), x, lengths32, weights), words);
  const states = transpose(g.at('states'), top, [1, 0, 2]); // [B, L, 2H]
  return { states, last: lastStates(g.at('last'), states, lengths), bias: lengthBias(g.at('mask'), ids, lengths) };
}

/** The forward half of the position before each length, and the backward half of the first one. */
function lastStates(g: GraphBuilder, states: Value, lengths: Value): Value {
  const size = Number(states.shape[2]) / 2;
  const ends = unsqueeze(g.at('ends'), sub(g.at('ends'), lengths, g.constant('int64', [1])), 1, 2); // [B, 1, 1]
  const atEnd = gatherRows(g.at('ends'), states, ends); // [B, 1, 2H]
  const atStart = slice(g.at('start'), states, { axis: 1, start: 0, end: 1, size: 1 }); // [B, 1, 2H]
  const forward = slice(g.at('forward'), atEnd, { axis: 2, start: 0, end: size, size });
  const backward = slice(g.at('backward'), atStart, { axis: 2, start: size, end: 2 * size, size });
  return concat(g, [forward, backward], 2);
}

function lengthBias(g: GraphBuilder, ids: Value, lengths: Value): Value {
  const places = range(g, extentOf(g, ids, 1)); // [L]
  const inside = greater(g, unsqueeze(g, lengths, 1), places); // [B, L]
  return where(g, inside, g.constant('float32', [0]), g.constant('float32', [HIDDEN]));
}
