import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Writer } from 'protobufjs/minimal.js';
import { FormatError, InputError } from '../../src/core/errors.ts';
import { createSentencePiece } from '../../src/tokenizers/sentencepiece/sentence-piece.ts';
import { type ModelName, modelBytes, models, recorded } from './sentencepiece-recordings.ts';

describe('SentencePiece', () => {
  interface Encoded {
    readonly pieces: string[];
    readonly ids: number[];
    readonly decode_ids: string;
    readonly decode_pieces?: string;
  }
  const raw = recorded<{
    readonly cases: readonly { readonly text: string; readonly out: Readonly<Record<ModelName, Encoded>> }[];
    readonly decode_ids: readonly { model: ModelName; ids: number[]; out: string; pieces: string[] }[];
    readonly decode_pieces: readonly { model: ModelName; pieces: string[]; out: string }[];
  }>('sp_raw');

  it('encodes and decodes every recorded text as sentencepiece 0.1.96 does', () => {
    for (const { text, out } of raw.cases) {
      for (const [name, expected] of Object.entries(out) as [ModelName, Encoded][]) {
        const model = models[name];
        assert.deepEqual(model.encodeAsPieces(text), expected.pieces);
        assert.deepEqual(model.encodeAsIds(text), expected.ids);
        assert.equal(model.decodeIds(expected.ids), expected.decode_ids);
        assert.equal(model.decodePieces(expected.pieces), expected.decode_pieces ?? expected.decode_ids);
      }
    }
  });

  it('decodes every recorded list of made-up ids and pieces', () => {
    for (const { model, ids, out, pieces } of raw.decode_ids) {
      assert.equal(models[model].decodeIds(ids), out);
      assert.deepEqual(ids.map(models[model].idToPiece), pieces);
    }
    for (const { model, pieces, out } of raw.decode_pieces) assert.equal(models[model].decodePieces(pieces), out);
  });

  it('reads sizes, kinds and special ids from the model files', () => {
    interface Facts {
      readonly name: ModelName;
      readonly piece_size: number;
      readonly not_normal: readonly [number, string, string, number][];
      readonly head: readonly [number, string, number][];
      readonly runtime: { readonly unk_id: number; readonly pad_id: number };
    }
    for (const facts of recorded<{ readonly models: readonly Facts[] }>('sp_models').models) {
      const model = models[facts.name];
      assert.equal(model.vocabSize, facts.piece_size);
      assert.equal(model.unkId, facts.runtime.unk_id);
      assert.equal(model.padId, facts.runtime.pad_id);
      for (const [id, text] of facts.head) assert.equal(model.idToPiece(id), text);
      for (const [id, text, kind] of facts.not_normal) {
        assert.deepEqual([model.pieceToId(text), model.kindOf(id)], [id, kind.replace('_', '-')]);
      }
    }
  });

  it('encodes any UTF-16 text, halves of surrogate pairs as U+FFFD', () => {
    const text = fc.array(
      fc.oneof(
        fc.integer({ min: 0, max: 0xffff }).map(code => String.fromCharCode(code)),
        fc.constantFrom(...'我来到北京 ▁▂▃<sep>[MASK]ａé１ﾊﾞ가𠮷😂'),
      ),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(text, fc.constantFrom(...Object.values(models)), (units, model) => {
        const sample = units.join('');
        const ids = model.encodeAsIds(sample);
        const wellFormed = sample.replace(/[\ud800-\udfff]/gu, '\ufffd');
        assert.deepEqual(model.encodeAsIds(wellFormed), ids);
        assert.equal(model.encodeAsPieces(sample).length, ids.length);
        model.decodeIds(ids);
      }),
      { numRuns: 2000 },
    );
  });

  it('gives back text that a model with byte fallback was not trained on', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 20 }), text => {
        const visible = text.replace(/[\ufffd\u2581 ]/g, '');
        assert.equal(models.tiny_unigram_bytes.decodeIds(models.tiny_unigram_bytes.encodeAsIds(visible)), visible);
      }),
    );
  });

  it('encodes long texts', () => {
    const text = '哈哈的中国XX 😂'.repeat(20_000);
    for (const model of Object.values(models)) assert.ok(model.encodeAsIds(text).length > 20_000);
  });

  it('refuses ids outside the vocabulary', () => {
    for (const id of [-1, 1000, 0.5, Number.NaN]) {
      assert.throws(() => models.tiny_unigram.decodeIds([id]), InputError);
    }
  });
});

