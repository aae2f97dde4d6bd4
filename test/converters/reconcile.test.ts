import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Checkpoint } from '../../converters/checkpoint.ts';
import { guessArchitecture } from '../../converters/guess-architecture.ts';
import { editDistance, nearestNames } from '../../converters/nearest-names.ts';
import { planModel } from '../../converters/plan-model.ts';
import { pieceMemory, weightValues } from '../../converters/weight-values.ts';
import type { JsonObject } from '../../onnx-graphs/architecture.ts';
import { ConfigError, WeightsError } from '../../src/core/errors.ts';
import { type FakeTensor, fakeCheckpoint, kerasFile, publishedTensors, TINY } from './fake-checkpoint.ts';

const MLM: JsonObject = { model: 'bert', with_mlm: true };
const PUBLISHED = publishedTensors('bert', { with_pool: true, with_nsp: true, with_mlm: true });

function changed(name: string, change: Partial<FakeTensor>): Checkpoint {
  assert.ok(PUBLISHED.some(tensor => tensor.name === name));
  return fakeCheckpoint(PUBLISHED.map(tensor => (tensor.name === name ? { ...tensor, ...change } : tensor)));
}

function refusal(checkpoint: Checkpoint, keywords: JsonObject = MLM, config: JsonObject = TINY): string {
  try {
    planModel(checkpoint, { config, keywords });
  } catch (error) {
    assert.ok(error instanceof WeightsError || error instanceof ConfigError, `${error}`);
    return error.message;
  }
  throw new assert.AssertionError({ message: 'accepted' });
}

describe('reconciling a published checkpoint', () => {
  it('accepts what is there, and lists the heads it passes over', () => {
    const plan = planModel(fakeCheckpoint(PUBLISHED), { config: TINY, keywords: MLM });
    assert.deepEqual(plan.allowed, []);
    assert.deepEqual(plan.unused.toSorted(), [
      'bert/pooler/dense/bias',
      'bert/pooler/dense/kernel',
      'cls/seq_relationship/output_bias',
      'cls/seq_relationship/output_weights',
    ]);
  });

  it('names a missing weight, the nearest name and the scheme', () => {
    const message = refusal(changed('bert/embeddings/word_embeddings', { name: 'bert/embeddings/word_embedding' }));
    assert.equal(
      message,
      'model.ckpt: weights do not fit the model (1 missing); ' +
        'expected every weight under names of published TensorFlow checkpoints; found \n' +
        '  missing    Embedding-Token/embeddings: no "bert/embeddings/word_embeddings"; nearest: "bert/embeddings/word_embedding". ' +
        'Check --model and the configuration against the names above (`inspect` lists them)\n' +
        '--ignore-invalid-weights converts all the same',
    );
  });

  it('names a misshapen weight with the key of the configuration', () => {
    const message = refusal(changed('bert/encoder/layer_1/output/dense/kernel', { shape: [12, 8] }));
    assert.match(
      message,
      /misshapen {2}Transformer-1-FeedForward\/output\/kernel: "bert\/encoder\/layer_1\/output\/dense\/kernel": expected \[11, 8\], found float32 \[12, 8\] \(configuration: intermediate_size is 11\)/,
    );
  });

  it('refuses element types that are no weights', () => {
    assert.match(refusal(changed('bert/embeddings/LayerNorm/beta', { dtype: 'int32' })), /found int32 \[8\]/);
  });

  it('lets the file decide the rows of tables, but not against each other', () => {
    const plan = planModel(changed('bert/embeddings/position_embeddings', { shape: [29, 8] }), {
      config: TINY,
      keywords: MLM,
    });
    assert.equal(plan.facts.dimensions.maxPositions, 29);
    assert.match(
      refusal(changed('bert/embeddings/word_embeddings', { shape: [21, 8] })),
      /misshapen {2}MLM-Bias\/beta: "cls\/predictions\/output_bias": expected \[21\], found float32 \[20\]/,
    );
  });

  it('says that the checkpoint has more layers', () => {
    const message = refusal(fakeCheckpoint(PUBLISHED), MLM, { ...TINY, num_hidden_layers: 1 });
    assert.match(message, /\(16 unused\)/);
    assert.match(message, /unused {5}"bert\/encoder\/layer_1\/attention\/self\/query\/kernel" \[8, 8\]/);
    assert.match(message, /num_hidden_layers is 1, the checkpoint goes on to layer 1/);
  });

  it('leaves blocks out where a keyword asks for fewer than the configuration has', () => {
    const deep = fakeCheckpoint(publishedTensors('bert', { num_hidden_layers: 4, with_mlm: true }));
    const first = { ...MLM, num_hidden_layers: 1 };
    const plan = planModel(deep, { config: { ...TINY, num_hidden_layers: 4 }, keywords: first });
    assert.equal(plan.facts.dimensions.layers, 1);
    assert.equal(plan.unused.length, 3 * 16);
    assert.match(refusal(deep, first, { ...TINY, num_hidden_layers: 3 }), /\(16 unused\)/);
    const keras = kerasFile('bert', { num_hidden_layers: 4, with_mlm: true });
    assert.match(refusal(keras, first, { ...TINY, num_hidden_layers: 4 }), /\(48 unused\)/);
  });

  it('lists every weight that is missing, whichever they are', () => {
    const needed = publishedTensors('bert', { with_mlm: true }).map(({ name }) => name);
    fc.assert(
      fc.property(fc.subarray(needed.slice(1), { minLength: 1 }), gone => {
        const message = refusal(fakeCheckpoint(PUBLISHED.filter(({ name }) => !gone.includes(name))));
        const listed = [...message.matchAll(/missing {4}\S+: no "([^"]+)"/g)].map(([, name]) => name);
        assert.deepEqual(listed.toSorted(), gone.toSorted());
      }),
      { numRuns: 30 },
    );
  });

  it('puts initial values in place of what may be missing', async () => {
    const plan = planModel(fakeCheckpoint(PUBLISHED.filter(({ name }) => !name.startsWith('cls/'))), {
      config: TINY,
      keywords: { ...MLM, ignore_invalid_weights: true },
    });
    assert.equal(plan.allowed.length, 5);
    const valuesOf = async (weight: string): Promise<Float32Array> => {
      const match = plan.weights.find(match => match.weight === weight);
      assert.ok(match !== undefined);
      const pieces: Uint8Array[] = [];
      for await (const piece of weightValues(match, { verify: true }).pieces(pieceMemory())) pieces.push(piece.slice());
      return new Float32Array(new Uint8Array(Buffer.concat(pieces)).buffer);
    };
    assert.deepEqual(await valuesOf('MLM-Norm/gamma'), new Float32Array(8).fill(1));
    assert.deepEqual(await valuesOf('MLM-Bias/beta'), new Float32Array(20));
    const kernel = await valuesOf('MLM-Dense/kernel');
    assert.equal(kernel.length, 64);
    assert.ok(kernel.every(value => Math.abs(value) <= 0.04) && kernel.some(value => value !== 0));
    assert.deepEqual(await valuesOf('MLM-Dense/kernel'), kernel);
  });
});

