/**
 * The prior of a model: p(z), or p(z|y) where it differs by label. No DOM.
 *
 * In all functions `prior` is null for N(0, I), `y` a label or null, `d` the latent dimensions.
 *
 * @typedef {object} Prior  k diagonal Gaussians
 * @property {Float32Array} mu  (k · latent_dim)
 * @property {Float32Array} logvar  (k · latent_dim)
 * @property {Float32Array} logShare  (k) log weights of a mixture
 * @property {boolean} byLabel  whether there is one Gaussian for each label, instead of a mixture
 */
import { quantile } from "./quantile.js";
import { uniforms } from "./random.js";

const LOG_2PI = Math.log(2 * Math.PI);
/** The log weights of a single Gaussian. */
const SINGLE = Float32Array.of(0);
/** Draws for means that have no closed form. */
const DRAWS = 64;
const SEED = 1;

/** The mixture for label y, often of a single Gaussian. */
function given(prior, y, d) {
  if (!prior) return { mu: new Float32Array(d), logvar: new Float32Array(d), logShare: SINGLE };
  if (!prior.byLabel) return prior;
  const start = (y ?? 0) * d;
  return { mu: prior.mu.subarray(start, start + d), logvar: prior.logvar.subarray(start, start + d), logShare: SINGLE };
}

/** Log density of z under Gaussian k. */
function logNormal({ mu, logvar }, z, k = 0) {
  let sum = 0;
  for (let i = 0, at = k * z.length; i < z.length; i++, at++) {
    sum += (z[i] - mu[at]) ** 2 * Math.exp(-logvar[at]) + logvar[at] + LOG_2PI;
  }
  return -0.5 * sum;
}

function logMixture(mixture, z) {
  const logs = Array.from(mixture.logShare, (share, k) => share + logNormal(mixture, z, k));
  const most = Math.max(...logs);
  return most + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - most), 0));
}

/** Draw from Gaussian k. */
function drawNormal({ mu, logvar }, k, d, uniform) {
  return Float32Array.from({ length: d }, (_, i) => mu[k * d + i] + Math.exp(0.5 * logvar[k * d + i]) * quantile(uniform()));
}

function drawMixture(mixture, d, uniform) {
  let k = 0;
  if (mixture.logShare.length > 1) {
    let rest = uniform();
    while (k < mixture.logShare.length - 1 && rest > Math.exp(mixture.logShare[k])) rest -= Math.exp(mixture.logShare[k++]);
  }
  return drawNormal(mixture, k, d, uniform);
}

/**
 * Draw a code from the prior.
 *
 * @param {Prior | null} prior
 * @param {number | null} y
 * @param {number} d
 * @param {() => number} uniform  a generator of uniform numbers in (0, 1)
 * @returns {Float32Array} (latent_dim)
 */
export function draw(prior, y, d, uniform) {
  return drawMixture(given(prior, y, d), d, uniform);
}

/** Log density in nats. @param {ArrayLike<number>} z  (latent_dim) */
export function logProb(prior, y, z) {
  return logMixture(given(prior, y, z.length), z);
}

/** The mean log density of the prior's own draws, in nats; an estimate for a mixture. */
export function meanLogProb(prior, y, d) {
  const mixture = given(prior, y, d);
  if (mixture.logShare.length === 1) {
    return -0.5 * mixture.logvar.reduce((sum, logvar) => sum + 1 + LOG_2PI + logvar, 0);
  }
  const uniform = uniforms(SEED);
  let sum = 0;
  for (let n = 0; n < DRAWS; n++) sum += logMixture(mixture, drawMixture(mixture, d, uniform));
  return sum / DRAWS;
}

/**
 * Mean and standard deviation of each dimension.
 *
 * @returns {[Float32Array, Float32Array]} (latent_dim) each
 */
export function moments(prior, y, d) {
  const { mu, logvar, logShare } = given(prior, y, d);
  const means = new Float32Array(d);
  const squares = new Float32Array(d);
  logShare.forEach((log, k) => {
    const share = Math.exp(log);
    for (let i = 0, at = k * d; i < d; i++, at++) {
      means[i] += share * mu[at];
      squares[i] += share * (Math.exp(logvar[at]) + mu[at] ** 2);
    }
  });
  return [means, squares.map((square, i) => Math.sqrt(square - means[i] ** 2))];
}

/** Whether a prior is a mixture, whose `kl` is an estimate. */
export function isMixture(prior) {
  return Boolean(prior) && !prior.byLabel && prior.logShare.length > 1;
}

/**
 * KL(q(z|x) || p) in nats, in closed form, or for a mixture estimated with draws from q.
 *
 * @param {{mu: Float32Array, logvar: Float32Array}} q
 * @param {Prior | null} [prior]
 * @param {number | null} [y]
 */
export function kl(q, prior = null, y = null) {
  const d = q.mu.length;
  const p = given(prior, y, d);
  let sum = 0;
  if (p.logShare.length === 1) {
    for (let i = 0; i < d; i++) {
      const ratio = q.logvar[i] - p.logvar[i];
      sum += (q.mu[i] - p.mu[i]) ** 2 * Math.exp(-p.logvar[i]) + Math.exp(ratio) - ratio - 1;
    }
    return 0.5 * sum;
  }
  const uniform = uniforms(SEED);
  for (let n = 0; n < DRAWS; n++) {
    const z = drawNormal(q, 0, d, uniform);
    sum += logNormal(q, z) - logMixture(p, z);
  }
  return sum / DRAWS;
}
