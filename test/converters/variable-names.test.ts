/**
 * Weights found by the names that variables had in the program, in what tf.keras and `tf.train.Saver` write.
 */
import assert from 'node:assert/strict';
import type { Checkpoint } from '../../converters/checkpoint.ts';
import { recogniseNaming } from '../../converters/naming/index.ts';
import { reconcile } from '../../converters/reconcile.ts';
import type { JsonObject } from '../../onnx-graphs/architecture.ts';
import { fakeCheckpoint, objectGraphNames, objectGraphTensors, tinyLayers } from './fake-checkpoint.ts';
import { ALL_HEADS, sources } from './weight-sources.ts';

describe('tf.keras object graph with names of variables', () => {
  /** The tensors of a graph in which other layers stand at places, and variables have names. */
  function namedGraph(keywords: JsonObject, others: Readonly<Record<number, string>>, prefix = ''): Checkpoint {
    const shift = (place: number): number => {
      let shifted = place;
      for (const other of Object.keys(others).map(Number)) if (other <= shifted) shifted++;
      return shifted;
    };
    const variableNames = new Map(objectGraphNames('bert', keywords, { places: shift, prefix }));
    const tensors = objectGraphTensors('bert', keywords).map(({ name, shape }) => ({
      name: name.replace(/\d+/, place => `${shift(Number(place))}`),
      shape,
    }));
    for (const [place, layer] of Object.entries(others)) {
      const name = `layer_with_weights-${place}/kernel/.ATTRIBUTES/VARIABLE_VALUE`;
      tensors.push({ name, shape: [8, 8] });
      variableNames.set(name, `${layer}/kernel`);
    }
    return { ...fakeCheckpoint(tensors), variableNames };
  }

  it('finds layers by name, wherever others stand between them', () => {
    const others = { 1: 'condition', 5: 'image', 12: 'dense_31', 13: 'dense_32' };
    for (const prefix of ['', 'Student-', 'twin/']) {
      const checkpoint = namedGraph(ALL_HEADS, others, prefix);
      const found = sources(checkpoint);
      assert.match(found['Embedding-Token/embeddings'] ?? '', /-0\/embeddings/);
      assert.match(found['Embedding-Segment/embeddings'] ?? '', /-2\/embeddings/);
      assert.match(found['Transformer-0-MultiHeadSelfAttention/value/bias'] ?? '', /-6\/v_dense\/bias/);
      assert.equal(new Set(Object.values(found)).size, Object.keys(found).length);
      const layers = tinyLayers('bert', ALL_HEADS);
      const naming = recogniseNaming(checkpoint, { architecture: 'bert', layers });
      assert.equal(reconcile(layers, checkpoint, naming).extra.length, 4);
    }
  });

  it('refuses heads that were not asked for, whatever stands on top', () => {
    const layers = tinyLayers('bert');
    const checkpoint = namedGraph({ with_pool: true }, { 12: 'dense_31' });
    const { problems, extra } = reconcile(
      layers,
      checkpoint,
      recogniseNaming(checkpoint, { architecture: 'bert', layers }),
    );
    assert.deepEqual(
      problems.map(({ kind }) => kind),
      ['unused', 'unused'],
    );
    assert.equal(extra.length, 1);
  });

  it('goes by places where variables have no names that it knows', () => {
    const tensors = objectGraphTensors('bert');
    const variableNames = new Map(tensors.map(({ name }, i) => [name, `variable_${i}`]));
    const found = sources({ ...fakeCheckpoint(tensors), variableNames }, {});
    assert.match(found['Embedding-Position/embeddings'] ?? '', /-2\/embeddings/);
  });
});

describe('Keras names of variables', () => {
  /** A checkpoint whose keys are made from variables' names, in the alphabetical order of a bundle. */
  function session(keywords: JsonObject, options: { readonly prefix?: string } = {}): Checkpoint {
    const names = [...objectGraphNames('bert', keywords, options)];
    const tensors = objectGraphTensors('bert', keywords).map(({ name, shape }) => {
      return { name: names.find(([key]) => key === name)?.[1] ?? name, shape };
    });
    const averages = tensors.map(({ name, shape }) => ({
      name: `training/Adam/${name}/ExponentialMovingAverage`,
      shape,
    }));
    const head = { name: 'dense_99/kernel', shape: [8, 8] };
    const sorted = [...tensors, ...averages, head].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return fakeCheckpoint(sorted);
  }

  it('are keys of a saved session: weights of a layer go by the counters of its parts', () => {
    for (const prefix of ['', 'Student-', 'twin/']) {
      const found = sources(session(ALL_HEADS, { prefix }));
      const attention = `${prefix}Transformer-1-MultiHeadSelfAttention`;
      const kernels = ['query', 'key', 'value', 'output'].map(
        part => found[`Transformer-1-MultiHeadSelfAttention/${part}/kernel`],
      );
      // The eighth layer that has weights: its parts count on from 56.
      assert.deepEqual(
        kernels,
        [56, 58, 60, 62].map(counter => `${attention}/dense_${counter}/kernel`),
      );
      assert.equal(found['MLM-Norm/beta'], `${prefix}MLM-Norm/beta`);
      assert.equal(new Set(Object.values(found)).size, Object.keys(found).length);
    }
  });

  it('stand beside the keys of a SavedModel, where only simple layers have their own', () => {
    const variableNames = new Map<string, string>();
    const tensors = objectGraphTensors('bert', ALL_HEADS).map(({ name, shape }, i) => {
      const key = /_dense\//.test(name) ? `variables/${i}/.ATTRIBUTES/VARIABLE_VALUE` : name;
      variableNames.set(key, objectGraphNames('bert', ALL_HEADS).get(name) ?? '');
      return { name: key, shape };
    });
    const found = sources({ ...fakeCheckpoint(tensors), variableNames });
    assert.match(found['Transformer-0-MultiHeadSelfAttention/query/kernel'] ?? '', /^variables\/5\//);
    assert.match(found['Embedding-Token/embeddings'] ?? '', /^layer_with_weights-0\//);
  });

  it('refuse heads that were not asked for, and set all else aside', () => {
    const layers = tinyLayers('bert');
    const checkpoint = session({ with_pool: true });
    const naming = recogniseNaming(checkpoint, { architecture: 'bert', layers });
    const { problems, extra } = reconcile(layers, checkpoint, naming);
    assert.deepEqual(
      problems.map(problem => problem.kind === 'unused' && problem.name),
      ['Pooler-Dense/bias', 'Pooler-Dense/kernel'],
    );
    assert.ok(extra.includes('dense_99/kernel'));
  });
});
