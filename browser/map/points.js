/**
 * An encoded set as the page holds it. No DOM.
 *
 * Everything is kept by example id: a position in these arrays means nothing outside of them.
 *
 * @typedef {object} Points
 * @property {number} count
 * @property {number} latentDim
 * @property {Int32Array} ids
 * @property {Map<number, number>} byId  id to position
 * @property {Int16Array|null} labels
 * @property {Float32Array} mu  (n, d)
 * @property {Float32Array} sigma  (n, d)
 * @property {Float32Array|null} rate  null where the model has no prior
 * @property {Float32Array|null} distortion  null where it was not measured
 * @property {Record<string, Float32Array>} projections  (n, 2) each
 * @property {{mean: Float32Array, components: Float32Array}|null} pca  (d) and (2, d)
 */
import { unbundle } from "../files/assets.js";

/** @param {Uint8Array} bytes  of vae_core.formats.bundles.codes_bundle @returns {Points} */
export function readPoints(bytes) {
  const { meta, arrays } = unbundle(bytes);
  const prefix = "projection.";
  const projections = Object.fromEntries(
    Object.entries(arrays)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, values]) => [name.slice(prefix.length), values]),
  );
  return {
    count: arrays.ids.length,
    latentDim: meta.latent_dim,
    ids: arrays.ids,
    byId: new Map(Array.from(arrays.ids, (id, i) => [id, i])),
    labels: arrays.labels ?? null,
    mu: arrays.mu,
    sigma: arrays.sigma,
    rate: arrays.rate ?? null,
    distortion: arrays.distortion ?? null,
    projections,
    pca: arrays.pca_mean ? { mean: arrays.pca_mean, components: arrays.pca_components } : null,
  };
}

/**
 * The same set with its t-SNE map replaced, as while one is being computed.
 *
 * @param {Points} points
 * @param {Uint8Array} bytes  of vae_core.formats.bundles.positions_bundle
 * @returns {Points} points that the bundle lacks lie at the origin
 */
export function withPositions(points, bytes) {
  const { arrays } = unbundle(bytes);
  const tsne = new Float32Array(2 * points.count);
  arrays.ids.forEach((id, i) => {
    const n = points.byId.get(id);
    if (n !== undefined) tsne.set(arrays.positions.subarray(2 * i, 2 * i + 2), 2 * n);
  });
  return { ...points, projections: { ...points.projections, tsne } };
}

/** @param {Points} points @param {number} i @returns {Float32Array} (d) the posterior mean */
export function muOf(points, i) {
  return points.mu.subarray(i * points.latentDim, (i + 1) * points.latentDim);
}

/** @param {Points} points @param {number} i @returns {Float32Array} (d) */
export function sigmaOf(points, i) {
  return points.sigma.subarray(i * points.latentDim, (i + 1) * points.latentDim);
}

/** Position of the real code that is nearest to `z` in latent space. */
export function nearestCode(points, z) {
  let best = -1;
  let least = Infinity;
  for (let i = 0, at = 0; i < points.count; i++, at += points.latentDim) {
    let squared = 0;
    for (let k = 0; k < points.latentDim && squared < least; k++) {
      squared += (points.mu[at + k] - z[k]) ** 2;
    }
    if (squared < least) {
      least = squared;
      best = i;
    }
  }
  return best;
}
