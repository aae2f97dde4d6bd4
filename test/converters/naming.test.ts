import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Checkpoint } from '../../converters/checkpoint.ts';
import { publishedName } from '../../converters/naming/google.ts';
import { publishedNames, recogniseNaming } from '../../converters/naming/index.ts';
import { reconcile } from '../../converters/reconcile.ts';
import type { JsonObject } from '../../onnx-graphs/architecture.ts';
import { architectures } from '../../onnx-graphs/architectures/index.ts';
import { allHeads } from '../onnx-graphs/run-graph.ts';
import { fakeCheckpoint, kerasFile, objectGraphTensors, publishedTensors, tinyLayers } from './fake-checkpoint.ts';
import { ALL_HEADS, sources } from './weight-sources.ts';

/** A checkpoint with other names than today's first model of a process would have. */
function renamed(checkpoint: Checkpoint, rename: (name: string) => string): Checkpoint {
  const tensors = [...checkpoint.tensors.values()].map(tensor => ({ ...tensor, name: rename(tensor.name) }));
  const layers = checkpoint.layers?.map(({ name, tensors }) => ({ name: rename(name), tensors: tensors.map(rename) }));
  return fakeCheckpoint(tensors, layers);
}

describe('published names', () => {
  for (const [model, architecture] of Object.entries(architectures)) {
    const names = publishedNames[architecture.name];
    if (names === undefined) continue;
    it(`name every weight of ${model}, no two alike`, () => {
      const heads = /^(bert|albert|nezha|roformer)$/.test(model) ? ALL_HEADS : allHeads(model);
      const found = tinyLayers(model, heads)
        .filter(layer => layer.compute === undefined)
        .flatMap(layer =>
          layer.slots.map(slot => publishedName(names, layer, slot)?.name ?? `${layer.name}/${slot.slot}`),
        );
      assert.deepEqual(
        found.filter(name => /^(Embedding|Transformer|MLM|Pooler|NSP|Output)-/.test(name)),
        [],
      );
      // The blocks of albert_unshared all start from the weights that ALBERT has once.
      const once = model === 'albert_unshared' ? { ...heads, num_hidden_layers: 1 } : heads;
      const sought = tinyLayers(model, once).filter(layer => layer.compute === undefined);
      assert.equal(new Set(found).size, sought.flatMap(layer => layer.slots).length);
    });
  }

  it('write the numbers of layers as each publisher does', () => {
    const layer = { name: 'Transformer-7-FeedForward', slots: [] };
    const slot = { slot: 'intermediate/kernel', shape: [1, 1] };
    const name = (model: string) => publishedName(publishedNames[model] ?? { layers: {} }, layer, slot)?.name;
    assert.equal(name('bert'), 'bert/encoder/layer_7/intermediate/dense/kernel');
    assert.equal(name('gpt'), 'gpt/transformer/layer_7/intermediate/dense/kernel');
    assert.equal(name('gpt2_ml'), 'newslm/layer07/intermediate/kernel');
  });

  it('tell the releases of T5 apart', () => {
    const name = (model: string, part: string, kernel = 'gamma') => {
      const layer = { name: `Decoder-Transformer-7-${part}`, slots: [] };
      return publishedName(publishedNames[model] ?? { layers: {} }, layer, { slot: kernel, shape: [1, 1] })?.name;
    };
    assert.equal(name('t5.1.0', 'FeedForward-Norm'), 'decoder/block_007/layer_002/layer_norm/scale');
    assert.equal(name('mt5.1.1', 'FeedForward-Norm'), 'decoder/block_007/layer_002/rms_norm/scale');
    const gate = 'decoder/block_007/layer_002/DenseReluDense/wi_1/kernel';
    assert.deepEqual(
      [name('t5.1.1', 'FeedForward', 'gate-1/kernel'), name('t5.1.0', 'FeedForward', 'gate-1/kernel')],
      [gate, undefined],
    );
    const cross = 'decoder/block_007/layer_001/EncDecAttention/q';
    assert.equal(name('t5.1.1_decoder', 'MultiHeadCrossAttention', 'query/kernel'), cross);
    assert.equal(name('t5.1.1_encoder', 'MultiHeadCrossAttention', 'query/kernel'), undefined);
  });

  it('give every block of an unshared ALBERT the one block that is published', () => {
    const layers = tinyLayers('albert_unshared');
    const checkpoint = fakeCheckpoint(publishedTensors('albert'));
    const naming = recogniseNaming(checkpoint, { architecture: 'albert_unshared', layers });
    const { matches, problems, extra } = reconcile(layers, checkpoint, naming);
    assert.deepEqual([problems, extra], [[], []]);
    const kernels = matches.flatMap(({ weight, source }) =>
      /-[01]-FeedForward\/output\/kernel$/.test(weight) && source.kind === 'stored' ? source.tensor.name : [],
    );
    const published = 'bert/encoder/transformer/group_0/inner_group_0/ffn_1/intermediate/output/dense/kernel';
    assert.deepEqual(kernels, [published, published]);
  });

  it('know that next-sentence weights are stored transposed', () => {
    assert.equal(
      sources(fakeCheckpoint(publishedTensors('bert', ALL_HEADS)))['NSP-Proba/kernel'],
      'cls/seq_relationship/output_weights',
    );
  });
});

