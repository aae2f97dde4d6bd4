/**
 * What scripts hold, in bytes, from a heap snapshot of V8: the same for a page and for Node.
 *
 * V8 keeps in the same heap what it compiles: code that runs often again and in several qualities, with notes on the shapes
 * of objects, all of it thrown away after a while without use. In a page that comes to 5 to 75 kB a model for the first
 * dozens, back and forth, and the browser keeps its log of requests and frames beside it. Neither is counted.
 */

/** The parts of a snapshot that are read here: nodes as runs of numbers, their fields named once. */
export interface HeapSnapshot {
  readonly snapshot: {
    readonly meta: { readonly node_fields: readonly string[]; readonly node_types: readonly [readonly string[]] };
  };
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
}

/** Kinds of nodes that are V8's own. */
const KINDS_OF_ENGINE = ['code', 'object shape', 'hidden', 'synthetic'];

/** Native nodes that are the browser's or V8's own. Others stand for objects such as a Response or the bytes of an array. */
const NAMES_OF_BROWSER = /^(blink::|<|Performance|TaskAttributionTiming|system \/ (?!JSArrayBufferData))/;

/** Bytes of the objects, arrays, closures and strings in a snapshot. */
export function bytesOfScripts({ snapshot, nodes, strings }: HeapSnapshot): number {
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [kind = 0, name = 0, size = 0] = ['type', 'name', 'self_size'].map(field => fields.indexOf(field));
  let bytes = 0;
  for (let node = 0; node < nodes.length; node += fields.length) {
    const kindName = types[0][nodes[node + kind] ?? -1] ?? '';
    const engine = KINDS_OF_ENGINE.includes(kindName);
    const browser = kindName === 'native' && NAMES_OF_BROWSER.test(strings[nodes[node + name] ?? -1] ?? '');
    if (!engine && !browser) bytes += nodes[node + size] ?? 0;
  }
  return bytes;
}
