/**
 * GPT-2 as Hugging Face's exporters write it: the cache goes in as `past_key_values.i.key` and comes out, one token longer,
 * as `present.i.key`; logits of every position. The same layers and weights as our own graphs, for comparisons.
 *
 * B batch, R new tokens, P past ones, S = P+R, N heads, H head size.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { openCheckpoint } from '../../converters/formats.ts';
import { planModel } from '../../converters/plan-model.ts';
import { packedLayout } from '../../converters/weight-files.ts';
import { weightValues } from '../../converters/weight-values.ts';
import { writeWeights } from '../../converters/write-weights.ts';
import type { JsonObject } from '../../onnx-graphs/architecture.ts';
import { gpt2 } from '../../onnx-graphs/architectures/gpt2.ts';
import type { GptConfig } from '../../onnx-graphs/config/gpt-config.ts';
import { type Attention, attentionWeights, selfAttention } from '../../onnx-graphs/layers/attention.ts';
import { summedEmbeddings } from '../../onnx-graphs/layers/bert-embeddings.ts';
import { table } from '../../onnx-graphs/layers/embeddings.ts';
import { feedForward } from '../../onnx-graphs/layers/feed-forward.ts';
import { tiedLogits } from '../../onnx-graphs/layers/heads.ts';
import { layerNorm } from '../../onnx-graphs/layers/layer-norm.ts';
import { hiddenBias } from '../../onnx-graphs/layers/masks.ts';
import { blockNames } from '../../onnx-graphs/layers/transformer.ts';
import { encodeGraph } from '../../onnx-graphs/onnx/encode-graph.ts';
import { GraphBuilder } from '../../onnx-graphs/onnx/graph-builder.ts';
import type { Value } from '../../onnx-graphs/onnx/value.ts';
import { add, and, greater, lessOrEqual } from '../../onnx-graphs/ops/elementwise.ts';
import { concat, extentOf, transpose, unsqueeze } from '../../onnx-graphs/ops/layout.ts';
import { matMul, range } from '../../onnx-graphs/ops/linear.ts';
import { directorySink } from '../../src/io/directory-sink.ts';
import { splitPath } from '../../src/io/file-source.ts';

const EPSILON = 1e-5;

/** Converts `<folder>/bert_model.ckpt`, a GPT-2, to `<folder>/<name>`, from which transformers.js loads it. */
export async function writeHuggingFaceGpt2(folder: string, name: string, config: JsonObject): Promise<void> {
  const { files, name: prefix } = await splitPath(path.join(folder, 'bert_model.ckpt'));
  const checkpoint = await openCheckpoint(files, prefix, { verifyData: false });
  const plan = planModel(checkpoint, { config, keywords: { model: 'gpt2' } });
  const layout = packedLayout(
    plan.weights.map(match => weightValues(match, { vocabulary: plan.pending, verify: false })),
  );
  const sink = await directorySink(path.join(folder, name));
  const files_ = layout.files.map((file, i) => ({ ...file, name: i === 0 ? DATA : `${DATA}_${i}` }));
  const renamed = new Map(layout.files.map((file, i) => [file.name, files_[i]?.name ?? file.name]));
  await writeWeights({ ...layout, files: files_ }, sink, { folder: 'onnx', link: false, verify: false, sha256: false });
  await checkpoint.close();
  await sink.commit();
  const parsed = gpt2.parseConfig(config, {}) as GptConfig;
  const graph = encodeGraph(presentGraph(parsed).plan(), weight => {
    const location = layout.locate(weight);
    return { ...location, file: renamed.get(location.file) ?? location.file };
  });
  await writeFile(path.join(folder, name, 'onnx', 'model.onnx'), graph);
  await writeFile(path.join(folder, name, 'config.json'), JSON.stringify(huggingFaceConfig(parsed)));
}

const DATA = 'model.onnx_data';

function huggingFaceConfig({ layers, heads, hiddenSize, vocabSize }: GptConfig): JsonObject {
  return {
    model_type: 'gpt2',
    architectures: ['GPT2LMHeadModel'],
    n_layer: layers,
    n_head: heads,
    n_embd: hiddenSize,
    vocab_size: vocabSize,
  };
}

function presentGraph(config: GptConfig): GraphBuilder {
  const g = new GraphBuilder('gpt2');
  const tokens = g.input('input_ids', 'int64', ['B', 'R']);
  const mask = g.input('attention_mask', 'int64', ['B', 'P+R']);
  const ids = g.input('position_ids', 'int64', ['B', 'R']);
  const attention = presentAttention(g, config, causalBias(g.at('Mask'), mask, ids));
  let x = summedEmbeddings(g, config, { tokens }, { ids });
  for (let index = 0; index < config.layers; index++) {
    const names = blockNames(index);
    const normed = layerNorm(g, `${names.attention}-Norm`, x, EPSILON);
    const place = { layer: names.attention, index };
    const middle = add(
      g.at(`${names.attention}-Add`),
      x,
      selfAttention(g, place, normed, { sizes: config, attention }).output,
    );
    const fed = feedForward(g, names.feedForward, layerNorm(g, `${names.feedForward}-Norm`, middle, EPSILON), config);
    x = add(g.at(`${names.feedForward}-Add`), middle, fed);
  }
  const tokenTable = table(g, 'Embedding-Token', { rows: config.vocabSize, width: config.embeddingSize });
  g.output('logits', tiedLogits(g.at('LM-Logits'), layerNorm(g, 'Output-Norm', x, EPSILON), tokenTable)); // [B, R, V]
  return g;
}

/** Keys up to each row's own position, where `mask` is 1: [B, 1, R, S]. */
function causalBias(g: GraphBuilder, mask: Value, positions: Value): Value {
  const columns = range(g.at('columns'), extentOf(g.at('columns'), mask, 1)); // [S]
  const earlier = lessOrEqual(g, columns, unsqueeze(g.at('rows'), positions, 2)); // [B, R, S]
  const filled = greater(g, unsqueeze(g.at('filled'), mask, 1), g.constant('int64', [0])); // [B, 1, S]
  return unsqueeze(g, hiddenBias(g, and(g, earlier, filled)), 1);
}

function presentAttention(root: GraphBuilder, { heads, headSize }: GptConfig, bias: Value): Attention {
  return {
    rows: (_g, _layer, x) => x,
    attend(g, layer, { query, key, value }, residual) {
      const [allKeys = key, allValues = value] = Object.entries({ key, value }).map(([part, fresh]) => {
        const past = root.input(`past_key_values.${layer}.${part}`, 'float32', ['B', heads, 'P', headSize]);
        const present = concat(g.at(`present-${part}`), [past, fresh], 2); // [B, N, S, H]
        root.output(`present.${layer}.${part}`, present);
        return present;
      });
      const scores = matMul(g.at('scores'), query, transpose(g.at('scores'), allKeys, [0, 1, 3, 2])); // [B, N, R, S]
      return { context: matMul(g.at('context'), attentionWeights(g, scores, bias, residual), allValues), scores };
    },
  };
}