describe('Keras layer names', () => {
  it('do not depend on the counters of inner layers, nor on alphabetical order', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), firstDense => {
        const found = sources(kerasFile('bert', ALL_HEADS, { firstDense }));
        const attention = 'Transformer-1-MultiHeadSelfAttention';
        // q, k, v, o, in, out of block 0 come first.
        assert.equal(found[`${attention}/output/bias`], `${attention}/${attention}/dense_${firstDense + 9}/bias:0`);
      }),
    );
  });

  it('may have a prefix, given or found', () => {
    const checkpoint = kerasFile('bert', ALL_HEADS, { prefix: 'Student-' });
    for (const prefix of [undefined, 'Student-', 'Teacher-']) {
      assert.equal(
        sources(checkpoint, ALL_HEADS, prefix)['Embedding-Token/embeddings'],
        'Student-Embedding-Token/Student-Embedding-Token/embeddings:0',
      );
    }
  });

  it('with a prefix are taken from the model of that prefix, though another has more of them', () => {
    const twins = [
      kerasFile('bert', { with_pool: true }, { prefix: 'Teacher-' }),
      kerasFile('bert', {}, { prefix: 'Student-' }),
    ];
    const checkpoint = {
      ...fakeCheckpoint(
        [],
        twins.flatMap(({ layers = [] }) => layers),
      ),
      tensors: new Map(twins.flatMap(({ tensors }) => [...tensors])),
    };
    const layers = tinyLayers('bert', { with_pool: true });
    const naming = recogniseNaming(checkpoint, { architecture: 'bert', layers, prefix: 'Student-' });
    const { problems } = reconcile(layers, checkpoint, naming);
    assert.deepEqual(
      problems.map(({ kind }) => kind),
      ['missing', 'missing'],
    );
    const plain = tinyLayers('bert');
    const student = recogniseNaming(checkpoint, { architecture: 'bert', layers: plain, prefix: 'Student-' });
    const { problems: none, extra } = reconcile(plain, checkpoint, student);
    assert.deepEqual(none, []);
    assert.ok(extra.length > 0 && extra.every(name => name.startsWith('Teacher-')));
  });

  it('may lie inside a nested model, with a classifier beside it', () => {
    const checkpoint = kerasFile('bert', {}, { group: 'model_1', heads: { dense_14: [8, 5] } });
    assert.equal(sources(checkpoint, {})['Pooler-Dense/kernel'], undefined);
    assert.equal(sources(checkpoint, {})['Embedding-Norm/gamma'], 'model_1/Embedding-Norm/gamma:0');
  });

  it('inside a nested model may have a prefix with a slash', () => {
    const checkpoint = kerasFile('bert', ALL_HEADS, { group: 'model_1', prefix: 'twin/', heads: { dense_14: [8, 5] } });
    const found = sources(checkpoint);
    assert.equal(found['Embedding-Norm/gamma'], 'model_1/twin/Embedding-Norm/gamma:0');
    const attention = 'Transformer-0-MultiHeadSelfAttention';
    assert.equal(found[`${attention}/key/bias`], `model_1/twin/${attention}/dense_2/bias:0`);
    const plain = tinyLayers('bert');
    const naming = recogniseNaming(checkpoint, { architecture: 'bert', layers: plain });
    assert.equal(reconcile(plain, checkpoint, naming).problems.length, 9, 'heads that were not asked for');
  });

  it('inside a nested model carry a counter when it is the second of its process', () => {
    const first = kerasFile('bert', ALL_HEADS, { group: 'model_2', heads: { dense_28: [8, 5] } });
    const counted = renamed(first, name => {
      // The token table is called twice, for embeddings and for token scores.
      const counter = name.includes('Embedding-Token') ? 2 : 1;
      return name.replace(/^(model_2\/[^/]+)(?=\/)/, `$1_${counter}`);
    });
    const found = sources(counted);
    assert.equal(found['Embedding-Token/embeddings'], 'model_2/Embedding-Token_2/embeddings:0');
    assert.equal(found['Pooler-Dense/bias'], 'model_2/Pooler-Dense_1/bias:0');
    const plain = tinyLayers('bert');
    const naming = recogniseNaming(counted, { architecture: 'bert', layers: plain });
    assert.equal(reconcile(plain, counted, naming).problems.length, 9, 'heads that were not asked for');
  });

  it('set a training head aside, but not a head of the model that was not asked for', () => {
    const layers = tinyLayers('bert');
    const unusedOf = (checkpoint: Checkpoint) =>
      reconcile(layers, checkpoint, recogniseNaming(checkpoint, { architecture: 'bert', layers }));
    const trained = unusedOf(kerasFile('bert', {}, { heads: { dense_14: [8, 5], crf: [5, 5] } }));
    assert.deepEqual(trained.extra, ['dense_14/dense_14/kernel:0', 'crf/crf/kernel:0']);
    assert.deepEqual(trained.problems, []);
    const pooled = unusedOf(kerasFile('bert', { with_pool: true }));
    assert.deepEqual(
      pooled.problems.map(problem => problem.kind === 'unused' && problem.name),
      ['Pooler-Dense/Pooler-Dense/kernel:0', 'Pooler-Dense/Pooler-Dense/bias:0'],
    );
  });
});

