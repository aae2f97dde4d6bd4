/**
 * Cloze checkpoints whose pickle and variables do not belong together: each is refused with the error that names the place,
 * and nothing is written.
 */
import assert from 'node:assert/strict';
import { type ConvertOptions, convert } from '../../converters/index.ts';
import type { JsonObject } from '../../onnx-graphs/architecture.ts';
import { Bert4ortError } from '../../src/core/errors.ts';
import { memorySet, memorySink } from '../../src/io/memory.ts';
import { bundle, latin1 } from '../converters/tf-bundle-builder.ts';

/** Size of word vectors and states. */
const SIZE = 2;
const WORDS = ['a', 'b', 'c'];

/** `model.config` in protocol 0, with anything about it changed. */
interface Config {
  readonly words?: readonly string[];
  readonly ids?: Readonly<Record<string, number>>;
  readonly shape?: readonly number[];
  readonly fortran?: boolean;
}

function modelConfig({ words = WORDS, ids, shape = [WORDS.length, SIZE], fortran = false }: Config = {}): Uint8Array {
  const wordIds = Object.entries(ids ?? Object.fromEntries(words.map((word, i) => [word, i + 1])));
  const count = shape.reduce((product, size) => product * size, 1);
  return latin1(
    [
      `(l(d${words.map((word, i) => `I${i + 1}\nV${word}\ns`).join('')}a`,
      `ccollections\ndefaultdict\n(c__builtin__\nint\ntR${wordIds.map(([word, id]) => `V${word}\nI${id}\ns`).join('')}a`,
      "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR",
      `(I1\n(${shape.map(size => `I${size}\n`).join('')}t`,
      "cnumpy\ndtype\n(S'f4'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb",
      `I0${fortran ? 1 : 0}\nS'${'\\x00'.repeat(4 * count)}'\ntba.`,
    ].join(''),
  );
}

type Shapes = Readonly<Record<string, readonly number[]>>;

const cell = (layer: number, direction: string): string =>
  `LSTM_${layer}/bidirectional_rnn/${direction}/basic_lstm_cell`;

/** Variables as the original saves them, its optimizer's among them. */
function variables(): Record<string, readonly number[]> {
  const shapes: Record<string, readonly number[]> = {
    Variable: [1, SIZE],
    'Variable/Adam': [1, SIZE],
    beta1_power: [],
  };
  for (const direction of ['fw', 'bw']) {
    for (const layer of [1, 2]) {
      shapes[`${cell(layer, direction)}/kernel`] = [(layer + 1) * SIZE, 4 * SIZE];
      shapes[`${cell(layer, direction)}/bias`] = [4 * SIZE];
    }
  }
  return shapes;
}

function withoutVariable(name: string): Shapes {
  return Object.fromEntries(Object.entries(variables()).filter(([key]) => key !== name));
}

function convertTiny(
  config: Uint8Array,
  shapes: Shapes = variables(),
  keywords: JsonObject = {},
  tokenizer?: ConvertOptions['tokenizer'],
) {
  const tensors = Object.entries(shapes).map(([key, shape]) => {
    const bytes = new Uint8Array(4 * shape.reduce((product, size) => product * size, 1));
    return { key, shape, bytes };
  });
  const sink = memorySink();
  const checkpoint = { files: memorySet(bundle(tensors)), name: 'model' };
  const options = { checkpoint, config, keywords: { model: 'cloze-bilstm', ...keywords } };
  return { sink, done: convert(tokenizer === undefined ? options : { ...options, tokenizer }, sink) };
}

interface Refusal {
  readonly code: string;
  readonly says: RegExp;
}

function refuses(what: string, attempt: () => ReturnType<typeof convertTiny>, { code, says }: Refusal): void {
  it(`is refused for ${what}`, async () => {
    const { sink, done } = attempt();
    await assert.rejects(done, error => {
      assert.ok(error instanceof Bert4ortError, `${error}`);
      assert.equal(error.code, code);
      assert.match(error.message, says);
      return true;
    });
    assert.equal(sink.files.size, 0);
  });
}

