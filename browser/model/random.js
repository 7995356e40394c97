/** Repeatable standard normal numbers. */

import { quantile } from "./quantile.js";

/**
 * A generator of uniform numbers in (0, 1): mulberry32, 2^32 states, never 0 or 1.
 *
 * @param {number} seed any integer
 * @returns {() => number}
 */
export function uniforms(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 4294967296;
  };
}

/**
 * Draws from N(0, 1) by inversion, one after another.
 *
 * @param {number} seed the same seed gives the same draws in the same order
 * @returns {(n: number) => Float32Array} the next n draws
 */
export function normals(seed) {
  const uniform = uniforms(seed);
  return (n) => Float32Array.from({ length: n }, () => quantile(uniform()));
}
