/** Random numbers from a seed, the same in every browser. No DOM. */
import { quantile } from "./quantile.js";

/**
 * A generator of uniform numbers in (0, 1), never 0 or 1: mulberry32, of 2^32 states.
 *
 * @param {number} seed  any integer
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

/** ln p of p in (0, 1], by operations that every browser rounds alike, as Math.log is not. */
export function logarithm(p) {
  let [mantissa, halvings] = [p, 0];
  for (; mantissa < Math.SQRT1_2; mantissa *= 2) halvings += 1;
  // 2 atanh(s) = 2 (s + s^3 / 3 + s^5 / 5 + ...), with |s| below 0.172.
  const s = (mantissa - 1) / (mantissa + 1);
  let series = 0;
  for (let odd = 21; odd > 0; odd -= 2) series = series * s * s + 1 / odd;
  return 2 * s * series - halvings * Math.LN2;
}

/**
 * A generator of standard normal numbers, by the quantiles of uniform ones.
 *
 * @param {number} seed  any integer
 * @returns {() => number}
 */
export function normals(seed) {
  const uniform = uniforms(seed);
  return () => quantile(uniform(), logarithm);
}

/**
 * A seed for one of several streams of random numbers.
 *
 * @param {number} seed  any integer
 * @param {number} stream  any integer
 * @returns {number} a whole number of 32 bits
 */
export function streamOf(seed, stream) {
  const mixed = uniforms(seed);
  let found = 0;
  for (let i = 0; i <= stream; i++) found = Math.floor(mixed() * 4294967296);
  return found;
}
