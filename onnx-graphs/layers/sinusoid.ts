/**
 * The sinusoidal table (Vaswani et al. 2017, section 3.5) in bert4keras' interleaved order: row p is
 * sin(p ω₀), cos(p ω₀), sin(p ω₁), cos(p ω₁), … with ωᵢ = 10000^(-2i / width).
 *
 * https://github.com/bojone/bert4keras/blob/c1ae0dc5eff66d329ab3c5c7ee369124ddbb6f87/bert4keras/backend.py#L336-L346
 */

/** Rows 0 … rows-1 of an even width, row-major; computed in double precision, rounded to float32. */
export function sinusoidalTable(rows: number, width: number): Float32Array {
  const table = new Float32Array(rows * width);
  for (let p = 0; p < rows; p++) {
    for (let i = 0; i < width / 2; i++) {
      const angle = p * 10000 ** ((-2 * i) / width);
      table[p * width + 2 * i] = Math.sin(angle);
      table[p * width + 2 * i + 1] = Math.cos(angle);
    }
  }
  return table;
}
