/**
 * Partitioned variables: boxes that must tile the whole exactly, and their bytes put together.
 */

/** A part: where it begins and how long it is, per axis. */
export interface Box {
  readonly start: readonly number[];
  readonly length: readonly number[];
}

/**
 * Whether `boxes` cover `shape` without gap or overlap; each must lie inside it.
 *
 * A sum of boxes equals the whole exactly when their mixed differences do, and that of a box is +1 or -1 at its corners.
 * So all corners, with signs, must cancel against those of the whole: 2^axes steps a box, counting axes that are cut, where
 * comparing pairs of boxes would take the square of their number.
 */
export function tilesExactly(shape: readonly number[], boxes: readonly Box[]): boolean {
  const size = product(shape);
  const covered = boxes.reduce((sum, box) => sum + product(box.length), 0);
  // Also keeps the numbers of corners below 2^53: an axis of n elements has n + 1 places, at most twice as many.
  if (covered !== size || !Number.isSafeInteger(size * 2 ** shape.length)) return false;
  const cut = [...shape.keys()].filter(axis => boxes.some(box => box.length[axis] !== shape[axis]));
  const corners = new Map<number, number>();
  const add = ({ start, length }: Box, sign: number): void => {
    for (let corner = 0; corner < 2 ** cut.length; corner++) {
      let place = 0;
      let signed = sign;
      for (const [k, axis] of cut.entries()) {
        const isEnd = ((corner >> k) & 1) === 1;
        place = place * ((shape[axis] ?? 0) + 1) + (start[axis] ?? 0) + (isEnd ? (length[axis] ?? 0) : 0);
        if (isEnd) signed = -signed;
      }
      corners.set(place, (corners.get(place) ?? 0) + signed);
    }
  };
  for (const box of boxes) add(box, 1);
  add({ start: shape.map(() => 0), length: shape }, -1);
  return [...corners.values()].every(sum => sum === 0);
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((a, b) => a * b, 1);
}

/** Bytes of a tensor being put together, row-major. */
export interface Whole {
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
  /** Bytes of one element. */
  readonly itemSize: number;
}

/** Copies `bytes`, the elements of the part `box`, to their place in `whole`. */
export function placeBox(whole: Whole, box: Box, bytes: Uint8Array): void {
  // Axes behind the last one that is cut lie in one piece, together with the cut axis itself.
  const cut = box.length.findLastIndex((size, axis) => size !== whole.shape[axis]);
  const run = box.length.slice(Math.max(cut, 0)).reduce((product, size) => product * size, whole.itemSize);
  const strides = stridesOf(whole);
  const outer = box.length.slice(0, Math.max(cut, 0));
  const origin = box.start.reduce((offset, from, axis) => offset + from * (strides[axis] ?? 0), 0);
  for (let from = 0, index = 0; from < bytes.length; from += run, index++) {
    let to = origin;
    let rest = index;
    for (let axis = outer.length - 1; axis >= 0; axis--) {
      const size = outer[axis] ?? 1;
      to += (rest % size) * (strides[axis] ?? 0);
      rest = Math.floor(rest / size);
    }
    whole.bytes.set(bytes.subarray(from, from + run), to);
  }
}

/** Bytes from one index to the next, per axis. */
function stridesOf({ shape, itemSize }: Whole): readonly number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, itemSize));
}
