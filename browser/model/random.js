/** Random numbers from a seed. No DOM. */

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
