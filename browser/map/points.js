/**
 * An encoded set as the page holds it, the planes it is shown in, and its drawing. No DOM.
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
import { dimension } from "../ui/words.js";

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

/**
 * A way to look at codes in two dimensions.
 *
 * @typedef {object} Plane
 * @property {string} key
 * @property {Float32Array} x
 * @property {Float32Array} y
 * @property {[string, string|null]|null} axes  names, or null where directions mean nothing
 * @property {{label: number, y: number}[]} [rows]  of a line's labels
 * @property {((x: number, y: number, held: ArrayLike<number>) => Float32Array)|null} lift  the code
 *   at a place, `held` giving what the plane leaves open; null where there is no inverse
 * @property {((z: ArrayLike<number>) => [number, number])|null} project
 * @property {((sigma: ArrayLike<number>) => [number, number, number])|null} covariance  xx, xy, yy
 */

function rawPlane(points, [i, j]) {
  const x = new Float32Array(points.count);
  const y = new Float32Array(points.count);
  for (let n = 0; n < points.count; n++) {
    x[n] = points.mu[n * points.latentDim + i];
    y[n] = points.mu[n * points.latentDim + j];
  }
  return {
    key: `raw:${i}:${j}`,
    x,
    y,
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

/** Height, in units of the one dimension, of the outline of a spread on a line. */
const LINE_SIGMA = 0.12;

/** Codes of one dimension, a row for each label (vae_core.latents.along_line). */
function linePlane(points, [i, j]) {
  const { x, y } = columns(points.projections.line);
  const rows = new Map();
  points.labels?.forEach((label, n) => {
    const [low, high] = rows.get(label) ?? [Infinity, -Infinity];
    rows.set(label, [Math.min(low, y[n]), Math.max(high, y[n])]);
  });
  return {
    key: `raw:${i}:${j}`,
    x,
    y,
    axes: [dimension(0), null],
    rows: [...rows].map(([label, [low, high]]) => ({ label, y: (low + high) / 2 })),
    lift: (px) => Float32Array.of(px),
    project: (z) => [z[0], 0],
    covariance: (sigma) => [sigma[0] ** 2, 0, LINE_SIGMA ** 2],
  };
}

function columns(pairs) {
  const x = new Float32Array(pairs.length / 2);
  const y = new Float32Array(pairs.length / 2);
  for (let n = 0; n < x.length; n++) {
    x[n] = pairs[2 * n];
    y[n] = pairs[2 * n + 1];
  }
  return { x, y };
}

function pcaPlane(points) {
  const { mean, components } = points.pca;
  const d = points.latentDim;
  return {
    key: "pca",
    ...columns(points.projections.pca),
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
  return {
    key: "tsne",
    ...columns(points.projections.tsne),
    axes: null,
    lift: null,
    project: null,
    covariance: null,
  };
}

/** Every projection: what it needs, and how it is made. */
const PLANES = {
  raw: {
    there: (points, dims) => Math.max(...dims) < points.latentDim || "line" in points.projections,
    make: (points, dims) => (points.latentDim === 1 ? linePlane : rawPlane)(points, dims),
  },
  pca: { there: (points) => points.pca !== null && "pca" in points.projections, make: pcaPlane },
  tsne: { there: (points) => "tsne" in points.projections, make: tsnePlane },
};

/**
 * @param {Points} points
 * @param {string} projection  "raw", "pca" or "tsne"
 * @param {[number, number]} dims  for "raw"
 * @returns {Plane}
 */
export function planeOf(points, projection, dims) {
  if (!Object.hasOwn(PLANES, projection)) {
    throw new TypeError(`there is no projection "${projection}"`);
  }
  if (!PLANES[projection].there(points, dims)) {
    throw new RangeError(`this encoded set holds no projection "${projection}"`);
  }
  return PLANES[projection].make(points, dims);
}

/**
 * Where each point of the next plane comes from, for an animated change: the old place of the same
 * example, as seen through the old camera, in units of the new one.
 *
 * @param {{points: Points, plane: Plane, camera: import("./geometry.js").Camera}} from
 * @param {{points: Points, plane: Plane, camera: import("./geometry.js").Camera}} to
 * @returns {{x: Float32Array, y: Float32Array}}
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

const SUBPIXELS = 4;

/**
 * Laying `added` over `covered` (both 0 to 255), at covered · 256 + added: the opacity that comes
 * out, and the new colour's share of the mixture in 256ths, all of it on empty ground.
 */
const ALPHAS = new Uint8Array(65536);
const SHARES = new Uint16Array(65536);
for (let covered = 0; covered < 256; covered++) {
  for (let added = 0; added < 256; added++) {
    const alpha = covered + ((255 - covered) * added) / 255;
    ALPHAS[covered * 256 + added] = Math.round(alpha);
    SHARES[covered * 256 + added] = alpha > 0 ? Math.round((256 * added) / alpha) : 0;
  }
}

const masks = new Map();

/** Anti-aliased discs for every quarter of a pixel: offsets into an image and coverages 0 to 255. */
function discs(radius, width) {
  const key = `${radius.toFixed(2)}:${width}`;
  if (masks.has(key)) return masks.get(key);
  const reach = Math.ceil(radius + 1);
  const list = [];
  for (let sy = 0; sy < SUBPIXELS; sy++) {
    for (let sx = 0; sx < SUBPIXELS; sx++) {
      const offsets = [];
      const covers = [];
      const cx = (sx + 0.5) / SUBPIXELS;
      const cy = (sy + 0.5) / SUBPIXELS;
      for (let dy = -reach; dy <= reach; dy++) {
        for (let dx = -reach; dx <= reach; dx++) {
          const distance = Math.hypot(dx + 0.5 - cx, dy + 0.5 - cy);
          const cover = Math.min(1, Math.max(0, radius + 0.5 - distance));
          if (cover < 0.06) continue;
          offsets.push(dy * width + dx);
          covers.push(Math.round(255 * cover));
        }
      }
      list.push({ offsets: Int32Array.from(offsets), covers: Int32Array.from(covers) });
    }
  }
  if (masks.size > 24) masks.clear();
  const made = { list, reach };
  masks.set(key, made);
  return made;
}

/**
 * Draws points as soft discs whose opacity adds up where they overlap, so that crowded places are
 * darker than sparse ones however the points are ordered.
 *
 * @param {Uint32Array} pixels  RGBA of an image, little-endian, added to
 * @param {{width: number, height: number}} image  in device pixels
 * @param {{x: ArrayLike<number>, y: ArrayLike<number>}} place
 * @param {{scale: number, left: number, top: number}} view  device pixel = left + scale · x and
 *   top − scale · y
 * @param {object} style
 * @param {number} style.radius  device pixels
 * @param {number} style.opacity  of one point, 0 to 1
 * @param {Uint32Array} style.colours  0xBBGGRR for each point
 * @param {Uint8Array} style.layer  which points belong to this pass
 * @param {number} style.wanted  the value of `layer` that is drawn
 */
export function splat(pixels, { width, height }, { x, y }, view, style) {
  const { list, reach } = discs(style.radius, width);
  const opacity = Math.round(256 * Math.min(1, style.opacity));
  for (let n = 0; n < x.length; n++) {
    if (style.layer[n] !== style.wanted) continue;
    const px = view.left + view.scale * x[n];
    const py = view.top - view.scale * y[n];
    const column = Math.floor(px);
    const row = Math.floor(py);
    if (column < reach || row < reach || column >= width - reach || row >= height - reach) continue;
    const sub = Math.floor((py - row) * SUBPIXELS) * SUBPIXELS + Math.floor((px - column) * SUBPIXELS);
    const { offsets, covers } = list[sub];
    const centre = row * width + column;
    const colour = style.colours[n];
    const red = colour & 255;
    const green = (colour >> 8) & 255;
    const blue = (colour >> 16) & 255;
    for (let k = 0; k < offsets.length; k++) {
      const at = centre + offsets[k];
      const under = pixels[at];
      const mixture = ((under >>> 24) << 8) | ((covers[k] * opacity) >> 8);
      const alpha = ALPHAS[mixture] << 24;
      const rgb = under & 0xffffff;
      if (rgb === colour) {
        pixels[at] = (alpha | colour) >>> 0;
        continue;
      }
      const share = SHARES[mixture];
      const r = under & 255;
      const g = (under >> 8) & 255;
      const b = (under >> 16) & 255;
      pixels[at] =
        (alpha |
          ((b + (((blue - b) * share) >> 8)) << 16) |
          ((g + (((green - g) * share) >> 8)) << 8) |
          (r + (((red - r) * share) >> 8))) >>>
        0;
    }
  }
}
