import assert from 'node:assert/strict';
import fc from 'fast-check';
import { FormatError } from '../../src/core/errors.ts';
import type { Manifest } from '../../src/core/manifest.ts';
import { formatManifest, parseManifest } from '../../src/core/manifest-parser.ts';

const SHA = 'ab'.repeat(32);

const EXAMPLE: Manifest = {
  formatVersion: 1,
  tool: 'bert4ort 0.1.0',
  architecture: 'nezha',
  application: 'unilm',
  graphs: {
    model: {
      file: 'onnx/model.onnx',
      size: 10,
      sha256: SHA,
      dtype: 'float32',
      inputs: [{ name: 'input_ids', dtype: 'int64', shape: ['B', 'T'] }],
      outputs: [{ name: 'logits', dtype: 'float32', shape: ['B', 'T', 70] }],
      data: [{ file: 'onnx/model.onnx_data', size: 4 }],
    },
  },
  dimensions: {
    layers: 2,
    heads: 2,
    headSize: 8,
    keySize: 8,
    hidden: 16,
    vocabSize: 70,
    segmentVocabSize: 2,
    maxPositions: null,
  },
  attention: { visibility: 'prefix', segmentPadding: false },
  activations: { logits: 'softmax' },
  tokenizer: {
    kind: 'wordpiece',
    vocab: 'vocab.txt',
    doLowerCase: true,
    wordMaxLen: 200,
    tokenStart: '[CLS]',
    tokenEnd: null,
  },
  tasks: { answer: { maxLen: 32, endId: [3, null] } },
  origin: {
    format: 'tf-bundle',
    scheme: 'google',
    files: [{ file: '/models/../bert_model.ckpt.index', size: 3 }],
    options: { keepTokens: [1, 2], note: { nested: true } },
  },
};

type Tree = { [key: string]: Tree } | Tree[] | string | number | boolean | null;

/** The example with one place changed. */
function edited(
  steps: readonly (string | number)[],
  change: (parent: Tree[] & { [key: string]: Tree }) => void,
): string {
  const root = JSON.parse(JSON.stringify(EXAMPLE)) as Tree;
  const parent = steps.reduce<Tree>((at, step) => (at as { [key: string | number]: Tree })[step] as Tree, root);
  change(parent as Tree[] & { [key: string]: Tree });
  return JSON.stringify(root);
}

function places(value: Tree, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [];
  const keys = Array.isArray(value) ? value.map((_, i) => i) : Object.keys(value);
  return [
    path,
    ...keys.flatMap(key => places((value as { [key: string | number]: Tree })[key] as Tree, [...path, key])),
  ];
}

const FREE = ['tasks', 'options'];
const OBJECTS = places(JSON.parse(JSON.stringify(EXAMPLE)) as Tree).filter(path => {
  return path.every(step => typeof step === 'number' || !FREE.includes(step));
});

/** The object or array at a path of the example. */
function at(path: readonly (string | number)[]): object {
  return path.reduce<object>((parent, step) => (parent as Record<string | number, object>)[step] ?? {}, EXAMPLE);
}

function refusal(text: string): string {
  try {
    parseManifest(text);
  } catch (error) {
    assert.ok(error instanceof FormatError, `${error}`);
    return error.message;
  }
  throw new assert.AssertionError({ message: `accepted ${text}` });
}

