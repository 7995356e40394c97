/** Planes in which the map shows codes: latent dimensions, principal components, t-SNE. No DOM. */
import { dimension } from "../ui/words.js";

/**
 * @typedef {object} Plane  the points of an encoded set in two dimensions
 * @property {string} key  names projection and dimensions
 * @property {Float32Array} x  (n)
 * @property {Float32Array} y  (n)
 * @property {[string, string|null]|null} axes  names; null for directions without a meaning
 * @property {{label: number, y: number}[]} [rows]  heights of the labels, for one latent dimension
 * @property {((x: number, y: number, held: ArrayLike<number>) => Float32Array)|null} lift  returns the
 *   code at a point, with dimensions outside the plane from `held`; null without an inverse
 * @property {((z: ArrayLike<number>) => [number, number])|null} project  returns the point of a code
 * @property {((sigma: ArrayLike<number>) => [number, number, number])|null} covariance  returns xx,
 *   xy and yy in the plane of a diagonal Gaussian in latent space
 */

/**
 * Return the key of a plane.
 *
 * @param {string} projection  "raw", "pca" or "tsne"
 * @param {[number, number]} dims  for "raw"
 * @returns {string}
 */
export function planeKey(projection, dims) {
  return projection === "raw" ? `raw:${dims.join(":")}` : projection;
}

function rawPlane(points, [i, j]) {
  return {
    x: column(points.mu, points.latentDim, i),
    y: column(points.mu, points.latentDim, j),
    axes: [dimension(i), dimension(j)],
    lift(px, py, held) {
      const z = Float32Array.from(held);
      z[i] = px;
      z[j] = py;
      return z;
    },
    project: (z) => [z[i], z[j]],
    covariance: (sigma) => [sigma[i] ** 2, 0, sigma[j] ** 2],
  };
}

/** Vertical semi-axis of the ellipses on a line, data units. */
const LINE_SIGMA = 0.12;

/** One latent dimension, with a row for each label (vae_core.latents.along_line). */
function linePlane(points) {
  const { x, y } = pairs(points.projections.line);
  const rows = new Map();
  points.labels?.forEach((label, n) => {
    const [low, high] = rows.get(label) ?? [Infinity, -Infinity];
    rows.set(label, [Math.min(low, y[n]), Math.max(high, y[n])]);
  });
  return {
    x,
    y,
    axes: [dimension(0), null],
    rows: [...rows].map(([label, [low, high]]) => ({ label, y: (low + high) / 2 })),
    lift: (px) => Float32Array.of(px),
    project: (z) => [z[0], 0],
    covariance: (sigma) => [sigma[0] ** 2, 0, LINE_SIGMA ** 2],
  };
}

function column(values, width, index) {
  const numbers = new Float32Array(values.length / width);
  for (let n = 0; n < numbers.length; n++) numbers[n] = values[n * width + index];
  return numbers;
}

const pairs = (values) => ({ x: column(values, 2, 0), y: column(values, 2, 1) });

function pcaPlane(points) {
  const { mean, components } = points.pca;
  const d = points.latentDim;
  return {
    ...pairs(points.projections.pca),
    axes: ["1st principal component", "2nd principal component"],
    lift(px, py) {
      const z = new Float32Array(d);
      for (let k = 0; k < d; k++) z[k] = mean[k] + px * components[k] + py * components[d + k];
      return z;
    },
    project(z) {
      let px = 0;
      let py = 0;
      for (let k = 0; k < d; k++) {
        px += (z[k] - mean[k]) * components[k];
        py += (z[k] - mean[k]) * components[d + k];
      }
      return [px, py];
    },
    covariance(sigma) {
      let xx = 0;
      let xy = 0;
      let yy = 0;
      for (let k = 0; k < d; k++) {
        const variance = sigma[k] ** 2;
        xx += variance * components[k] ** 2;
        xy += variance * components[k] * components[d + k];
        yy += variance * components[d + k] ** 2;
      }
      return [xx, xy, yy];
    },
  };
}

function tsnePlane(points) {
  return { ...pairs(points.projections.tsne), axes: null, lift: null, project: null, covariance: null };
}

/** The projections: whether a set has them, and how their planes are made. */
const PLANES = {
  raw: {
    has: (points, dims) => Math.max(...dims) < points.latentDim || "line" in points.projections,
    make: (points, dims) => (points.latentDim === 1 ? linePlane : rawPlane)(points, dims),
  },
  pca: { has: (points) => points.pca !== null && "pca" in points.projections, make: pcaPlane },
  tsne: { has: (points) => "tsne" in points.projections, make: tsnePlane },
};

/**
 * Return the plane of a projection.
 *
 * @param {import("./points.js").Points} points
 * @param {string} projection  "raw", "pca" or "tsne"
 * @param {[number, number]} dims  for "raw"
 * @returns {Plane}
 * @throws {TypeError} for another projection
 * @throws {RangeError} if the set does not have it
 */
export function planeOf(points, projection, dims) {
  if (!Object.hasOwn(PLANES, projection)) throw new TypeError(`there is no projection "${projection}"`);
  const { has, make } = PLANES[projection];
  if (!has(points, dims)) throw new RangeError(`this encoded set holds no projection "${projection}"`);
  return { key: planeKey(projection, dims), ...make(points, dims) };
}

/**
 * Return where the points of a plane start in an animated change: at the screen positions that the same
 * examples had before. Examples that were not there start where they end.
 *
 * @param {{points: import("./points.js").Points, plane: Plane, camera: import("./geometry.js").Camera}} from
 * @param {{points: import("./points.js").Points, plane: Plane, camera: import("./geometry.js").Camera}} to
 * @returns {{x: Float32Array, y: Float32Array}} (n) in the plane of `to`
 */
export function origins(from, to) {
  const x = Float32Array.from(to.plane.x);
  const y = Float32Array.from(to.plane.y);
  const ratio = to.camera.height / from.camera.height;
  for (let n = 0; n < to.points.count; n++) {
    const old = from.points.byId.get(to.points.ids[n]);
    if (old === undefined) continue;
    x[n] = to.camera.x + (from.plane.x[old] - from.camera.x) * ratio;
    y[n] = to.camera.y + (from.plane.y[old] - from.camera.y) * ratio;
  }
  return { x, y };
}
