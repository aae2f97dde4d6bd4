/**
 * Pickles that try to run something, to take all memory, or that are damaged. All are refused, quickly, with the offset.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { readPickle } from '../../converters/pickle/index.ts';
import { FormatError } from '../../src/core/errors.ts';

const FIXTURES = path.resolve(import.meta.dirname, '../fixtures/pickle');

/** Bytes of a pickle written as Latin-1 text. */
function pickle(text: string): Uint8Array {
  return Uint8Array.from(text, character => character.charCodeAt(0));
}

function refused(text: string, message: RegExp): void {
  assert.throws(
    () => readPickle(pickle(text), 'x.pkl'),
    (thrown: unknown) => {
      assert.ok(thrown instanceof FormatError, `${thrown}`);
      assert.match(thrown.message, message);
      return true;
    },
  );
}

const RUNS: readonly (readonly [name: string, text: string, message: RegExp])[] = [
  ['os.system', "cos\nsystem\n(S'true'\ntR.", /^x\.pkl, byte 0: refused global os\.system;/],
  ['eval as a stack global', '\x80\x04\x8c\x08builtins\x8c\x04eval\x93.', /byte 18: refused global builtins\.eval/],
  ['getattr', 'c__builtin__\ngetattr\n.', /refused global __builtin__\.getattr/],
  ['a table lookup through the prototype', 'cconstructor\nconstructor\n.', /refused global constructor\.constructor/],
  ['__proto__ as a module', 'c__proto__\ntoString\n.', /refused global __proto__\.toString/],
  ['an attribute of an allowed one', 'cnumpy\nndarray.tofile\n.', /refused global numpy\.ndarray\.tofile/],
  ['reconstruction of a class', 'ccopy_reg\n_reconstructor\n.', /refused global copy_reg\._reconstructor/],
  ['an instance', '(ios\nsystem\n.', /refused opcode.*0x69/],
  ['an object', '(cos\nsystem\no.', /refused global/],
  ['a new object', 'cnumpy\ndtype\n)\x81.', /refused opcode.*0x81/],
  ['a persistent id', 'Pdatabase\n.', /refused opcode.*0x50/],
  ['an extension', '\x82\x01.', /refused opcode.*0x82/],
  ['a buffer from outside', '\x80\x05\x97.', /refused opcode.*0x97/],
];

const TRICKS: readonly (readonly [name: string, text: string, message: RegExp])[] = [
  ['calling what is only handed on', 'c__builtin__\nint\n(I1\ntR.', /call; expected a known function/],
  ['calling data', '(lp0\n(tR.', /call; expected a known function.*a list of 0/],
  [
    'another factory',
    'ccollections\ndefaultdict\n(ccollections\ndefaultdict\ntR.',
    /defaultdict; expected the factory int/,
  ],
  ['state for a dict', '(dp0\n(dS"__class__"\nI1\nsb.', /state; expected a new NumPy array or dtype; found a dict/],
  ['state for a global', 'cnumpy\nndarray\n(tb.', /state; expected a new NumPy array/],
  ['a global as data', 'cnumpy\nndarray\n.', /value; expected data; found global/],
  ['a global in a list', '(cnumpy\nndarray\nl.', /value; expected data/],
  ['a global in a tuple in a dict', '(I1\n(cnumpy\nndarray\ntd.', /value; expected data/],
  ['appending to a tuple', '(tI1\na.', /append; expected a list; found a tuple/],
  ['an array as a key', '(]I1\nd.', /key of a dict or set/],
  [
    'an array never filled',
    "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR.",
    /NumPy array.*none/,
  ],
  ['an array of objects', "cnumpy\ndtype\n(S'O8'\nI0\nI1\ntR.", /NumPy dtype.*found O8/],
  ['__proto__ as a dtype', "cnumpy\ndtype\n(S'__proto__'\nI0\nI1\ntR.", /NumPy dtype/],
  ['another encoding', 'c_codecs\nencode\n(Va\nVrot13\ntR.', /bytes; expected text and "latin1"/],
];

const DAMAGE: readonly (readonly [name: string, text: string, message: RegExp])[] = [
  ['nothing', '', /byte 0/],
  ['no end', '(lp0\n', /byte 5/],
  ['an empty stack', '.', /stack; expected a value/],
  ['a value below a mark', 'I1\n(0.', /stack; expected a value/],
  ['no mark', 't.', /expected a mark/],
  ['two values', 'I1\nI2\n.', /one value; found more/],
  ['something after the end', 'I1\n.rest', /4 bytes/],
  ['an unknown memo entry', 'g7\n.', /memo; expected an entry 7/],
  ['an unclosed string', "S'abc\n.", /quoted string/],
  ['a bad escape', "S'\\xg0'\n.", /quoted string/],
  ['a surrogate range', 'V\\U00110000\n.', /unicode string/],
  ['bad UTF-8', '\x8c\x01\xff.', /UTF-8/],
  ['a number that is none', 'I1e5\n.', /integer/],
  ['a newer protocol', '\x80\x06.', /protocol; expected 0 to 5; found 6/],
  ['half a dict', '(I1\nd.', /a dict, keys and values/],
];

