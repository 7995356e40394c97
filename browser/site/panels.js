/**
 * Data of the app's panels on the pages of a site. No DOM.
 *
 * @typedef {import("./held.js").Model} Model
 * @typedef {import("./view.js").View} View
 */
import { muOf } from "../map/points.js";
import { draw } from "../model/prior.js";
import { uniforms } from "../model/random.js";

/** Ends of a path, and sampled styles below the current code. */
const ENDS = 4;
const STYLES = 4;

/** What all panels of a page have. @param {Model} model @param {View} view @param {number} version */
export function pageData({ facts, network }, view, version) {
  return {
    model: { hash: facts.hash, decoder: network },
    z: view.z, pinned_id: view.pinnedId, y: view.y, z_version: version, dims: view.dims, seed: view.seed,
  };
}

/** @param {Model} model @param {View} view @param {number} height @param {boolean} tools */
export function mapData({ facts, codes, sprite }, view, height, tools) {
  const { projection, colour, manifold } = view;
  return { codes, sprite, classes: facts.classes, projection, colour, manifold, height, tools };
}

/** @param {Model} model @param {string} part */
export function methodData({ facts, codes, sprite, hasPixelTerms, average }, part) {
  return { part, codes, sprite, classes: facts.classes, has_pixel_terms: hasPixelTerms, average };
}

/** The codes that a path begins with: typical ones of the first classes. @param {Model} model @param {number} version */
export function morphData({ facts, codes, points }, version) {
  const cards = firstExamples(points, facts.given.length > 0).map((at, id) => {
    const named = points.labels && facts.given.length === 0;
    return { id, label: named ? facts.classes[points.labels[at]] : `#${points.ids[at]}`, z: Array.from(muOf(points, at)) };
  });
  const morph = { cards, terms: [null, null, null], kind: "spherical", directions: [] };
  return { morph, morph_version: version, codes, model_name: facts.name };
}

/** Typical examples of the first classes; for a conditional model, whose codes do not separate them, four of one label. */
function firstExamples(points, isConditional) {
  const all = Array.from({ length: points.count }, (_, at) => at);
  if (!points.labels) return all.slice(0, ENDS);
  const classes = [...new Set(points.labels)].sort((a, b) => a - b);
  if (isConditional) return all.filter((at) => points.labels[at] === points.labels[0]).slice(0, ENDS);
  return classes.slice(0, ENDS).map((label) => typical(points, all.filter((at) => points.labels[at] === label)));
}

/** The example whose code is nearest to the mean of some. */
function typical(points, some) {
  const d = points.latentDim;
  const mean = new Float64Array(d);
  for (const at of some) for (let k = 0; k < d; k++) mean[k] += muOf(points, at)[k] / some.length;
  const far = (at) => muOf(points, at).reduce((sum, value, k) => sum + (value - mean[k]) ** 2, 0);
  return some.reduce((best, at) => (far(at) < far(best) ? at : best));
}

/** @param {Model} model @param {View} view */
export function stylesData({ facts }, { seed }) {
  const uniform = uniforms(seed);
  const draws = Array.from({ length: STYLES }, () => Array.from(draw(null, null, facts.latent_dim, uniform)));
  return { names: facts.given, draws, priors: null };
}
