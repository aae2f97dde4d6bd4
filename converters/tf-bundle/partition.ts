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
 * So all corners, with signs, must cancel against those of the whole: 2^rank steps a box, where comparing pairs of boxes
 * would take the square of their number.
 */
export function tilesExactly(shape: readonly number[], boxes: readonly Box[]): boolean {
  const corners = new Map<string, number>();
  const add = ({ start, length }: Box, sign: number): void => {
    for (let corner = 0; corner < 2 ** shape.length; corner++) {
      const isEnd = (axis: number): boolean => ((corner >> axis) & 1) === 1;
      const place = start.map((from, axis) => (isEnd(axis) ? from + (length[axis] ?? 0) : from)).join();
      const odd = shape.filter((_, axis) => isEnd(axis)).length % 2 === 1;
      corners.set(place, (corners.get(place) ?? 0) + (odd ? -sign : sign));
    }
  };
  for (const box of boxes) add(box, 1);
  add({ start: shape.map(() => 0), length: shape }, -1);
  return [...corners.values()].every(sum => sum === 0);
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
