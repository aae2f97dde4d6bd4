/**
 * A growable trie over UTF-16 code units. The edges of all nodes lie in one open-addressing hash table keyed by
 * (parent, unit), so a step costs one probe whether a node has one child or ten thousand, and words can be added at any
 * time. Node 0 is the root; every other node is a prefix of some word, and callers keep their values in arrays by node.
 */

const smallestTable = 1 << 8;

/** The prefixes of a set of words as numbered nodes. */
export class UnitTrie {
  /** Nodes so far, the root included; the next new node gets this number. */
  nodeCount = 1;
  #slots: Int32Array;
  #shift: number;
  #parents: Int32Array;
  #units: Uint16Array;

  /** @param expectedNodes - a hint: room for that many nodes is made at once. */
  constructor(expectedNodes = 0) {
    let size = smallestTable;
    while (size < expectedNodes * 2) size *= 2;
    this.#slots = new Int32Array(size);
    this.#shift = 32 - Math.log2(size);
    this.#parents = new Int32Array(size / 2);
    this.#units = new Uint16Array(size / 2);
  }

  /** The node one code unit below `node`, or 0 when no word goes on that way. */
  child(node: number, unit: number): number {
    const slots = this.#slots;
    const last = slots.length - 1;
    for (let slot = this.#slotOf(node, unit); ; slot = (slot + 1) & last) {
      const found = slots[slot] as number;
      if (found === 0 || (this.#units[found] === unit && this.#parents[found] === node)) return found;
    }
  }

  /** Adds the edge from `node` by `unit`, which must not be there yet, and returns its new node. */
  append(node: number, unit: number): number {
    if (this.nodeCount === this.#parents.length) this.#grow();
    const added = this.nodeCount++;
    this.#parents[added] = node;
    this.#units[added] = unit;
    this.#place(added);
    return added;
  }

  /** The node above `node`; of the root, the root. */
  parentOf(node: number): number {
    return this.#parents[node] ?? 0;
  }

  /** The code unit of the edge that leads to `node`; 0 for the root. */
  unitOf(node: number): number {
    return this.#units[node] ?? 0;
  }

  /** The node of `word`, whose missing nodes are added. */
  insert(word: string): number {
    let node = 0;
    for (let at = 0; at < word.length; at++) {
      const unit = word.charCodeAt(at);
      node = this.child(node, unit) || this.append(node, unit);
    }
    return node;
  }

  /** The node of `word`, or 0 when it is empty or not a prefix of any word. */
  find(word: string): number {
    let node = 0;
    for (let at = 0; at < word.length; at++) {
      node = this.child(node, word.charCodeAt(at));
      if (node === 0) return 0;
    }
    return node;
  }

  #slotOf(node: number, unit: number): number {
    return (Math.imul(node, 0x9e3779b1) + Math.imul(unit, 0x85ebca77)) >>> this.#shift;
  }

  #place(node: number): void {
    const slots = this.#slots;
    let slot = this.#slotOf(this.#parents[node] as number, this.#units[node] as number);
    while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1);
    slots[slot] = node;
  }

  #grow(): void {
    const size = this.#slots.length * 2;
    const parents = new Int32Array(size / 2);
    const units = new Uint16Array(size / 2);
    parents.set(this.#parents);
    units.set(this.#units);
    this.#parents = parents;
    this.#units = units;
    this.#slots = new Int32Array(size);
    this.#shift -= 1;
    for (let node = 1; node < this.nodeCount; node++) this.#place(node);
  }
}
