/**
 * A seedable source of uniforms for sampling: xoshiro128** (Blackman & Vigna, "Scrambled linear pseudorandom number
 * generators", 2021), its state filled from the seed by splitmix32. The same seed gives the same numbers everywhere.
 */
import { checkInteger } from './option-checks.ts';

/** A source of uniforms in [0, 1). `Math.random` is one. */
export type RandomSource = () => number;

/**
 * Uniforms in [0, 1) with 53 random bits each, from two draws of xoshiro128** seeded by `seed` (an integer from 0;
 * its lower 32 bits count).
 * @throws ConfigError for another seed.
 * @example
 * const random = seededRandom(42);
 */
export function seededRandom(seed: number): RandomSource {
  checkInteger('seed', seed, 0);
  const next = xoshiro128(splitmix(seed, 4));
  return () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
}

/** xoshiro128** 1.1 over a state of four 32-bit words; each call gives an unsigned 32-bit integer. */
export function xoshiro128(seedWords: Uint32Array): () => number {
  const state = Uint32Array.from(seedWords);
  return () => {
    const [a = 0, b = 0, c = 0, d = 0] = state;
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const third = c ^ a;
    const fourth = d ^ b;
    state[1] = b ^ third;
    state[0] = a ^ fourth;
    state[2] = third ^ (b << 9);
    state[3] = rotate(fourth, 11);
    return result;
  };
}

function splitmix(seed: number, count: number): Uint32Array {
  let state = seed >>> 0;
  return Uint32Array.from({ length: count }, () => {
    state = (state + 0x9e3779b9) | 0;
    let word = state ^ (state >>> 16);
    word = Math.imul(word, 0x21f0aaad);
    word ^= word >>> 15;
    word = Math.imul(word, 0x735a2d97);
    return word ^ (word >>> 15);
  });
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
