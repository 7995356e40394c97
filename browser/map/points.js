/**
 * Read encoded sets. No DOM.
 *
 * Examples are identified by id; an index into these arrays is valid only for this set.
 *
 * @typedef {object} Points  an encoded set: n examples, d latent dimensions
 * @property {number} count  n
 * @property {number} latentDim  d
 * @property {Int32Array} ids  (n)
 * @property {Map<number, number>} byId  index by id
 * @property {Int16Array|null} labels  (n)
 * @property {Float32Array} mu  (n, d) posterior means
 * @property {Float32Array|null} sigma  (n, d) posterior standard deviations; null for codes without a model
 * @property {Float32Array|null} rate  (n) nats; null for a model without a prior
 * @property {Float32Array|null} distortion  (n) nats; null if it was not measured
 * @property {Record<string, Float32Array>} projections  (n, 2) each
 * @property {{mean: Float32Array, components: Float32Array}|null} pca  (d) and (2, d)
 * @property {import("./columns.js").Column[]} [columns]  beside the labels
 */
import { unbundle } from "../files/assets.js";

/** Read an encoded set. @param {Uint8Array} bytes  of vae_core.formats.bundles.codes_bundle @returns {Points} */
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
    sigma: arrays.sigma ?? null,
    rate: arrays.rate ?? null,
    distortion: arrays.distortion ?? null,
    projections,
    pca: arrays.pca_mean ? { mean: arrays.pca_mean, components: arrays.pca_components } : null,
  };
}

/**
 * Replace the t-SNE positions of a set, for instance while they are computed.
 *
 * @param {Points} points
 * @param {Uint8Array} bytes  of vae_core.formats.bundles.positions_bundle
 * @returns {Points} examples that are not in the bundle are at the origin
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

/** Return the posterior mean of example `i`. @param {Points} points @param {number} i @returns {Float32Array} (d) */
export function muOf(points, i) {
  return points.mu.subarray(i * points.latentDim, (i + 1) * points.latentDim);
}

/** Return the posterior standard deviations (d), or null. @param {Points} points @param {number} i @returns {Float32Array|null} */
export function sigmaOf(points, i) {
  return points.sigma && points.sigma.subarray(i * points.latentDim, (i + 1) * points.latentDim);
}

/** Return the index of the example with the code nearest to `z` in latent space, -1 for no examples. */
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
