/** Numbers and codes as people read them. */

/** @param {number} value @param {number} [digits] @returns {string} with a true minus sign */
export function number(value, digits = 2) {
  const text = value.toFixed(digits);
  const zero = Number(text) === 0;
  return zero ? (0).toFixed(digits) : text.replace("-", "−");
}

/** Codes of more dimensions than this are told by the two of the plane and their length. */
const WRITTEN_OUT = 4;

/**
 * @param {ArrayLike<number>} z
 * @param {[number, number]} dims  the plane, which stands for the rest of a long code
 * @returns {string}
 */
export function code(z, dims) {
  if (z.length <= WRITTEN_OUT) return `z = (${Array.from(z, (a) => number(a)).join(", ")})`;
  const parts = dims.map((dim) => `z${subscript(dim + 1)} = ${number(z[dim])}`);
  const length = Math.hypot(...z);
  return `${parts.join(", ")} · ‖z‖ = ${number(length)}`;
}

/** @param {number} n @returns {string} */
export function subscript(n) {
  return String(n).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);
}
