/**
 * Quantiles of the standard normal distribution. No DOM.
 *
 * Wichura, "Algorithm AS 241: the percentage points of the normal distribution" (1988), routine
 * PPND16: rational approximations on three ranges, relative error about 1e-16.
 */

// Highest power first, in r: 0.180625 - (p - 1/2)^2, then sqrt(-log p) - 1.6, then sqrt(-log p) - 5.
const CENTRE = {
  numerator: [
    2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987,
    13731.69376550946, 1971.5909503065513, 133.14166789178438, 3.3871328727963665,
  ],
  denominator: [
    5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597,
    5394.196021424751, 687.1870074920579, 42.31333070160091, 1,
  ],
};
const MIDDLE = {
  numerator: [
    0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684,
    3.6478483247632045, 5.769497221460691, 4.630337846156546, 1.4234371107496835,
  ],
  denominator: [
    1.0507500716444169e-09, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008,
    0.6897673349851, 1.6763848301838038, 2.053191626637759, 1,
  ],
};
const TAIL = {
  numerator: [
    2.0103343992922881e-07, 2.7115555687434876e-05, 0.0012426609473880784, 0.026532189526576124,
    0.29656057182850487, 1.7848265399172913, 5.463784911164114, 6.657904643501103,
  ],
  denominator: [
    2.0442631033899397e-15, 1.421511758316446e-07, 1.8463183175100548e-05, 0.0007868691311456133,
    0.014875361290850615, 0.1369298809227358, 0.599832206555888, 1,
  ],
};

/** Evaluate a polynomial. @param {number[]} coefficients  highest power first @param {number} r */
function horner(coefficients, r) {
  let sum = 0;
  for (const coefficient of coefficients) sum = sum * r + coefficient;
  return sum;
}

function rational(range, r) {
  return horner(range.numerator, r) / horner(range.denominator, r);
}

/**
 * The value that a standard normal variable is below with probability p.
 *
 * @param {number} p  in [0, 1]; 0 and 1 give -Infinity and Infinity
 * @param {(value: number) => number} [log]  the natural logarithm; Math.log rounds differently in some browsers
 * @returns {number} NaN outside [0, 1]
 */
export function quantile(p, log = Math.log) {
  if (!(p >= 0 && p <= 1)) return NaN;
  if (p === 0) return -Infinity;
  if (p === 1) return Infinity;
  const centred = p - 0.5;
  if (Math.abs(centred) <= 0.425) return centred * rational(CENTRE, 0.180625 - centred * centred);
  const root = Math.sqrt(-log(centred < 0 ? p : 1 - p));
  const size = root <= 5 ? rational(MIDDLE, root - 1.6) : rational(TAIL, root - 5);
  return centred < 0 ? -size : size;
}

/**
 * The middles of n cells of equal probability.
 *
 * @param {number} n
 * @returns {Float64Array} (n) increasing, symmetric about 0
 */
export function quantileAxis(n) {
  return Float64Array.from({ length: n }, (_, i) => quantile((i + 0.5) / n));
}

/**
 * Find which of n cells of equal probability holds a value.
 *
 * @param {number} value
 * @param {number} n
 * @returns {number} 0 to n - 1
 */
export function quantileCell(value, n) {
  let low = 0;
  let high = n - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value < quantile((middle + 1) / n)) high = middle;
    else low = middle + 1;
  }
  return low;
}
