/**
 * The only names a pickle may use. A pickle calls what it names, so whatever is not in this table is refused where it is
 * named, before anything could be done with it; and what is in it builds plain data in this program, not in Python.
 */
import type { GlobalObject, Item, Machine } from './machine.ts';
import { arrayFromBuffer, asciiOf, makeArray, makeDtype, scalarOf } from './numpy.ts';
import { describe, type PickleKey, type PickleValue } from './pickle-value.ts';

type Call = (machine: Machine, args: readonly Item[]) => Item;

/** Name without what differs between versions of Python and NumPy → what it makes; null: only handed to others. */
const CALLS: Readonly<Record<string, Call | null>> = {
  'collections.defaultdict': makeDefaultDict,
  'collections.OrderedDict': makeDict,
  'builtins.int': null,
  // What Python 3 calls int in the protocols of Python 2.
  'builtins.long': null,
  'builtins.set': makeSet,
  'builtins.frozenset': makeSet,
  'builtins.bytes': makeBytes,
  'builtins.bytearray': makeBytes,
  '_codecs.encode': encode,
  'numpy.ndarray': null,
  'numpy.dtype': makeDtype,
  'numpy.core.multiarray._reconstruct': makeArray,
  'numpy.core.multiarray.scalar': scalarOf,
  'numpy.core.numeric._frombuffer': arrayFromBuffer,
};

/** Modules that were renamed: Python 2 → 3, NumPy 2 → 1. */
const RENAMED: Readonly<Record<string, string>> = {
  __builtin__: 'builtins',
  'numpy._core.multiarray': 'numpy.core.multiarray',
  'numpy._core.numeric': 'numpy.core.numeric',
};

/** What a pickle names by `module` and `name`. @throws FormatError for all but a few. */
export function lookUpGlobal(machine: Machine, module: string, name: string): GlobalObject {
  const known = Object.hasOwn(RENAMED, module) ? RENAMED[module] : module;
  const fullName = `${known}.${name}`;
  const call = Object.hasOwn(CALLS, fullName) ? CALLS[fullName] : undefined;
  if (call === undefined) {
    throw machine.error({
      what: `refused global ${module}.${name}`,
      expected: 'plain data and NumPy arrays',
      found: 'the name of something that Python would run',
      next: 'Save the data as dicts, lists, text, numbers and arrays.',
    });
  }
  return { kind: 'global', name: fullName, ...(call === null ? {} : { call }) };
}

function makeDefaultDict(machine: Machine, args: readonly Item[]): Item {
  const [factory] = args;
  const isInt = typeof factory === 'object' && factory !== null && 'kind' in factory && factory.kind === 'global';
  if (args.length > 1 || (factory != null && !(isInt && /^builtins\.(int|long)$/.test(factory.name)))) {
    throw machine.error({ what: 'defaultdict', expected: 'the factory int', found: args.map(describe).join(', ') });
  }
  return new Map<PickleKey, PickleValue>();
}

/** `OrderedDict()` or, as Python 2 writes it, `OrderedDict([[key, value], …])`. */
function makeDict(machine: Machine, args: readonly Item[]): Item {
  const dict = new Map<PickleKey, PickleValue>();
  for (const pair of argumentList(machine, args)) {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw machine.error({ what: 'OrderedDict', expected: 'pairs', found: describe(pair) });
    }
    dict.set(machine.key(pair[0]), machine.data(pair[1]));
  }
  return dict;
}

/** `set([…])`. */
function makeSet(machine: Machine, args: readonly Item[]): Item {
  return new Set(argumentList(machine, args).map(item => machine.key(item)));
}

function argumentList(machine: Machine, args: readonly Item[]): readonly Item[] {
  const [items] = args;
  if (args.length === 0) return [];
  if (args.length === 1 && Array.isArray(items)) {
    machine.countCopy(items.length);
    return items;
  }
  throw machine.error({ what: 'arguments', expected: 'one list', found: args.map(describe).join(', ') });
}

/** `bytes()`, `bytearray(bytes)` or `bytearray(text, 'latin-1')`. */
function makeBytes(machine: Machine, args: readonly Item[]): Item {
  const [content] = args;
  if (args.length === 0) return new Uint8Array();
  if (args.length === 1 && content instanceof Uint8Array) return content;
  return encode(machine, args);
}

/** `_codecs.encode(text, 'latin1')`: how Python 3 writes bytes in protocols that have none. */
function encode(machine: Machine, args: readonly Item[]): Item {
  const [text, encoding] = args;
  const isLatin1 = /^latin-?1$/.test(asciiOf(encoding) ?? '');
  if (typeof text !== 'string' || !isLatin1 || args.length !== 2) {
    throw machine.error({ what: 'bytes', expected: 'text and "latin1"', found: args.map(describe).join(', ') });
  }
  machine.countCopy(text.length);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255)
      throw machine.error({ what: 'bytes', expected: 'characters below U+0100', found: `U+${code.toString(16)}` });
    bytes[i] = code;
  }
  return bytes;
}
