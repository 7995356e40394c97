/**
 * Paths between codes, and arithmetic on codes. No DOM.
 *
 * @typedef {Float32Array} Code  (latent_dim)
 */

/** Interpolate on a straight line. @param {Code} a @param {Code} b @param {number} t  in [0, 1] @returns {Code} */
export function linear(a, b, t) {
  return a.map((value, i) => (1 - t) * value + t * b[i]);
}

/**
 * Interpolate on an arc (Shoemake 1985; White 2016 for latent spaces), in equal steps of angle: codes
 * keep the norm that is typical of the prior.
 *
 * Ends at the origin, or on one line through it, have no unique arc; there it is the straight line.
 *
 * @param {Code} a @param {Code} b @param {number} t  in [0, 1] @returns {Code}
 */
export function spherical(a, b, t) {
  const cosine = dot(a, b) / (norm(a) * norm(b));
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  const sine = Math.sin(angle);
  if (!(sine > 1e-6)) return linear(a, b, t);
  const fromA = Math.sin((1 - t) * angle) / sine;
  const fromB = Math.sin(t * angle) / sine;
  return a.map((value, i) => fromA * value + fromB * b[i]);
}

export const PATHS = { linear, spherical };

/**
 * The code at a position of a path through several ends; all legs are equally long.
 *
 * @param {Code[]} ends  at least one
 * @param {number} t  in [0, 1]
 * @param {"linear" | "spherical"} kind
 * @returns {Code}
 */
export function along(ends, t, kind) {
  const legs = ends.length - 1;
  if (legs === 0) return ends[0].slice();
  const place = Math.min(1, Math.max(0, t)) * legs;
  const leg = Math.min(legs - 1, Math.floor(place));
  return PATHS[kind](ends[leg], ends[leg + 1], place - leg);
}

/** `n` codes at equal steps of a path, at least 2. @returns {Code[]} */
export function frames(ends, n, kind) {
  return Array.from({ length: n }, (_, i) => along(ends, i / (n - 1), kind));
}

/** Milliseconds that playing takes for each leg of a path. */
const LEG_TIME = 2400;

/** The position that playing reaches after a time: there and back, slow at both ends. */
export function playedPosition(milliseconds, legs) {
  return 0.5 - 0.5 * Math.cos((Math.PI * milliseconds) / (LEG_TIME * Math.max(1, legs)));
}

/** The time after which playing first reaches a position, milliseconds. */
export function playedTime(position, legs) {
  return (Math.acos(1 - 2 * position) / Math.PI) * LEG_TIME * Math.max(1, legs);
}

/**
 * Find the code nearest to z (Euclidean).
 *
 * @param {Float32Array} codes  (n · latent_dim)
 * @param {Code} z
 * @returns {{row: number, distance: number}} row -1 and Infinity where there are no codes
 */
export function nearest(codes, z) {
  const d = z.length;
  let row = -1;
  let best = Infinity;
  for (let start = 0, at = 0; start + d <= codes.length; start += d, at += 1) {
    let sum = 0;
    for (let i = 0; i < d && sum < best; i += 1) {
      const gap = codes[start + i] - z[i];
      sum += gap * gap;
    }
    if (sum < best) {
      best = sum;
      row = at;
    }
  }
  return { row, distance: Math.sqrt(best) };
}

/** a − b + c. @param {Code} a @param {Code} b @param {Code} c */
export function analogy(a, b, c) {
  return a.map((value, i) => value - b[i] + c[i]);
}

/** @param {Code} a @param {Code} b */
export function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i] * b[i];
  return sum;
}

/** @param {Code} a */
export function norm(a) {
  return Math.sqrt(dot(a, a));
}
