/**
 * The opcodes of pickle protocols 0 to 5, one line each. Those that would load extensions, persistent objects, classes
 * or buffers from outside the file have no line and are refused.
 *
 * Reference: https://github.com/python/cpython/blob/v3.12.1/Lib/pickletools.py
 */
import { readU64 } from '../../src/core/int64.ts';
import { lookUpGlobal } from './globals.ts';
import type { Item, Machine } from './machine.ts';
import { setArrayState, setDtypeState } from './numpy.ts';
import { decodeUtf8, describe, type PickleKey, type PickleValue } from './pickle-value.ts';
import {
  integerFromBytes,
  parseByteString,
  parseFloatLiteral,
  parseInteger,
  parseRawUnicode,
} from './text-literals.ts';

/** Highest protocol there is. */
const PROTOCOL = 5;

/** Longest integer in bytes, as long as the longest in decimal. */
const MAX_INTEGER_BYTES = 1786;

/** Carries out one opcode. */
type Opcode = (machine: Machine) => void;

/** Opcode byte → what it does. STOP, `.`, is the loop's own business. */
export const OPCODES: ReadonlyMap<number, Opcode> = new Map<number, Opcode>([
  // Protocol 0.
  [code('('), m => m.mark()],
  [code('0'), m => void m.pop()],
  [code('2'), m => m.pushAgain(m.top())],
  [code('F'), m => m.push(parsed(m, 'float', parseFloatLiteral(m.shortLine())))],
  [code('I'), m => pushInteger(m, m.shortLine())],
  [code('L'), m => pushInteger(m, m.shortLine().replace(/L$/, ''))],
  [code('N'), m => m.push(null)],
  [code('R'), reduce],
  [code('S'), m => m.push(parsed(m, 'quoted string', parseByteString(m.line())))],
  [code('V'), m => m.push(parsed(m, 'unicode string', parseRawUnicode(m.line())))],
  [code('a'), m => append(m, [m.pop()])],
  [code('b'), build],
  [code('c'), m => m.push(lookUpGlobal(m, m.name(m.shortLine()), m.name(m.shortLine())))],
  [code('d'), m => pushDict(m, m.popToMark())],
  [code('g'), m => m.pushAgain(m.get(memoIndex(m)))],
  [code('l'), m => m.push(m.popToMark().map(item => m.data(item)))],
  [code('p'), m => m.put(memoIndex(m))],
  [code('s'), m => setItems(m, [m.pop(), m.pop()].reverse())],
  [code('t'), m => m.push(m.tuple(m.popToMark()) as Item)],
  // Protocol 1.
  [code('1'), m => void m.popToMark()],
  [code('G'), m => m.push(new DataView(m.cursor.bytes(8).slice().buffer).getFloat64(0, false))],
  [code('J'), m => m.push(m.cursor.u32() | 0)],
  [code('K'), m => m.push(m.cursor.u8())],
  [code('M'), m => m.push(m.cursor.u16())],
  [code('T'), m => m.push(m.cursor.bytes(m.cursor.u32()))],
  [code('U'), m => m.push(m.cursor.bytes(m.cursor.u8()))],
  [code('X'), m => pushText(m, m.cursor.u32())],
  [code('e'), m => append(m, m.popToMark())],
  [code('h'), m => m.pushAgain(m.get(m.cursor.u8()))],
  [code('j'), m => m.pushAgain(m.get(m.cursor.u32()))],
  [code(']'), m => m.push([])],
  [code('q'), m => m.put(m.cursor.u8())],
  [code('r'), m => m.put(m.cursor.u32())],
  [code(')'), m => m.push(m.tuple([]) as Item)],
  [code('}'), m => m.push(new Map())],
  [code('u'), m => setItems(m, m.popToMark())],
  // Protocol 2.
  [0x80, checkProtocol],
  [0x85, m => pushTuple(m, 1)],
  [0x86, m => pushTuple(m, 2)],
  [0x87, m => pushTuple(m, 3)],
  [0x88, m => m.push(true)],
  [0x89, m => m.push(false)],
  [0x8a, m => pushBinaryInteger(m, m.cursor.u8())],
  [0x8b, m => pushBinaryInteger(m, m.cursor.u32())],
  // Protocol 3.
  [code('B'), m => m.push(m.cursor.bytes(m.cursor.u32()))],
  [code('C'), m => m.push(m.cursor.bytes(m.cursor.u8()))],
  // Protocol 4.
  [0x8c, m => pushText(m, m.cursor.u8())],
  [0x8d, m => pushText(m, readU64(m.cursor))],
  [0x8e, m => m.push(m.cursor.bytes(readU64(m.cursor)))],
  [0x8f, m => m.push(new Set())],
  [0x90, addItems],
  [0x91, m => m.push(new Set(m.popToMark().map(item => m.key(item))))],
  [0x93, stackGlobal],
  [0x94, m => m.memoize()],
  [0x95, checkFrame],
  // Protocol 5.
  [0x96, m => m.push(m.cursor.bytes(readU64(m.cursor)))],
]);

