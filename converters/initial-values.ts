/**
 * What Keras puts into a weight that no checkpoint fills, for `ignore_invalid_weights`: zeros for beta and bias, ones for
 * gamma, and a normal distribution cut off at two deviations for everything else. Random numbers depend on the name of
 * the weight alone, so that a conversion can be repeated.
 */

/** Deviation of untrained kernels: `initializer_range` of every published configuration. */
const DEVIATION = 0.02;

/** Initial float32 values of the weight `name`, `count` of them. */
export function initialValues(name: string, count: number): Float32Array {
  if (/\/(beta|bias)$/.test(name)) return new Float32Array(count);
  if (name.endsWith('/gamma')) return new Float32Array(count).fill(1);
  const random = mulberry32(hash(name));
  const values = new Float32Array(count);
  for (let i = 0; i < count; ) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    if (Math.abs(normal) <= 2) values[i++] = normal * DEVIATION;
  }
  return values;
}

/** FNV-1a, 32 bits, over UTF-16 units. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  return state >>> 0;
}

/** Tommy Ettinger's mulberry32: numbers in [0, 1) with 32 random bits. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
