/**
 * The view that a step of a lesson names, by the URL parameters of the app. No DOM.
 *
 * app/address.py has all parameters. Those of pages that a site lacks are ignored.
 *
 * @typedef {object} View
 * @property {number[]} z  the pinned code
 * @property {number | null} pinnedId
 * @property {number | null} y
 * @property {string} projection  "raw", "pca" or "tsne"
 * @property {[number, number]} dims
 * @property {string} colour
 * @property {number} manifold  opacity of the decoded images behind the map
 * @property {number} n  cells per side of the manifold
 * @property {number} seed
 * @property {string | null} training  settings of the training
 */
import { muOf } from "../map/points.js";
import { readFragment } from "../standalone/fragment.js";

/** The maps of the app by the names of the panel. */
const MAPS = { axes: "raw", pca: "pca", tsne: "tsne" };
const COLOURS = ["label", "rate", "distortion"];
const SIDE = 20;

/**
 * @param {Record<string, string>} parameters
 * @param {{facts: import("../standalone/explorer.js").Facts, points: import("../map/points.js").Points}} model
 * @returns {View}
 */
export function readView(parameters, { facts, points }) {
  const fits = { latentDim: facts.latent_dim, projections: facts.projections, labels: facts.given.length };
  const { z, y, axes } = parameters;
  const read = readFragment(new URLSearchParams(withoutMissing({ z, y, axes, map: MAPS[parameters.map] })).toString(), fits).view;
  const pinned = exampleOf(Number(parameters.id), points);
  return {
    z: read.z ?? pinned?.z ?? facts.start ?? new Array(facts.latent_dim).fill(0),
    pinnedId: read.z === null && pinned !== null ? pinned.id : null,
    y: facts.given.length === 0 ? null : (read.y ?? pinned?.label ?? 0),
    projection: read.projection ?? facts.projections[0],
    dims: read.dims ?? facts.dims,
    colour: COLOURS.includes(parameters.colour) ? parameters.colour : "label",
    manifold: Number(parameters.behind ?? 0),
    n: Number(parameters.n ?? SIDE),
    seed: Number(parameters.seed ?? 0),
    training: parameters.training ?? null,
  };
}

const withoutMissing = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

/** The code and the label of an example, or null. */
function exampleOf(id, points) {
  const at = points.byId.get(id);
  if (at === undefined) return null;
  return { id, z: Array.from(muOf(points, at)), label: points.labels ? points.labels[at] : null };
}

/** The step of the address, from 1. @param {string} hash @param {number} steps @returns {number} */
export function stepOf(hash, steps) {
  const step = Number(new URLSearchParams(hash.replace(/^#/, "")).get("step") ?? 1);
  return Number.isInteger(step) ? Math.min(Math.max(step, 1), steps) : 1;
}
