/**
 * The fragment of an exported page's address, which holds what it shows:
 * `#z=0.5,-1.2&y=3&map=pca&axes=1,3`. No DOM.
 *
 * @typedef {object} View
 * @property {ArrayLike<number> | null} z  the pinned code
 * @property {number | null} y  the label for a conditional model, counted from 0
 * @property {string | null} projection  one of the model's maps
 * @property {[number, number] | null} dims  the latent plane, counted from 0; in the address from 1
 * @property {string | null} [colour]  the key of what colours the map
 * @property {string | null} [search]  what is looked for in a column of text
 * @property {import("../map/filter.js").Condition[] | null} [filter]
 *
 * @typedef {object} Model  what a view must fit
 * @property {number} latentDim
 * @property {string[]} projections
 * @property {number} labels  of a conditional model; 0 for other models
 * @property {string[]} [colours]  keys of what colours the map; none for labels alone
 */

import { readConditions, writeConditions } from "../map/filter.js";

/** Decimals of a code in the address. */
const DIGITS = 4;
/** The most characters of a search. */
const LONGEST = 100;
/** The largest coordinate that is accepted. */
const FARTHEST = 50;

function numbers(text, count) {
  const parts = text.split(",");
  const values = parts.map(Number);
  const sound = parts.every((part, i) => part.trim() !== "" && Math.abs(values[i]) <= FARTHEST);
  return sound && values.length === count ? values : null;
}

function plane(text, latentDim) {
  const dims = numbers(text, 2)?.map((dim) => dim - 1);
  const sound = dims?.every((dim) => Number.isInteger(dim) && dim >= 0 && dim < latentDim);
  return sound && dims[0] !== dims[1] ? dims : null;
}

function label(text, labels) {
  return /^\d+$/.test(text) && Number(text) < labels ? Number(text) : null;
}

/** Entries by their names in the address: the key of the view, and how the value is read. */
const ENTRIES = {
  z: ["z", (text, { latentDim }) => numbers(text, latentDim)],
  y: ["y", (text, { labels }) => label(text, labels)],
  map: ["projection", (text, { projections }) => (projections.includes(text) ? text : null)],
  colour: ["colour", (text, { colours = [] }) => (colours.includes(text) ? text : null)],
  search: ["search", (text, { colours = [] }) => (colours.length > 0 && text.length <= LONGEST ? text : null)],
  filter: ["filter", (text, { colours = [] }) => readConditions(text, colours)],
  axes: ["dims", (text, { latentDim }) => plane(text, latentDim)],
};

/**
 * Read a fragment.
 *
 * @param {string} text  with or without the "#"
 * @param {Model} model
 * @returns {{view: View, ignored: string[]}} entries that are missing or do not fit are null; those
 *   that do not fit are named
 */
export function readFragment(text, model) {
  const view = { z: null, y: null, projection: null, dims: null };
  const ignored = [];
  for (const [name, value] of new URLSearchParams(text.replace(/^#/, ""))) {
    const entry = Object.hasOwn(ENTRIES, name) ? ENTRIES[name] : null;
    const read = entry ? entry[1](value, model) : null;
    if (read === null) ignored.push(`${name}=${value}`);
    else view[entry[0]] = read;
  }
  return { view, ignored };
}

/**
 * Write a fragment.
 *
 * @param {View} view  entries that are null are left out
 * @returns {string} without the "#"
 */
export function writeFragment({ z, y, projection, dims, colour = null, search = null, filter = null }) {
  const parts = [];
  if (z) parts.push(`z=${Array.from(z, (value) => Number(value.toFixed(DIGITS)))}`);
  if (y !== null) parts.push(`y=${y}`);
  if (projection) parts.push(`map=${projection}`);
  if (colour) parts.push(`colour=${encodeURIComponent(colour)}`);
  if (search) parts.push(`search=${encodeURIComponent(search)}`);
  if (filter?.length) parts.push(`filter=${encodeURIComponent(writeConditions(filter))}`);
  if (dims) parts.push(`axes=${dims.map((dim) => dim + 1)}`);
  return parts.join("&");
}
