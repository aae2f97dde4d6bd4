/**
 * The rows that a request needs computed before its hypotheses can be scored, and what each of them may see. A row is a
 * position of the prompt or a hypothesis; both become cache slots.
 */

import type { AttentionRules } from '../core/manifest.ts';
import type { Hypothesis } from '../decode/scorer.ts';
import { isPadding, type Sequence, seenPositions, visibleLengths } from './visibility.ts';

/** A row to compute. */
export interface NewRow {
  readonly tokenId: number;
  readonly segmentId: number;
  readonly position: number;
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

/** What is known of a request: its prompt, and which slot holds which of its rows. */
export class RequestRows {
  readonly prompt: Sequence;
  /** Segment id of generated tokens. */
  readonly segmentId: number;
  readonly #rules: AttentionRules;
  readonly #seen: Uint8Array;
  readonly #lengths: Int32Array;
  /** Slot of each position of the prompt that is cached; the rest is still to be computed. */
  readonly #promptSlots: number[];
  readonly #slots = new Map<Hypothesis, number>();

  constructor(rules: AttentionRules, prompt: Sequence, segmentId: number, cachedSlots: readonly number[] = []) {
    this.prompt = prompt;
    this.segmentId = segmentId;
    this.#rules = rules;
    this.#seen = seenPositions(rules, prompt);
    this.#lengths = visibleLengths(rules, prompt);
    this.#promptSlots = [...cachedSlots];
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

  /** Marks in `visible` (from `offset`, one byte per column) what row `index` of a plan sees, given `past` slots. */
  markVisible(
    plan: RowPlan,
    index: number,
    visible: Uint8Array,
    { offset, past }: { offset: number; past: number },
  ): void {
    const row = plan.rows[index];
    if (row === undefined) return;
    const columns = visible.subarray(offset, offset + past + plan.rows.length);
    const end = row.hypothesis === null ? (this.#lengths[row.position] ?? 0) : this.prompt.tokenIds.length;
    const firstNew = this.#firstNewPosition(plan);
    for (let position = 0; position < end; position++) {
      const column = position < firstNew ? (this.#promptSlots[position] ?? 0) : past + position - firstNew;
      columns[column] = this.#seen[position] ?? 0;
    }
    for (let node = row.hypothesis; node?.parent; node = node.parent) {
      const at = plan.places.get(node);
      const column = at === undefined ? this.#slots.get(node) : past + at;
      if (column !== undefined) columns[column] = this.#isHidden(node) ? 0 : 1;
    }
  }

  /** Records that the rows of a plan now lie in slots from `firstSlot` on. */
  cached(plan: RowPlan, firstSlot: number): void {
    plan.rows.forEach(({ hypothesis, position }, i) => {
      if (hypothesis === null) this.#promptSlots[position] = firstSlot + i;
      else this.#slots.set(hypothesis, firstSlot + i);
    });
  }

  /** Slots that a prompt can reuse: those of the longest common beginning with this one and what it generated. */
  reusableSlots({ tokenIds, segmentIds }: Sequence): readonly number[] {
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
      const position = first + i;
      return { tokenId, segmentId: segmentIds[position] ?? 0, position, hypothesis: null };
    });
  }

  #firstNewPosition(plan: RowPlan): number {
    const [first] = plan.rows;
    return first?.hypothesis === null ? first.position : this.prompt.tokenIds.length;
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
    const position = this.prompt.tokenIds.length + hypothesis.length - 1;
    return { tokenId: hypothesis.tokenId, segmentId: this.segmentId, position, hypothesis };
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
