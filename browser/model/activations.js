/** Operations on each value alone. No DOM. */

export const sigmoid = (a) => 1 / (1 + Math.exp(-a));
export const softplus = (a) => (a > 30 ? a : Math.log1p(Math.exp(a)));

/** 1 / (1 − e^−l) − 1 / l; near 0 its series, where both terms are large. */
const continuousBernoulliMean = (l) =>
  Math.abs(l) < 0.05 ? 0.5 + l / 12 - l ** 3 / 720 : -1 / Math.expm1(-l) - 1 / l;

/** Coefficients of erfc(a) · e^a² for a ≥ 0, in powers of t = 1 / (1 + a / 2): Press et al., Numerical Recipes, 6.2. */
const ERFC = [
  -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
  -0.82215223, 0.17087277,
];

/** The error function, to 1.2e-7. */
export function erf(a) {
  const size = Math.abs(a);
  // Its series: near 0 the difference from 1 would lose digits.
  if (size < 0.1) return 1.1283791670955126 * a * (1 - a * a * (1 / 3 - a * a * (0.1 - (a * a) / 42)));
  const t = 1 / (1 + 0.5 * size);
  const rest = t * Math.exp(-size * size + ERFC.reduceRight((sum, one) => sum * t + one, 0));
  return a < 0 ? rest - 1 : 1 - rest;
}

/** An operation by a function of one value. */
function elementwise(fn) {
  return (layer, [x], y, count) => {
    for (let i = 0; i < count * layer.size; i++) y[i] = fn(x[i]);
  };
}

function leakyRelu({ slope, size }, [x], y, count) {
  for (let i = 0; i < count * size; i++) y[i] = x[i] > 0 ? x[i] : slope * x[i];
}

function elu({ alpha = 1, size }, [x], y, count) {
  for (let i = 0; i < count * size; i++) y[i] = x[i] > 0 ? x[i] : alpha * Math.expm1(x[i]);
}

/** x · Φ(x), or its approximation by tanh (Hendrycks & Gimpel 2016). */
function gelu({ approximate = "none", size }, [x], y, count) {
  const share = approximate === "tanh"
    ? (a) => 1 + Math.tanh(0.7978845608028654 * (a + 0.044715 * a * a * a))
    : (a) => 1 + erf(a * Math.SQRT1_2);
  for (let i = 0; i < count * size; i++) y[i] = 0.5 * x[i] * share(x[i]);
}

function hardSigmoid({ alpha = 1 / 6, beta = 0.5, size }, [x], y, count) {
  for (let i = 0; i < count * size; i++) y[i] = Math.min(1, Math.max(0, alpha * x[i] + beta));
}

function clip({ low = -Infinity, high = Infinity, size }, [x], y, count) {
  for (let i = 0; i < count * size; i++) y[i] = Math.min(high, Math.max(low, x[i]));
}

/** Limit the second half of the values to (low, high) by two softplus; the first half is copied. */
function softClampLogvar({ low, high, size }, [x], y, count) {
  for (let n = 0; n < count; n++) {
    const middle = n * size + size / 2;
    for (let i = n * size; i < middle; i++) y[i] = x[i];
    for (let i = middle; i < (n + 1) * size; i++) {
      const capped = high - softplus(high - x[i]);
      y[i] = low + softplus(capped - low);
    }
  }
}

/** @type {Record<string, import("./operations.js").Operation>} */
export const ACTIVATIONS = {
  relu: elementwise((a) => (a > 0 ? a : 0)),
  leaky_relu: leakyRelu,
  elu,
  gelu,
  silu: elementwise((a) => a * sigmoid(a)),
  mish: elementwise((a) => a * Math.tanh(softplus(a))),
  tanh: elementwise(Math.tanh),
  sigmoid: elementwise(sigmoid),
  softplus: elementwise(softplus),
  hard_sigmoid: hardSigmoid,
  hard_swish: elementwise((a) => a * Math.min(1, Math.max(0, a / 6 + 0.5))),
  clip,
  exp: elementwise(Math.exp),
  log: elementwise(Math.log),
  sqrt: elementwise(Math.sqrt),
  square: elementwise((a) => a * a),
  reciprocal: elementwise((a) => 1 / a),
  abs: elementwise(Math.abs),
  negative: elementwise((a) => -a),
  erf: elementwise(erf),
  sin: elementwise(Math.sin),
  cos: elementwise(Math.cos),
  continuous_bernoulli_mean: elementwise(continuousBernoulliMean),
  soft_clamp_logvar: softClampLogvar,
};