describe('vocabulary of a Keras file', () => {
  const keep = [0, 1, 2, 5, 7];

  it('is final already', () => {
    const small = { ...TINY, vocab_size: 5 };
    const plan = planModel(kerasFile('bert', { vocab_size: 5 }), {
      config: TINY,
      keywords: { model: 'bert', keep_tokens: keep },
    });
    assert.equal(plan.pending, undefined);
    assert.equal(plan.facts.dimensions.vocabSize, small.vocab_size);
  });

  it('must have the rows that keep_tokens leaves', () => {
    assert.match(
      refusal(kerasFile('bert'), { model: 'bert', keep_tokens: keep }),
      /misshapen {2}Embedding-Token\/embeddings: .*expected \[5, 8\], found float32 \[20, 8\]/,
    );
  });
});

describe('options that make no sense', () => {
  it('come out in one error, all of them', () => {
    const message = refusal(fakeCheckpoint(PUBLISHED), {
      ...MLM,
      with_mml: true,
      application: 'both',
      keep_tokens: [1, -2],
      compound_tokens: [[]],
      num_hidden_layers: 0,
    });
    for (const part of [
      /unknown keyword "with_mml" \(with_mlm/,
      /"application" must be one of encoder, lm, unilm/,
      /keep_tokens: ids are whole numbers/,
      /compound_tokens\[0\]: no ids/,
      /"num_hidden_layers" must be an integer of at least 1/,
    ]) {
      assert.match(message, part);
    }
  });

  it('are taken as a program has them: names in any case, what is returned to Python', () => {
    const keywords = { model: 'BERT', application: 'LM', return_keras_model: false };
    const { architecture, facts } = planModel(fakeCheckpoint(PUBLISHED), { config: TINY, keywords });
    assert.deepEqual([architecture.name, facts.application], ['bert', 'lm']);
  });

  it('refuse an unknown model by name', () => {
    assert.match(
      refusal(fakeCheckpoint(PUBLISHED), { model: 'berd' }),
      /model; expected one of bert, .*; found "berd"/,
    );
    assert.match(refusal(fakeCheckpoint(PUBLISHED), {}), /found none/);
  });

  it('never give anything but a typed error, whatever the configuration', () => {
    const odd = fc.oneof(
      fc.integer({ min: -2, max: 40 }),
      fc.constantFrom(null, true, 'x', 1.5, 2 ** 40),
      fc.constant([1]),
    );
    const keys = [...Object.keys(TINY), 'embedding_size', 'keep_tokens', 'with_mlm', 'hierarchical_position'];
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys), odd, { minKeys: 1, maxKeys: 3 }), changes => {
        try {
          planModel(fakeCheckpoint(PUBLISHED), { config: { ...TINY, ...changes } as JsonObject, keywords: MLM });
        } catch (error) {
          assert.ok(error instanceof WeightsError || error instanceof ConfigError, `${error}`);
        }
      }),
    );
  });
});

describe('guessing the architecture', () => {
  it('finds model and heads by what is left over', () => {
    const [best] = guessArchitecture(fakeCheckpoint(PUBLISHED), TINY);
    assert.deepEqual(best, {
      keywords: { model: 'bert', with_pool: true, with_nsp: true, with_mlm: true },
      scheme: 'names of published TensorFlow checkpoints',
      problems: 0,
      unused: 0,
    });
    const [keras] = guessArchitecture(kerasFile('bert', { with_pool: true }), TINY);
    assert.deepEqual(keras?.keywords, { model: 'bert', with_pool: true });
    const heads = {
      electra: { with_discriminator: true },
      albert: { with_mlm: true },
      roformer_v2: {},
    };
    for (const [model, keywords] of Object.entries(heads)) {
      const [found] = guessArchitecture(kerasFile(model, keywords), TINY);
      assert.deepEqual([found?.keywords, found?.problems, found?.unused], [{ model, ...keywords }, 0, 0]);
    }
  });
});

describe('nearest names', () => {
  it('measures edits', () => {
    assert.equal(editDistance('kitten', 'sitting'), 3);
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        assert.equal(editDistance(a, b), editDistance(b, a));
        assert.equal(editDistance(a, b) === 0, a === b);
      }),
    );
  });

  it('leaves out what is far away', () => {
    assert.deepEqual(nearestNames('kernel', ['kernal', 'bias', 'kernels']), ['kernal', 'kernels']);
  });
});
