/** Write numbers and codes as text. */

/** The longest code that is written with all its numbers. */
const LONGEST = 4;

/**
 * Write a number with a minus sign (U+2212) and without a negative zero.
 *
 * @param {number} value
 * @param {number} [digits] decimals
 */
export function number(value, digits = 2) {
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `\u2212${text}` : text;
}

/**
 * Write a number of any size with up to six digits, a whole one with all; thousands are apart from
 * 10,000 on.
 *
 * @param {number} value
 * @returns {string}
 */
export function measured(value) {
  const size = Math.abs(value);
  const short = Number.isInteger(size) && size < 1e15 ? size : Number(size.toPrecision(6));
  const plain = size === 0 || (size >= 1e-4 && size < 1e15);
  const text = plain
    ? short.toLocaleString("en", { maximumFractionDigits: 10, useGrouping: size >= 1e4 })
    : short.toExponential().replace("-", "\u2212").replace("+", "");
  return value < 0 ? `\u2212${text}` : text;
}

/** Write a whole number in subscript digits. @param {number} n @returns {string} */
export function subscript(n) {
  return String(n).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);
}

/** Name a latent dimension, counted from 1. @param {number} dim counted from 0 */
export function dimension(dim) {
  return `z${subscript(dim + 1)}`;
}

/**
 * Write a code: its numbers where there are at most 4, otherwise their count and the norm.
 *
 * @param {ArrayLike<number>} z
 */
export function code(z) {
  if (z.length <= LONGEST) return `z = (${Array.from(z, (value) => number(value)).join(", ")})`;
  return `${z.length}-dimensional code, ‖z‖ = ${number(Math.hypot(...Array.from(z)))}`;
}
