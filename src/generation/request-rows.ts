/**
 * The rows that a request needs computed before its hypotheses can be scored, what each of them may see, and the cache
 * slots they go to. A row is a position of the prompt or a hypothesis.
 *
 * Slots of hypotheses that no search follows any more are used again. Should one be asked for after all, it and its
 * ancestors are simply computed once more.
 */
import type { AttentionRules } from '../core/manifest.ts';
import type { Hypothesis } from '../decode/scorer.ts';
import type { RowCounts } from './columns.ts';
import { isPadding, positionAt, type Sequence, seenPositions, sourceLength, visibleLengths } from './visibility.ts';

/** A row to compute. */
export interface NewRow {
  readonly tokenId: number;
  readonly segmentId: number;
  /** Place in the sequence. */
  readonly index: number;
  /** The hypothesis it is for; null for a position of the prompt. */
  readonly hypothesis: Hypothesis | null;
}

/** Rows to compute, and for each scored hypothesis the index of its row. */
export interface RowPlan {
  readonly rows: readonly NewRow[];
  readonly reads: readonly number[];
  /** Index of each hypothesis' row. */
  readonly places: ReadonlyMap<Hypothesis, number>;
}

/** What an earlier request leaves to one that takes its lane over. */
export interface CachedSlots {
  /** Slot of each leading position of the new prompt. */
  readonly slots: readonly number[];
  /** Slots of the lane that were written, kept or not. */
  readonly used: number;
}

const NOTHING_CACHED: CachedSlots = { slots: [], used: 0 };

/** What is known of a request: its prompt, and which slot holds which of its rows. */
export class RequestRows {
  readonly prompt: Sequence;
  /** Segment id of generated tokens. */
  readonly segmentId: number;
  /** Leading positions of the prompt that have an encoder of their own. */
  readonly #sourceLength: number;
  readonly #rules: AttentionRules;
  readonly #seen: Uint8Array;
  readonly #lengths: Int32Array;
  /** Slot of each position of the prompt that is cached; the rest is still to be computed. */
  readonly #promptSlots: number[];
  readonly #slots = new Map<Hypothesis, number>();
  /** Place in the sequence of the token in each slot up to the last one in use. */
  #indices: number[];
  /** Slots that may be written again, highest first. */
  #free: number[];

  constructor(rules: AttentionRules, prompt: Sequence, segmentId: number, cached: CachedSlots = NOTHING_CACHED) {
    this.prompt = prompt;
    this.segmentId = segmentId;
    this.#sourceLength = sourceLength(rules, prompt);
    this.#rules = rules;
    this.#seen = seenPositions(rules, prompt);
    this.#lengths = visibleLengths(rules, prompt);
    this.#promptSlots = [...cached.slots];
    this.#indices = new Array<number>(cached.used).fill(0);
    cached.slots.forEach((slot, index) => {
      this.#indices[slot] = index;
    });
    const kept = new Set(cached.slots);
    this.#free = [...this.#indices.keys()].filter(slot => !kept.has(slot)).reverse();
  }

