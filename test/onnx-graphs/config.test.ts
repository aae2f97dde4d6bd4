/**
 * Configurations: aliases and defaults of bert4keras, what it rejects, and errors that name everything at once.
 */
import assert from 'node:assert/strict';
import type { AnyArchitecture, JsonObject } from '../../onnx-graphs/architecture.ts';
import { architectures } from '../../onnx-graphs/architectures/index.ts';
import { type Bucketing, bothSides, oneSide } from '../../onnx-graphs/layers/bucketed-positions.ts';
import { GraphBuilder } from '../../onnx-graphs/onnx/graph-builder.ts';
import { ConfigError } from '../../src/core/errors.ts';
import { allHeads, TINY } from './run-graph.ts';

const { max_position: _, ...BARE } = TINY;

describe('configurations', () => {
  it('take bert4keras’ aliases and defaults', () => {
    const dimensions = (config: JsonObject, keywords: JsonObject = {}) =>
      named('bert').describe(named('bert').parseConfig({ ...BARE, ...config }, keywords)).dimensions;
    assert.deepEqual(dimensions({}), {
      layers: 2,
      heads: 2,
      headSize: 8,
      keySize: 8,
      hidden: 16,
      vocabSize: 30,
      segmentVocabSize: 2,
      maxPositions: 512,
    });
    assert.equal(dimensions({ max_position_embeddings: 40 }).maxPositions, 40);
    assert.equal(dimensions({ max_position_embeddings: 40, max_position: 50 }).maxPositions, 50);
    assert.equal(dimensions({ max_position: 50 }, { max_position: 60 }).maxPositions, 60);
    assert.equal(dimensions({ max_position: 50, hierarchical_position: 0.3 }).maxPositions, 2500);
    assert.equal(dimensions({ type_vocab_size: 16 }).segmentVocabSize, 16);
    assert.equal(dimensions({ type_vocab_size: 16 }, { segment_vocab_size: 0 }).segmentVocabSize, 0);
    assert.equal(dimensions({ attention_head_size: 5 }).keySize, 5);
    assert.equal(dimensions({}, { keep_tokens: [1, 2, 3], compound_tokens: [[1], [2]] }).vocabSize, 5);
    assert.equal(dimensions({}, { compound_tokens: [[1]] }).vocabSize, 31);
  });

  it('leave unknown keys alone', () => {
    const keys = { directionality: 'bidi', pooler_fc_size: 768, initializer_range: 0.02, model_type: 'bert' };
    assert.doesNotThrow(() => named('bert').parseConfig({ ...TINY, ...keys }, {}));
  });

  it('report everything that is wrong at once', () => {
    const wrong = { ...BARE, hidden_size: '768', num_attention_heads: 0, hidden_act: 'mish', with_pool: 'tanhh' };
    assert.throws(
      () => named('bert').parseConfig(wrong, { application: 'seq2seq', custom_position_ids: 1, gelu: 'new' }),
      error => {
        assert.ok(error instanceof ConfigError);
        for (const key of ['hidden_size', 'num_attention_heads', 'hidden_act', 'with_pool', 'application'])
          assert.match(error.message, new RegExp(`"${key}" must be`));
        assert.match(error.message, /"custom_position_ids" must be true or false, not 1/);
        assert.match(error.message, /"gelu" must be one of erf, tanh, not "new"/);
        return true;
      },
    );
    const { hidden_size: _, ...incomplete } = TINY;
    assert.throws(
      () => named('bert').parseConfig(incomplete, {}),
      /BERT configuration; found "hidden_size" is missing$/,
    );
  });

  const rejected: readonly (readonly [model: string, keywords: JsonObject, message: RegExp])[] = [
    ['bert', { application: 'unilm', segment_vocab_size: 0 }, /unilm needs segments/],
    ['bert', { application: 'lm', residual_attention_scores: true }, /can't be combined with application lm/],
    ['bert', { with_mlm: true, hidden_act: ['gelu', 'linear'] }, /must be a single activation/],
    ['bert', { layer_norm_cond: [1] }, /"layer_norm_cond" is not supported/],
    ['bert', { autoresize_weights: true }, /"autoresize_weights" is not supported/],
    ['bert', { hierarchical_position: 1 }, /a number other than 1/],
    ['bert', { keep_tokens: 'all' }, /"keep_tokens" must be a list/],
    ['nezha', { attention_key_size: 6 }, /same as attention_head_size/],
    ['nezha', { attention_head_size: 7 }, /must be even/],
    ['roformer', { attention_key_size: 7 }, /must be even, since elements turn in pairs/],
    ['roformer', { custom_position_ids: true, segment_vocab_size: 0 }, /needs segments/],
    ['roformer_v2', { application: 'unilm', residual_attention_scores: true }, /can't be combined/],
    ['albert', { application: 'unilm', segment_vocab_size: 0 }, /unilm needs segments/],
    ['electra', { with_mlm: true }, /"with_mlm" does not apply/],
    ['electra', { with_pool: false }, /"with_pool" does not apply/],
    ['electra', { application: 'lm' }, /must be encoder/],
    ['electra', { with_discriminator: true, hidden_act: ['gelu', 'linear'] }, /must be a single activation/],
    ['gpt', { with_mlm: true }, /"with_mlm" does not apply/],
    ['gpt', { with_pool: false }, /"with_pool" does not apply/],
    ['gpt', { residual_attention_scores: true }, /causal or UniLM mask/],
    ['gpt', { embedding_size: 8 }, /must equal hidden_size/],
    ['gpt2', { application: 'unilm' }, /which this model does not take/],
    ['gpt2_ml', { application: 'unilm' }, /which this model does not take/],
    ['t5', { application: 'lm' }, /must be encoder/],
    ['t5.1.1', { residual_attention_scores: true }, /can't be combined with a decoder/],
    ['mt5.1.1', { cross_position_bias: 1 }, /"cross_position_bias" must be true or false/],
    ['mt5.1.1', { with_lm: 'softmaxx' }, /"with_lm" must be one of/],
  ];
  for (const [model, keywords, message] of rejected)
    it(`${model} rejects ${JSON.stringify(keywords)}`, () =>
      assert.throws(
        () => named(model).parseConfig(TINY, keywords),
        error => error instanceof ConfigError && message.test(error.message),
      ));
});

describe('what an architecture says', () => {
  const facts = (model: string, keywords: JsonObject) =>
    named(model).describe(named(model).parseConfig(TINY, keywords));

  it('turns the masked language model on for lm and unilm, and keeps its activation', () => {
    assert.deepEqual(facts('bert', {}).activations, {});
    assert.deepEqual(facts('bert', {}).graphs, ['model']);
    assert.deepEqual(facts('bert', { application: 'LM' }).activations, { logits: 'softmax' });
    assert.deepEqual(facts('bert', { application: 'unilm', with_mlm: 'linear' }).activations, { logits: 'linear' });
    assert.deepEqual(facts('nezha', { with_nsp: true }).activations, { seqRelationship: 'softmax' });
    assert.deepEqual(facts('nezha', { with_mlm: true }).graphs, ['model', 'read']);
    assert.deepEqual(facts('roformer_v2', { with_mlm: true, hidden_act: ['gelu'] }).graphs, ['model', 'read']);
    assert.deepEqual(facts('electra', {}).activations, {});
    assert.deepEqual(facts('electra', { with_discriminator: true }).activations, { discriminator: 'sigmoid' });
    assert.deepEqual(facts('electra', { with_discriminator: 'linear' }).activations, { discriminator: 'linear' });
    assert.deepEqual(facts('gpt', { final_activation: 'linear' }).activations, { logits: 'linear' });
  });

  it('takes any keyword from the file, but what only the program says', () => {
    const bert = named('bert');
    const file = { ...TINY, with_mlm: 'linear', segment_vocab_size: 0, application: 'chat', gelu: 'tanh' };
    const config = bert.parseConfig(file, {});
    assert.equal(bert.describe(config).application, 'encoder');
    assert.deepEqual(bert.describe(config).activations, { logits: 'linear' });
    assert.deepEqual(config, bert.parseConfig(TINY, { with_mlm: 'linear', segment_vocab_size: 0 }));
  });

  it('names the attention that callers of the generation graph supply', () => {
    assert.deepEqual(facts('bert', {}).attention, { visibility: 'padding', segmentPadding: false });
    assert.deepEqual(facts('gpt', { shared_segment_embeddings: true, segment_vocab_size: 30 }).attention, {
      visibility: 'causal',
      segmentPadding: true,
    });
    assert.deepEqual(facts('gpt', { shared_segment_embeddings: true, segment_vocab_size: 0 }).attention, {
      visibility: 'causal',
      segmentPadding: false,
    });
    assert.equal(facts('gpt', { application: 'unilm' }).attention.visibility, 'prefix');
    assert.equal(facts('nezha', {}).dimensions.maxPositions, null);
    assert.deepEqual(facts('t5', {}).attention, { visibility: 'prefix', segmentPadding: false, crossAttention: true });
    assert.deepEqual(facts('t5_encoder', {}).attention, { visibility: 'padding', segmentPadding: false });
  });

  it('gives T5 a head with its decoder, unless it is turned off', () => {
    assert.deepEqual(facts('t5.1.1', {}).activations, { logits: 'softmax' });
    assert.deepEqual(facts('t5.1.1', { with_lm: 'linear' }).activations, { logits: 'linear' });
    assert.deepEqual(facts('t5.1.1', { with_lm: false }).graphs, ['model', 'encoder', 'decoder']);
    assert.deepEqual(facts('t5.1.1_encoder', {}).activations, {});
    assert.equal(facts('t5.1.1', { hidden_act: ['gelu', 'linear'] }).huggingFace?.['feed_forward_proj'], 'gated-gelu');
    assert.equal(facts('t5', { hidden_act: 'relu' }).huggingFace?.['feed_forward_proj'], 'relu');
  });

  it('lists the layers of T5 as tf.keras orders them', () => {
    const names = (keywords: JsonObject) =>
      named('t5.1.1')
        .layers(named('t5.1.1').parseConfig({ ...TINY, num_hidden_layers: 1 }, keywords))
        .map(({ name }) => name.replace('-Transformer-0-MultiHead', ' ').replace('-Transformer-0-', ' '));
    assert.deepEqual(names({ embedding_size: 8 }), [
      'Embedding-Token',
      'Encoder-Embedding-Mapping',
      'Encoder SelfAttention-Norm',
      'Encoder-Embedding-Relative-Position',
      'Encoder SelfAttention',
      'Encoder FeedForward-Norm',
      'Decoder-Embedding-Mapping',
      'Encoder FeedForward',
      'Decoder SelfAttention-Norm',
      'Decoder-Embedding-Relative-Position',
      'Decoder SelfAttention',
      'Encoder-Output-Norm',
      'Decoder CrossAttention-Norm',
      'Decoder CrossAttention',
      'Decoder FeedForward-Norm',
      'Decoder FeedForward',
      'Decoder-Output-Norm',
      'Decoder-Output-Mapping',
      'Decoder-Output-LM',
    ]);
    assert.ok(!names({}).some(name => name.endsWith('-Mapping')));
  });

  it('tells distances apart as the reference does', () => {
    // First distances of each row, as TensorFlow 1.15 draws them in float32, up to 300.
    const firsts = ({ first, rows }: Bucketing, from: number) =>
      rows
        .slice(0, from - first + 1)
        .toReversed()
        .flatMap((row, d, all) => (row === all[d - 1] ? [] : d));
    const [encoder, decoder] = [firsts(bothSides, 0), firsts(oneSide, 0)];
    assert.deepEqual(encoder, [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91]);
    assert.deepEqual(decoder.slice(15), [15, 16, 19, 21, 24, 27, 31, 35, 40, 46, 52, 59, 67, 77, 87, 99, 113]);
    const after = [1, 7, 8, 12, 90, 91].map(distance => bothSides.rows[distance - bothSides.first]);
    assert.deepEqual(after, [17, 23, 24, 25, 30, 31]);
    assert.equal(oneSide.last, 0);
  });

  it('adopts the rows that the checkpoint has', () => {
    const bert = named('bert');
    const found = new Map([
      ['Embedding-Token/embeddings', [33, 16]],
      ['Embedding-Position/embeddings', [40, 16]],
    ]);
    const config = bert.adoptShapes(bert.parseConfig(TINY, { with_mlm: true }), found);
    const { vocabSize, maxPositions } = bert.describe(config).dimensions;
    assert.deepEqual([vocabSize, maxPositions], [33, 40]);
    const rows = bert.layers(config).flatMap(({ name, slots }) => (name === 'MLM-Bias' ? slots[0]?.shape : []));
    assert.deepEqual(rows, [33]);
  });

  it('lists the layers of heads as tf.keras orders them', () => {
    const heads = (keywords: JsonObject) => {
      const bert = named('bert');
      return bert
        .layers(bert.parseConfig(TINY, keywords))
        .map(({ name }) => name)
        .filter(name => /^(MLM|NSP|Pooler)/.test(name))
        .join(' ');
    };
    assert.equal(heads({ with_mlm: true }), 'MLM-Dense MLM-Norm MLM-Bias');
    assert.equal(heads({ with_nsp: true }), 'Pooler-Dense NSP-Proba');
    assert.equal(heads({ with_pool: true, with_mlm: true }), 'MLM-Dense MLM-Norm MLM-Bias Pooler-Dense');
    assert.equal(heads({ with_nsp: true, with_mlm: true }), 'MLM-Dense MLM-Norm Pooler-Dense MLM-Bias NSP-Proba');
  });

  it('lists the one block of ALBERT once, and each of an unshared one', () => {
    const blocks = (model: string) =>
      named(model)
        .layers(named(model).parseConfig({ ...TINY, num_hidden_layers: 3 }, {}))
        .filter(({ name }) => name.startsWith('Transformer-'))
        .map(({ name }) => name);
    assert.deepEqual(blocks('albert'), [
      'Transformer-MultiHeadSelfAttention',
      'Transformer-MultiHeadSelfAttention-Norm',
      'Transformer-FeedForward',
      'Transformer-FeedForward-Norm',
    ]);
    assert.deepEqual(blocks('albert_unshared'), blocks('bert'));
  });

  it('computes NEZHA’s table where a checkpoint has none', () => {
    const nezha = named('nezha');
    const layer = nezha.layers(nezha.parseConfig(TINY, {})).find(({ compute }) => compute !== undefined);
    const table = layer?.compute?.('embeddings') ?? new Float32Array();
    assert.deepEqual([layer?.name, table.length], ['Embedding-Relative-Position', 129 * 8]);
    assert.deepEqual([...table.subarray(0, 4)], [0, 1, 0, 1]);
    assert.equal(table[8 * 100 + 2], Math.fround(Math.sin(100 * 10000 ** (-2 / 8))));
    assert.equal(table[8 * 100 + 3], Math.fround(Math.cos(100 * 10000 ** (-2 / 8))));
  });
});

describe('every architecture', () => {
  for (const [name, architecture] of Object.entries(architectures)) {
    it(`${name}: its graphs use the weights of its layers, all of them, in their shapes`, () => {
      const config = architecture.parseConfig(TINY, allHeads(name));
      const declared = architecture
        .layers(config)
        .flatMap(layer => layer.slots.map(({ slot, shape }) => [`${layer.name}/${slot}`, shape]));
      const weightsOf = (graph: 'model' | 'read' | 'step') => {
        const g = new GraphBuilder(graph);
        architecture.graphs[graph]?.(g, config);
        return g.plan().weights.map(weight => [weight.name, weight.shape]);
      };
      assert.deepEqual(weightsOf('model').sort(), declared.sort());
      for (const graph of ['read', 'step'] as const) {
        if (!architecture.describe(config).graphs.includes(graph)) continue;
        const used = new Set(weightsOf(graph).map(String));
        const missing = declared.filter(weight => !used.has(String(weight))).map(([weight]) => weight);
        assert.deepEqual(
          missing.filter(weight => !/^(Pooler|NSP)-/.test(String(weight))),
          [],
        );
      }
    });
  }
});

function named(model: string): AnyArchitecture {
  const architecture = architectures[model];
  assert.ok(architecture, model);
  return architecture;
}
