/**
 * Reads Python pickles, protocols 0 to 5, as data: dicts, lists, tuples, sets, text, bytes, numbers and NumPy arrays. A
 * pickle is a program for a small stack machine that may call anything in Python; here it can call only the few
 * functions that build such data. See docs/formats/pickle.md.
 */
import { Cursor } from '../../src/core/cursor.ts';
import { Machine } from './machine.ts';
import { OPCODES } from './opcodes.ts';
import type { PickleValue } from './pickle-value.ts';

export type { NdArray, PickleKey, PickleValue } from './pickle-value.ts';
export { textOf } from './pickle-value.ts';

const STOP = 0x2e;

/**
 * The value in a pickle. Byte strings and arrays are views of `bytes`, which must not change afterwards.
 * @param file Name of the file, for errors.
 * @throws FormatError, with the offset, when the pickle is damaged, too large, or asks for anything but data.
 *
 * @example
 * const value = readPickle(new TextEncoder().encode('(dVone\nI1\ns.'), 'counts.pkl');
 * if (value instanceof Map) value.get('one'); // 1
 */
export function readPickle(bytes: Uint8Array, file: string): PickleValue {
  // A plain Uint8Array, even over a Node Buffer, whose slices would not be copies.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const cursor = new Cursor(plain, { file, what: 'pickle' });
  const machine = new Machine(cursor, plain, file);
  for (;;) {
    const opcode = machine.nextOpcode();
    if (opcode === STOP) return machine.finish();
    const step = OPCODES.get(opcode);
    if (step === undefined) {
      const found = `0x${opcode.toString(16).padStart(2, '0')}`;
      throw machine.error({ what: 'refused opcode', expected: 'one that makes data', found });
    }
    step(machine);
  }
}