  /** Rows needed to score `hypotheses`: what is left of the prompt, uncached ancestors, and the hypotheses themselves. */
  plan(hypotheses: readonly Hypothesis[]): RowPlan {
    const rows = this.#promptRows(hypotheses.some(({ parent }) => parent === null));
    const promptEnd = rows.length - 1;
    const planned = new Map<Hypothesis, number>();
    const reads = hypotheses.map(hypothesis => {
      if (hypothesis.parent === null) return promptEnd;
      for (const node of this.#uncached(hypothesis, planned)) planned.set(node, rows.push(this.#rowOf(node)) - 1);
      return planned.get(hypothesis) ?? 0;
    });
    return { rows, reads, places: planned };
  }

  /** How many rows of a plan there are, and how many of a source with an encoder of its own. */
  countRows({ rows }: RowPlan): RowCounts {
    const end = this.#sourceLength;
    return { rows: rows.length, sources: end === 0 ? 0 : rows.filter(({ index }) => index < end).length };
  }

  /** The position id at a place in the sequence. */
  positionAt(index: number): number {
    return positionAt(index, this.#sourceLength);
  }

  /** 0 for places of the source, 1 for those of the target. */
  sideAt(index: number): number {
    return index < this.#sourceLength ? 0 : 1;
  }

  /** Marks in `visible`, one byte per slot and then per column, what `row` of a plan sees; `columnOf` is that of a new row. */
  markVisible(plan: RowPlan, row: NewRow, visible: Uint8Array, columnOf: (row: number) => number): void {
    const end = row.hypothesis === null ? (this.#lengths[row.index] ?? 0) : this.prompt.tokenIds.length;
    const firstNew = this.#firstNewIndex(plan);
    for (let i = 0; i < Math.min(firstNew, end); i++) visible[this.#promptSlots[i] ?? 0] = this.#seen[i] ?? 0;
    // New rows of a source are neighbours, and so are those after it.
    const others = Math.min(Math.max(firstNew, this.#sourceLength), end);
    if (firstNew < others) visible.set(this.#seen.subarray(firstNew, others), columnOf(0));
    const rest = Math.max(firstNew, others);
    if (rest < end) visible.set(this.#seen.subarray(rest, end), columnOf(rest - firstNew));
    for (let node = row.hypothesis; node?.parent; node = node.parent) {
      const at = plan.places.get(node);
      const column = at === undefined ? this.#slots.get(node) : columnOf(at);
      if (column !== undefined) visible[column] = this.#isHidden(node) ? 0 : 1;
    }
  }

  /** Chooses slots for the rows of a plan, within `capacity` as long as some can be used again, and notes what they hold. */
  place(plan: RowPlan, capacity: number): readonly number[] {
    const fresh = capacity - this.#indices.length;
    if (fresh + this.#free.length < plan.rows.length) this.#sweep(plan);
    return plan.rows.map(({ hypothesis, index }) => {
      const slot = this.#free.pop() ?? this.#indices.length;
      const earlier = hypothesis === null ? this.#promptSlots[index] : this.#slots.get(hypothesis);
      if (hypothesis === null) this.#promptSlots[index] = slot;
      else this.#slots.set(hypothesis, slot);
      this.#indices[slot] = index;
      if (earlier !== undefined) this.#free.push(earlier);
      return slot;
    });
  }

  /** Place in the sequence of the token in each slot up to the last one in use. */
  get slotIndices(): readonly number[] {
    return this.#indices;
  }

  /** Drops what is known of the cache, after its memory was lost. */
  forget(): void {
    this.#promptSlots.length = 0;
    this.#slots.clear();
    this.#indices = [];
    this.#free = [];
  }

  /**
   * Slots that a prompt can reuse: those of the longest common beginning with this one and what it generated, of which no
   * row sees what comes after it in either.
   */
  reusableSlots(next: Sequence): readonly number[] {
    const common = this.#commonSlots(next);
    const lengths = visibleLengths(this.#rules, next);
    const isOpen = (end: number) => (lengths[end - 1] ?? 0) > end || (this.#lengths[end - 1] ?? 0) > end;
    let end = common.length;
    while (end > 0 && isOpen(end)) end--;
    return common.slice(0, end);
  }

  #commonSlots({ tokenIds, segmentIds }: Sequence): readonly number[] {
    const common: number[] = [];
    let node: Hypothesis | undefined;
    // The last position is always computed again: its logits are what the first call asks for.
    for (let i = 0; i < tokenIds.length - 1; i++) {
      const inPrompt = i < this.prompt.tokenIds.length;
      if (!inPrompt) node = this.#childOf(node, tokenIds[i]);
      const fits = inPrompt ? this.prompt.tokenIds[i] === tokenIds[i] : node !== undefined;
      const segment = inPrompt ? this.prompt.segmentIds[i] : this.segmentId;
      const slot = inPrompt ? this.#promptSlots[i] : node && this.#slots.get(node);
      if (!fits || slot === undefined || segment !== segmentIds[i]) break;
      common.push(slot);
    }
    return common;
  }

  /** Positions of the prompt that are not cached; at least the last one when the prompt itself is scored. */
  #promptRows(scored: boolean): NewRow[] {
    const { tokenIds, segmentIds } = this.prompt;
    const first = scored ? Math.min(this.#promptSlots.length, tokenIds.length - 1) : this.#promptSlots.length;
    return tokenIds.slice(first).map((tokenId, i) => {
      const index = first + i;
      return { tokenId, segmentId: segmentIds[index] ?? 0, index, hypothesis: null };
    });
  }

  /** Frees the slots of hypotheses that are neither in the plan nor ancestors of those that are. */
  #sweep(plan: RowPlan): void {
    const live = new Set<Hypothesis>();
    for (const hypothesis of plan.places.keys()) {
      for (let node: Hypothesis | null = hypothesis; node !== null && !live.has(node); node = node.parent)
        live.add(node);
    }
    for (const [hypothesis, slot] of this.#slots) {
      if (live.has(hypothesis)) continue;
      this.#slots.delete(hypothesis);
      this.#free.push(slot);
    }
    this.#free.sort((a, b) => b - a);
  }

  #firstNewIndex(plan: RowPlan): number {
    const [first] = plan.rows;
    return first?.hypothesis === null ? first.index : this.prompt.tokenIds.length;
  }

  /** Ancestors without a slot, oldest first, and the hypothesis itself even where it has one. */
  #uncached(hypothesis: Hypothesis, planned: ReadonlyMap<Hypothesis, number>): readonly Hypothesis[] {
    const nodes: Hypothesis[] = [];
    for (let node: Hypothesis | null = hypothesis; node?.parent; node = node.parent) {
      if (planned.has(node) || (node !== hypothesis && this.#slots.has(node))) break;
      nodes.unshift(node);
    }
    return nodes;
  }

  #rowOf(hypothesis: Hypothesis): NewRow {
    const index = this.prompt.tokenIds.length + hypothesis.length - 1;
    return { tokenId: hypothesis.tokenId, segmentId: this.segmentId, index, hypothesis };
  }

  #isHidden({ tokenId }: Hypothesis): boolean {
    return isPadding(this.#rules, this.prompt.tokenIds.length, tokenId, this.segmentId);
  }

  #childOf(parent: Hypothesis | undefined, tokenId: number | undefined): Hypothesis | undefined {
    const isChild = (node: Hypothesis) =>
      node.tokenId === tokenId && (parent === undefined ? node.length === 1 : node.parent === parent);
    return [...this.#slots.keys()].find(isChild);
  }
}
