/**
 * Batches of texts with two sides, each padded to its own longest: texts belong together when both sides are of similar
 * length. A set is cut in two, along whichever side saves most, until no cut saves anything.
 */

/** Lengths left and right, in words. */
export type SideLengths = readonly [left: number, right: number];

/**
 * What a step of an LSTM costs whatever the batch, in rows: the weights are read once. On a CPU a batch of one takes about
 * twice the time of one row among many.
 */
const STEP_COST = 1.5;

/**
 * Groups indices of `items` so that padding costs little, and (longest left + longest right) × count of a group is at most
 * `budget`, or the group has one member. Groups with the longest texts come first, so that what does not fit memory fails
 * at once.
 */
export function batchBySides(items: readonly SideLengths[], budget: number): readonly (readonly number[])[] {
  const batches: Batch[] = [];
  const waiting: Batch[] = items.length === 0 ? [] : [batchOf(items.map((lengths, index) => ({ lengths, index })))];
  for (let batch = waiting.pop(); batch !== undefined; batch = waiting.pop()) {
    const cut = bestCut(batch);
    const fits = batch.steps * batch.members.length <= budget;
    if (cut === undefined || (fits && price(batch) <= cut.price)) batches.push(batch);
    else waiting.push(batchOf(cut.members.slice(0, cut.at)), batchOf(cut.members.slice(cut.at)));
  }
  return batches.sort((a, b) => b.steps - a.steps).map(({ members }) => members.map(({ index }) => index));
}

interface Member {
  readonly lengths: SideLengths;
  readonly index: number;
}

interface Batch {
  readonly members: readonly Member[];
  /** Longest left + longest right. */
  readonly steps: number;
}

interface Cut {
  /** Sorted along the side that is cut. */
  readonly members: readonly Member[];
  readonly at: number;
  /** Of both parts together. */
  readonly price: number;
}

function batchOf(members: readonly Member[]): Batch {
  return { members, steps: runningSteps(members).at(-1) ?? 0 };
}

function price({ members, steps }: Batch): number {
  return steps * (members.length + STEP_COST);
}

/** The cheapest way to cut a batch in two; none for a batch of one. */
function bestCut({ members }: Batch): Cut | undefined {
  let best: Cut | undefined;
  for (const side of [0, 1] as const) {
    const sorted = [...members].sort((a, b) => a.lengths[side] - b.lengths[side] || a.index - b.index);
    const heads = runningSteps(sorted);
    const tails = runningSteps([...sorted].reverse()).reverse();
    for (let at = 1; at < sorted.length; at++) {
      const head = (heads[at - 1] ?? 0) * (at + STEP_COST);
      const tail = (tails[at] ?? 0) * (sorted.length - at + STEP_COST);
      if (best === undefined || head + tail < best.price) best = { members: sorted, at, price: head + tail };
    }
  }
  return best;
}

/** Longest left + longest right among the first one, two, three … members. */
function runningSteps(members: readonly Member[]): number[] {
  let left = 0;
  let right = 0;
  return members.map(({ lengths }) => {
    left = Math.max(left, lengths[0]);
    right = Math.max(right, lengths[1]);
    return left + right;
  });
}
