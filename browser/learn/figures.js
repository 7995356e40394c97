/**
 * The numbers of one image on its way through a variational autoencoder. No DOM.
 *
 * @typedef {object} Figures
 * @property {Float32Array} mu
 * @property {Float32Array} logvar
 * @property {Float32Array} sigma
 * @property {Float32Array} eps  drawn, or what leads to the code under the pointer
 * @property {Float32Array} z  mu + sigma · eps
 * @property {boolean} chosen  whether z was chosen, not drawn
 * @property {Float32Array} mean  the decoded image
 * @property {number|null} rate  KL(q(z|x) ‖ p(z)), nats
 * @property {number|null} distortion  −log p(x|z) at this z, nats; null without x or its likelihood
 * @property {number|null} loss  −ELBO estimated with this z, nats
 */
import { decode, encode } from "../model/network.js";
import { draw, kl } from "../model/prior.js";
import { uniforms } from "../model/random.js";

/** Probabilities are kept this far from 0 and 1, where 32 bits have rounded them. */
const LEAST = 1e-7;

/**
 * Compute all figures.
 *
 * @param {object} given
 * @param {import("../model/network.js").Network} given.network
 * @param {Float32Array|null} given.x  (c · h · w) in [0, 1]; null where the original is not there
 * @param {{mu: Float32Array, logvar: Float32Array}} given.known  the example's code in the encoded set
 * @param {Float32Array|null} given.chosen  z under the pointer; null for a drawn one
 * @param {number|null} given.y
 * @param {number} given.seed  of the drawn noise
 * @param {boolean} given.hasPixelTerms  whether the likelihood is Bernoulli
 * @returns {Figures}
 */
export function figuresOf({ network, x, known, chosen, y, seed, hasPixelTerms }) {
  const { mu, logvar } = x && network.encoder ? encode(network, x, y) : known;
  const sigma = logvar.map((value) => Math.exp(0.5 * value));
  const eps = chosen
    ? chosen.map((value, k) => (value - mu[k]) / sigma[k])
    : draw(null, null, mu.length, uniforms(seed));
  const z = chosen ?? mu.map((value, k) => value + sigma[k] * eps[k]);
  const mean = decode(network, z, y);
  const rate = network.hasRate === false ? null : kl({ mu, logvar }, network.prior, y);
  const distortion = x && hasPixelTerms ? crossEntropy(x, mean) : null;
  const loss = rate === null || distortion === null ? null : rate + distortion;
  return { mu, logvar, sigma, eps, z, chosen: chosen !== null, mean, rate, distortion, loss };
}

/** Return −Σ x log p + (1 − x) log(1 − p) in nats. @param {ArrayLike<number>} x @param {ArrayLike<number>} p */
export function crossEntropy(x, p) {
  let nats = 0;
  for (let i = 0; i < x.length; i++) {
    const one = Math.min(1 - LEAST, Math.max(LEAST, p[i]));
    nats -= x[i] * Math.log(one) + (1 - x[i]) * Math.log(1 - one);
  }
  return nats;
}