function code(letter: string): number {
  return letter.charCodeAt(0);
}

function parsed<T>(machine: Machine, what: string, value: T | undefined): T {
  if (value === undefined) throw machine.error({ what, expected: 'one as Python writes it', found: 'something else' });
  return value;
}

/** `01` and `00` are how protocol 0 writes True and False. */
function pushInteger(machine: Machine, text: string): void {
  machine.push(text === '01' ? true : text === '00' ? false : parsed(machine, 'integer', parseInteger(text)));
}

function pushBinaryInteger(machine: Machine, length: number): void {
  if (length > MAX_INTEGER_BYTES) {
    throw machine.error({ what: 'integer', expected: `${MAX_INTEGER_BYTES} bytes at most`, found: `${length}` });
  }
  machine.push(integerFromBytes(machine.cursor.bytes(length)));
}

function pushText(machine: Machine, length: number): void {
  machine.push(parsed(machine, 'UTF-8 string', decodeUtf8(machine.cursor.bytes(length))));
}

function pushTuple(machine: Machine, length: number): void {
  const items = Array.from({ length }, () => machine.pop()).reverse();
  machine.push(machine.tuple(items) as Item);
}

function memoIndex(machine: Machine): number {
  const index = parseInteger(machine.shortLine());
  if (typeof index === 'number' && index >= 0) return index;
  throw machine.error({ what: 'memo', expected: 'an index', found: `${index}` });
}

function append(machine: Machine, items: readonly Item[]): void {
  const list = machine.top();
  if (!Array.isArray(list) || Object.isFrozen(list)) {
    throw machine.error({ what: 'append', expected: 'a list', found: describe(list) });
  }
  for (const item of items) list.push(machine.data(item));
}

function pushDict(machine: Machine, items: readonly Item[]): void {
  machine.push(new Map<PickleKey, PickleValue>());
  setItems(machine, items);
}

function setItems(machine: Machine, items: readonly Item[]): void {
  const dict = machine.top();
  if (!(dict instanceof Map) || items.length % 2 !== 0) {
    throw machine.error({ what: 'items', expected: 'a dict, keys and values', found: describe(dict) });
  }
  for (let i = 0; i < items.length; i += 2) {
    dict.set(machine.key(items[i] as Item), machine.data(items[i + 1] as Item));
  }
}

function addItems(machine: Machine): void {
  const items = machine.popToMark();
  const set = machine.top();
  if (!(set instanceof Set)) throw machine.error({ what: 'items', expected: 'a set', found: describe(set) });
  for (const item of items) set.add(machine.key(item));
}

/** Calls one of the known globals with a tuple. */
function reduce(machine: Machine): void {
  const args = machine.pop();
  const callee = machine.pop();
  const call = isObject(callee) && 'kind' in callee && callee.kind === 'global' ? callee.call : undefined;
  if (call === undefined || !Array.isArray(args)) {
    throw machine.error({ what: 'call', expected: 'a known function and a tuple', found: describe(callee) });
  }
  machine.push(call(machine, args));
}

/** Sets the state of a NumPy dtype or array; nothing else has one. */
function build(machine: Machine): void {
  const state = machine.pop();
  const target = machine.top();
  const shell = machine.takeShell(target);
  if (shell !== undefined) setArrayState(machine, shell, state);
  else if (isObject(target) && 'kind' in target && target.kind === 'numpy.dtype') {
    setDtypeState(machine, target, state);
  } else throw machine.error({ what: 'state', expected: 'a new NumPy array or dtype', found: describe(target) });
}

function stackGlobal(machine: Machine): void {
  const name = machine.name(machine.pop());
  machine.push(lookUpGlobal(machine, machine.name(machine.pop()), name));
}

function checkProtocol(machine: Machine): void {
  const protocol = machine.cursor.u8();
  if (protocol > PROTOCOL)
    throw machine.error({ what: 'protocol', expected: `0 to ${PROTOCOL}`, found: `${protocol}` });
}

function checkFrame(machine: Machine): void {
  const length = readU64(machine.cursor);
  const { remaining } = machine.cursor;
  if (length > remaining) throw machine.error({ what: 'frame', expected: `${length} bytes`, found: `${remaining}` });
}

function isObject(item: Item): item is Extract<Item, object> {
  return typeof item === 'object' && item !== null;
}