describe('a cloze checkpoint', () => {
  it("of small sizes is converted, the optimizer's variables passed over", async () => {
    const { sink, done } = convertTiny(modelConfig());
    const { manifest, unused } = await done;
    assert.deepEqual([manifest.dimensions.vocabSize, manifest.dimensions.hidden], [4, SIZE]);
    assert.deepEqual(unused, []);
    assert.equal(new TextDecoder().decode(sink.files.get('words.txt')), 'a\nb\nc\n');
  });

  describe('with another pickle', () => {
    const says = (says: RegExp): Refusal => ({ code: 'FORMAT', says });
    const config = (changes: Config) => () => convertTiny(modelConfig(changes));
    refuses(
      'fewer vectors than words',
      config({ shape: [2, SIZE] }),
      says(/embedding_array; expected \[3, size\].*\[2, 2\]/),
    );
    refuses('vectors in one row', config({ shape: [6] }), says(/embedding_array; expected \[3, size\].*\[6\]/));
    refuses('vectors in column order', config({ fortran: true }), says(/embedding_array.*row-major/));
    refuses(
      'a word with another id',
      config({ ids: { a: 1, b: 3, c: 2 } }),
      says(/word2id; expected 2 for "b"; found 3/),
    );
    refuses('a word without id', config({ ids: { a: 1, b: 2 } }), says(/word2id; expected 3 for "c"; found undefined/));
    refuses(
      'ids of other words',
      config({ ids: { a: 1, b: 2, c: 3, d: 4 } }),
      says(/word2id; expected 3 words; found 4/),
    );
    refuses('something else', () => convertTiny(latin1('(lI1\na.')), says(/a list of two dicts and an array/));
    refuses('a pickle cut short', () => convertTiny(modelConfig().slice(0, -9)), says(/model\.config/));
  });

  describe('with other variables', () => {
    const says = (says: RegExp): Refusal => ({ code: 'WEIGHTS', says });
    const missing = `${cell(2, 'bw')}/kernel`;
    refuses('a missing kernel', () => convertTiny(modelConfig(), withoutVariable(missing)), says(new RegExp(missing)));
    refuses(
      'no vector of unknown words',
      () => convertTiny(modelConfig(), withoutVariable('Variable')),
      says(/Variable/),
    );
    const wide = { ...variables(), [missing]: [3 * SIZE, 4 * SIZE + 4] };
    refuses('a kernel of other width', () => convertTiny(modelConfig(), wide), says(/\[6, 12\]/));
    const third = { ...variables(), [`${cell(3, 'fw')}/kernel`]: [3 * SIZE, 4 * SIZE] };
    refuses('a third layer', () => convertTiny(modelConfig(), third), says(/LSTM_3/));
    refuses('vectors of another size', () => convertTiny(modelConfig({ shape: [3, 5] })), says(/\[1, 2\]/));
    refuses(
      'another model',
      () => convertTiny(modelConfig(), { 'bert/pooler/dense/bias': [2] }),
      says(/missing|cloze/),
    );
  });

  describe('with keywords and configurations of transformers', () => {
    const says = (says: RegExp): Refusal => ({ code: 'CONFIG', says });
    for (const keywords of [{ application: 'unilm' }, { with_mlm: true }, { keep_tokens: [0, 1] }, { vocab_size: 3 }]) {
      const [key = ''] = Object.keys(keywords);
      refuses(
        key,
        () => convertTiny(modelConfig(), variables(), keywords),
        says(new RegExp(`options beside model\\.config.*found ${key}$`)),
      );
    }
    refuses(
      'a second vocabulary',
      () => convertTiny(modelConfig(), variables(), {}, { kind: 'wordpiece', vocab: latin1('[PAD]') }),
      says(/options beside model\.config.*found a vocabulary$/),
    );
    refuses('a bert_config.json', () => convertTiny(latin1('{"hidden_size": 2}')), says(/"embedding_size" is missing/));
    refuses(
      'the pickle for bert',
      () => convertTiny(modelConfig(), variables(), { model: 'bert' }),
      says(/hidden_size/),
    );
  });
});