describe('manifest', () => {
  it('comes back from its own text', () => {
    assert.deepEqual(parseManifest(formatManifest(EXAMPLE)), EXAMPLE);
    const { tokenizer: _, ...without } = EXAMPLE;
    assert.deepEqual(parseManifest(formatManifest(without)), without);
  });

  it('writes lists of numbers on one line', () => {
    const keepTokens = Array.from({ length: 1000 }, (_, i) => i - 1.5e-7);
    const value = { ...EXAMPLE, origin: { ...EXAMPLE.origin, options: { keepTokens, text: '[\n  1\n]' } } };
    const text = formatManifest(value);
    assert.deepEqual(parseManifest(text), value);
    assert.ok(text.split('\n').length < 100);
  });

  it('refuses another format version before anything else, and says what to do', () => {
    assert.equal(
      refusal('{"formatVersion": 2, "other": true}'),
      'bert4ort.json, $.formatVersion: value; expected 1 (convert the model again); found 2',
    );
    assert.match(refusal('{}'), /\$\.formatVersion: value; .* found no such field/);
  });

  it('refuses what is not JSON, or not an object', () => {
    assert.match(refusal('{"a":'), /bert4ort\.json: JSON syntax; found /);
    assert.match(refusal('[]'), /\$: value; expected an object; found \[\]/);
    assert.match(refusal('null'), /expected an object; found null/);
  });

  it('refuses unknown fields in every object, by path', () => {
    for (const path of OBJECTS) {
      const text = edited(path, parent => {
        if (!Array.isArray(parent)) Object.assign(parent, { surprise: 1 });
      });
      if (text === JSON.stringify(EXAMPLE)) continue;
      const at = `$${path.map(step => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('')}.surprise`;
      const message = refusal(text);
      assert.ok(message.startsWith(`bert4ort.json, ${at}: value; expected one of `), message);
    }
  });

  it('refuses a value of the wrong type, by path', () => {
    for (const path of OBJECTS) {
      for (const key of Object.keys(at(path)).filter(key => !FREE.includes(key))) {
        const text = edited(path, parent => Object.assign(parent, { [key]: { '': [] } }));
        assert.match(refusal(text), /^bert4ort\.json, \$.*: value; expected .*; found /);
      }
    }
  });

  it('refuses a missing field, by path', () => {
    const optional = ['tokenizer', 'sha256', 'logits', 'model'];
    for (const path of OBJECTS.filter(path => !Array.isArray(at(path)))) {
      for (const key of Object.keys(at(path)).filter(key => !optional.includes(key))) {
        const text = edited(path, parent => Reflect.deleteProperty(parent, key));
        assert.match(refusal(text), new RegExp(`\\.${key}: value; expected .*; found no such field$`));
      }
    }
  });

  for (const file of ['../x', 'a/../x', '/etc/passwd', 'C:\\x', 'C:/x', 'a\\b', '', '.', './x', 'a//b', 'a/', 'a\0b']) {
    it(`refuses ${JSON.stringify(file)} as a file of the directory`, () => {
      const changes: readonly (readonly [readonly string[], string])[] = [
        [['graphs', 'model'], 'file'],
        [['graphs', 'model', 'data', '0'], 'file'],
        [['tokenizer'], 'vocab'],
      ];
      for (const [path, key] of changes) {
        const message = refusal(edited(path, parent => Object.assign(parent, { [key]: file })));
        assert.match(message, /expected a relative path inside the model directory/);
      }
    });
  }

  it('keeps odd keys of free maps as data', () => {
    const text = edited(['tasks', 'answer'], parent =>
      Object.defineProperty(parent, '__proto__', { value: 1, enumerable: true }),
    );
    const settings = parseManifest(text).tasks['answer'];
    assert.ok(settings !== undefined && Object.hasOwn(settings, '__proto__'));
    assert.equal(Object.getPrototypeOf(settings), Object.prototype);
  });

  it('never throws anything but a FormatError, whatever the JSON', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(...OBJECTS), fc.nat(), (value, path, pick) => {
        const text = edited(path, parent => {
          const key = Object.keys(parent)[pick % Math.max(1, Object.keys(parent).length)];
          if (key !== undefined) Object.assign(parent, { [key]: JSON.parse(value) as Tree });
        });
        try {
          assert.deepEqual(JSON.parse(formatManifest(parseManifest(text))), JSON.parse(text));
        } catch (error) {
          assert.ok(error instanceof FormatError, `${error}`);
        }
      }),
    );
  });
});
