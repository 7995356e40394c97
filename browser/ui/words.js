/** Codes and numbers as text that people and screen readers can follow. */

/** Longer codes are told by their length. */
const WRITTEN_OUT = 4;

/** A fixed number of decimals, a true minus sign, no negative zero. @param {number} value @param {number} [digits] */
export function number(value, digits = 2) {
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `\u2212${text}` : text;
}

/** @param {number} n a whole number @returns {string} */
export function subscript(n) {
  return String(n).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);
}

/** A latent dimension's name, counted from 1. @param {number} dim */
export function dimension(dim) {
  return `z${subscript(dim + 1)}`;
}

/**
 * A code in a few words: all its numbers when there are few, its length otherwise.
 *
 * @param {ArrayLike<number>} z
 */
export function code(z) {
  if (z.length <= WRITTEN_OUT) return `z = (${Array.from(z, (value) => number(value)).join(", ")})`;
  return `z of ${z.length} numbers, ‖z‖ = ${number(Math.hypot(...Array.from(z)))}`;
}