const HUGE: readonly (readonly [name: string, text: string, message: RegExp])[] = [
  ['a string of 4 GB', 'T\xff\xff\xff\xff', /expected 4294967295 more bytes/],
  ['a string of 2^63 bytes', '\x8e\xff\xff\xff\xff\xff\xff\xff\x7f', /within/],
  ['a frame beyond the file', '\x95\xff\xff\x00\x00\x00\x00\x00\x00', /frame/],
  ['an integer of 2 GB', '\x8b\xff\xff\xff\x7f', /1786 bytes at most/],
  ['a decimal integer of 5000 digits', `L${'9'.repeat(5000)}L\n.`, /integer/],
  ['a float of 8000 digits', `F${'9'.repeat(8000)}x\n.`, /float/],
  ['an array of 2^60 elements', hugeArray(), /NumPy array \[1073741824, 1073741824\]/],
  ['nesting by marks', '('.repeat(5000), /open marks/],
  ['one list made a set again and again', copyBomb('set'), /bytes copied/],
  ['one text encoded again and again', copyBomb('encode'), /bytes copied/],
];

function hugeArray(): string {
  const empty = "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR";
  return `${empty}(I1\n(I1073741824\nI1073741824\ntcnumpy\ndtype\n(S'f4'\nI0\nI1\ntRI00\nS''\ntb.`;
}

/** A large object in the memo, then thousands of short calls that copy it. */
function copyBomb(kind: 'set' | 'encode'): string {
  if (kind === 'set') return `(${'K\x01'.repeat(100_000)}lp0\n0${'c__builtin__\nset\n(g0\ntR0'.repeat(10_000)}N.`;
  return `V${'x'.repeat(100_000)}\np0\n0${'c_codecs\nencode\n(g0\nVlatin1\ntR0'.repeat(10_000)}N.`;
}

describe('hostile pickles', () => {
  for (const [name, text, message] of RUNS) it(`refuse to name ${name}`, () => refused(text, message));
  for (const [name, text, message] of TRICKS) it(`refuse ${name}`, () => refused(text, message));
  for (const [name, text, message] of DAMAGE) it(`refuse damage: ${name}`, () => refused(text, message));
  for (const [name, text, message] of HUGE) it(`refuse ${name}`, () => refused(text, message));

  it('refuse millions of values made of a byte each', () => {
    const lists = new Uint8Array(2_000_000).fill(0x5d);
    assert.throws(() => readPickle(lists, 'x.pkl'), /number of objects; expected 1000000 at most/);
    const copies = new Uint8Array(11_000_000).fill(0x32);
    copies[0] = 0x4e;
    assert.throws(() => readPickle(copies, 'x.pkl'), /number of values; expected 10000000 at most/);
  });

  it('share, and never expand, what refers to the same lists again and again', () => {
    // Nine lists, each of ten times the last: written out it would be a billion numbers.
    const levels = Array.from({ length: 9 }, (_, i) => `(${`g${i}\n`.repeat(10)}lp${i + 1}\n0`).join('');
    const value = readPickle(pickle(`(I1\nlp0\n0${levels}g9\n.`), 'x.pkl');
    assert.ok(Array.isArray(value) && value.length === 10);
    assert.equal(value[0], value[9]);
  });

  it('read or refuse any damaged file, and nothing else', () => {
    const files = readdirSync(FIXTURES).filter(file => file.endsWith('.pkl'));
    const originals = files.map(file => new Uint8Array(readFileSync(path.join(FIXTURES, file))));
    const change = fc.record({
      file: fc.nat(originals.length - 1),
      at: fc.nat(),
      byte: fc.integer({ min: 0, max: 255 }),
      cut: fc.option(fc.nat(), { freq: 5 }),
    });
    fc.assert(
      fc.property(change, ({ file, at, byte, cut }) => {
        const bytes = originals[file]?.slice() ?? new Uint8Array();
        bytes[at % bytes.length] = byte;
        const damaged = cut === null ? bytes : bytes.subarray(0, cut % bytes.length);
        try {
          readPickle(damaged, 'x.pkl');
        } catch (thrown) {
          assert.ok(thrown instanceof FormatError, `${thrown instanceof Error ? thrown.stack : thrown}`);
        }
      }),
      { numRuns: 5000 },
    );
  });

  it('read or refuse any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        try {
          readPickle(bytes, 'x.pkl');
        } catch (thrown) {
          assert.ok(thrown instanceof FormatError, `${thrown instanceof Error ? thrown.stack : thrown}`);
        }
      }),
      { numRuns: 5000 },
    );
  });
});