describe('tf.keras object graph', () => {
  it('goes by the place among layers with weights', () => {
    const found = sources(fakeCheckpoint(objectGraphTensors('bert', ALL_HEADS)));
    const key = (path: string) => `layer_with_weights-${path}/.ATTRIBUTES/VARIABLE_VALUE`;
    assert.equal(found['Embedding-Position/embeddings'], key('2/embeddings'));
    assert.equal(found['Transformer-0-MultiHeadSelfAttention/query/kernel'], key('4/q_dense/kernel'));
    assert.equal(found['Transformer-1-FeedForward/output/bias'], key('10/o_dense/bias'));
    // With next sentence and MLM, Keras puts the pooler between the MLM norm and its bias.
    assert.equal(found['Pooler-Dense/kernel'], key('14/kernel'));
    assert.equal(found['MLM-Bias/beta'], key('15/beta'));
  });

  it('finds the gates of a gated feed-forward', () => {
    const gated: JsonObject = { hidden_act: ['gelu', 'linear'] };
    const found = sources(fakeCheckpoint(objectGraphTensors('bert', gated)), gated);
    assert.match(found['Transformer-0-FeedForward/gate-1/kernel'] ?? '', /i1_dense\/kernel/);
  });

  it('may lie inside another model, with a Dense on top', () => {
    const inner = 'layer_with_weights-0/';
    const head = { name: 'layer_with_weights-1/kernel/.ATTRIBUTES/VARIABLE_VALUE', shape: [8, 5] };
    const found = sources(fakeCheckpoint([...objectGraphTensors('bert', {}, inner), head]), {});
    assert.match(found['Embedding-Token/embeddings'] ?? '', /^layer_with_weights-0\/layer_with_weights-0\/embeddings/);
  });

  it('sets a training head aside, whatever its layers are', () => {
    const layers = tinyLayers('bert');
    const key = (beyond: number, path: string) =>
      `layer_with_weights-${layers.length + beyond}/${path}/.ATTRIBUTES/VARIABLE_VALUE`;
    const heads = {
      crf: [key(0, 'kernel'), key(0, 'bias'), key(1, 'trans')],
      globalPointer: [key(0, 'dense/kernel'), key(0, 'dense/bias')],
      efficientGlobalPointer: [key(0, 'p_dense/kernel'), key(0, 'q_dense/kernel'), key(0, 'q_dense/bias')],
      lstm: [key(0, 'forward_layer/cell/kernel'), key(0, 'backward_layer/cell/recurrent_kernel'), key(1, 'kernel')],
      norm: [key(0, 'beta'), key(0, 'gamma'), key(1, 'kernel')],
      batchNorm: [key(0, 'beta'), key(0, 'gamma'), key(0, 'moving_mean'), key(0, 'moving_variance')],
    };
    for (const [head, names] of Object.entries(heads)) {
      const checkpoint = fakeCheckpoint([
        ...objectGraphTensors('bert'),
        ...names.map(name => ({ name, shape: [8, 5] })),
      ]);
      const naming = recogniseNaming(checkpoint, { architecture: 'bert', layers });
      const { problems, extra } = reconcile(layers, checkpoint, naming);
      assert.deepEqual([problems, extra], [[], names], head);
    }
  });

  it('refuses more blocks than planned, and a head that was not asked for', () => {
    const layers = tinyLayers('bert');
    const unused = (keywords: JsonObject) => {
      const checkpoint = fakeCheckpoint(objectGraphTensors('bert', keywords));
      const naming = recogniseNaming(checkpoint, { architecture: 'bert', layers });
      return reconcile(layers, checkpoint, naming).problems.filter(({ kind }) => kind === 'unused').length;
    };
    assert.equal(unused({ num_hidden_layers: 3 }), 16);
    assert.equal(unused({ with_mlm: true }), 3);
  });

  it('refuses a pooler where the file has an MLM head, though shapes agree', () => {
    const layers = tinyLayers('bert', { with_pool: true });
    const checkpoint = fakeCheckpoint(objectGraphTensors('bert', { with_mlm: true }));
    const { problems } = reconcile(layers, checkpoint, recogniseNaming(checkpoint, { architecture: 'bert', layers }));
    assert.equal(problems.filter(({ kind }) => kind === 'unused').length, 3);
  });
});