describe('SentencePiece BPE with unused pieces', () => {
  it('takes an unused piece apart into what it was joined from', () => {
    const piece = (text: string, score: number, type: number) =>
      new Writer().uint32(10).string(text).uint32(21).float(score).uint32(24).int32(type).finish();
    const file = new Writer();
    const pieces: [string, number, number][] = [
      ['<unk>', 0, 2],
      ['a', -9, 1],
      ['b', -9, 1],
      ['c', -9, 1],
      ['ab', -1, 5],
      ['abc', -2, 5],
      ['bc', -3, 1],
    ];
    for (const [text, score, type] of pieces) file.uint32(10).bytes(piece(text, score, type));
    file.uint32(18).bytes(new Writer().uint32(24).int32(2).finish());
    file.uint32(26).bytes(new Writer().uint32(24).bool(false).finish());
    const model = createSentencePiece(file.finish());
    assert.deepEqual(model.encodeAsPieces('abc'), ['a', 'b', 'c']);
    assert.deepEqual(model.encodeAsPieces('bcab'), ['bc', 'a', 'b']);
  });
});

describe('fields that SentencePiece models may have beside those that are read', () => {
  const known = modelBytes('tiny_bpe');
  const withFields = (fields: Uint8Array) => createSentencePiece(new Uint8Array([...fields, ...known]));
  const tag = (field: number, wireType: number) => (field << 3) | wireType;

  it('passes over any, negative numbers and groups in groups too', () => {
    const fields = new Writer()
      .uint32(tag(200, 0))
      .int64(-1)
      .uint32(tag(201, 1))
      .fixed64(7)
      .uint32(tag(202, 5))
      .fixed32(7)
      .uint32(tag(203, 2))
      .string('passed over')
      .uint32(tag(204, 3))
      .uint32(tag(1, 3))
      .uint32(tag(1, 4))
      .uint32(tag(2, 0))
      .int32(-1)
      .uint32(tag(204, 4));
    assert.deepEqual(withFields(fields.finish()).encodeAsIds('hello'), models.tiny_bpe.encodeAsIds('hello'));
  });

  it('refuses what is no message, and says where', () => {
    const refusals: readonly (readonly [readonly number[], RegExp])[] = [
      [[0], /found field number 0 instead of a field, at byte 1 of the model/],
      [[tag(9, 6)], /found 6 instead of a wire type/],
      [[tag(9, 4)], /found 4 instead of a wire type/],
      [[tag(9, 3), tag(8, 4)], /found that of 8 instead of the end of group 9/],
      [Array(200).fill(tag(9, 3)), /found more instead of at most 100 groups/],
      [[tag(9, 0), ...Array(10).fill(0xff)], /found a longer one/],
      [Array(11).fill(0xff), /found a longer one/],
      [[tag(1, 2), 0xff, 0xff, 0xff, 0xff, 0x0f], /found \d+ instead of 4294967295 more bytes/],
    ];
    for (const [bytes, message] of refusals) {
      assert.throws(() => withFields(Uint8Array.from(bytes)), { name: 'FormatError', message }, String(message));
    }
  });
});

describe('damaged SentencePiece models', () => {
  const bytes = modelBytes('tiny_unigram');
  const small = modelBytes('tiny_bpe');

  it('names the file and what is wrong', () => {
    const text = new TextEncoder().encode('[PAD]\n[UNK]\n');
    assert.throws(() => createSentencePiece(text, 'vocab.txt'), {
      name: 'FormatError',
      message: /^vocab\.txt: SentencePiece model; expected /,
    });
    assert.throws(() => createSentencePiece(new Uint8Array(0)), { message: /found 0 unknown pieces/ });
  });

  it('throws a FormatError, or works, for every damaged file', () => {
    const damage = fc.record({
      changes: fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), fc.nat(255)), {
        maxLength: 6,
      }),
      keep: fc.oneof(
        { weight: 4, arbitrary: fc.constant(1) },
        { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
      ),
      whole: fc.constantFrom(bytes, small),
    });
    fc.assert(
      fc.property(damage, ({ changes, keep, whole }) => {
        const damaged = whole.slice(0, Math.floor(whole.length * keep));
        for (const [where, byte] of changes) damaged[Math.floor(where * damaged.length)] = byte;
        try {
          const model = createSentencePiece(damaged);
          model.decodeIds(model.encodeAsIds('我来到 ﾊﾞé①㍿ <sep> 2023 𠮷 hello'));
        } catch (error) {
          assert.ok(error instanceof FormatError, String(error));
        }
      }),
      { numRuns: 1500 },
    );
  });

  it('survives damage to the beginning of the charsmap, where its sizes and root are', () => {
    const at = new TextDecoder('latin1').decode(bytes).indexOf('nmt_nfkc') + 'nmt_nfkc'.length;
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(2000), fc.nat(255)), { minLength: 1, maxLength: 30 }), changes => {
        const damaged = bytes.slice();
        for (const [offset, byte] of changes) damaged[at + offset] = byte;
        try {
          createSentencePiece(damaged).encodeAsIds('我来到 ﾊﾞé①㍿ \u0001\u007f <sep> 2023 𠮷 hello');
        } catch (error) {
          assert.ok(error instanceof FormatError, String(error));
        }
      }),
      { numRuns: 300 },
    );
  });
});