describe('earlier versions of bert4keras', () => {
  it('0.7 to 0.10 call the bias of the MLM head bias', () => {
    const file = renamed(kerasFile('bert', ALL_HEADS), name => name.replace('MLM-Bias/beta', 'MLM-Bias/bias'));
    assert.equal(sources(file)['MLM-Bias/beta'], 'MLM-Bias/MLM-Bias/bias:0');
    const graph = renamed(fakeCheckpoint(objectGraphTensors('bert', ALL_HEADS)), name =>
      name.replace('-15/beta/', '-15/bias/'),
    );
    assert.equal(sources(graph)['MLM-Bias/beta'], 'layer_with_weights-15/bias/.ATTRIBUTES/VARIABLE_VALUE');
  });

  it('0.6 keeps it in the layer MLM-Proba', () => {
    const file = renamed(kerasFile('bert', ALL_HEADS, { prefix: 'Old-' }), name =>
      name.replace('/beta:0', name.includes('MLM-Bias') ? '/bias:0' : '/beta:0').replaceAll('MLM-Bias', 'MLM-Proba'),
    );
    assert.equal(sources(file)['MLM-Bias/beta'], 'Old-MLM-Proba/Old-MLM-Proba/bias:0');
  });

  it('up to 0.9.1 call the halves of a feed-forward dense_1 and dense_2 in an object graph', () => {
    const places = tinyLayers('bert').flatMap(({ name }, place) => (name.endsWith('FeedForward') ? place : []));
    const attributes: Readonly<Record<string, string>> = { i0_dense: 'dense_1', o_dense: 'dense_2' };
    const graph = renamed(fakeCheckpoint(objectGraphTensors('bert')), name =>
      places.some(place => name.includes(`-${place}/`))
        ? name.replace(/i0_dense|o_dense/, attribute => attributes[attribute] ?? attribute)
        : name,
    );
    const found = sources(graph, {});
    assert.match(found['Transformer-0-FeedForward/intermediate/kernel'] ?? '', /-6\/dense_1\/kernel/);
    assert.match(found['Transformer-1-FeedForward/output/bias'] ?? '', /-10\/dense_2\/bias/);
    assert.match(found['Transformer-1-MultiHeadSelfAttention/output/bias'] ?? '', /-8\/o_dense\/bias/);
  });

  it('have heads that are refused where they were not asked for', () => {
    const layers = tinyLayers('bert');
    const graph = renamed(fakeCheckpoint(objectGraphTensors('bert', { with_mlm: true })), name =>
      name.replace(`-${layers.length + 2}/beta/`, `-${layers.length + 2}/bias/`),
    );
    const naming = recogniseNaming(graph, { architecture: 'bert', layers });
    const { problems } = reconcile(layers, graph, naming);
    assert.ok(problems.some(problem => problem.kind === 'unused' && problem.name.includes('/bias/')));
  });
});

describe('recognising', () => {
  it('says what it found when nothing is known', () => {
    const checkpoint = fakeCheckpoint([{ name: 'conv/kernel', shape: [1] }]);
    assert.throws(() => recogniseNaming(checkpoint, { architecture: 'bert', layers: tinyLayers('bert') }), {
      name: 'WeightsError',
      message:
        /^model\.ckpt: naming scheme for model bert; .*; found 1 tensors: conv\/kernel\. The checkpoint is likely/,
    });
  });
});
