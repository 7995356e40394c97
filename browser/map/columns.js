/**
 * Columns of an encoded set: numbers, categories and text beside its codes. No DOM.
 *
 * @typedef {object} Column  of n examples
 * @property {string} key  its name in addresses: "label", "rate", "distortion", "column.height"
 * @property {string} name
 * @property {"number"|"category"|"text"} kind
 * @property {Float64Array|Int16Array|null} values  numbers, NaN for none; or positions among the
 *   categories, -1 for none
 * @property {string[]} categories  empty for other kinds
 * @property {string[]} texts  empty for other kinds; "" for none
 */
import { unbundle } from "../files/assets.js";
import { measured } from "../ui/words.js";

/** Columns that every set may have, with their names. */
const OWN = { label: "Label", rate: "Rate", distortion: "Distortion" };

/**
 * Read the columns of a set, in the order of its examples; an example that they lack has no values.
 *
 * @param {import("./points.js").Points} points
 * @param {Uint8Array} bytes  of vae_core.formats.bundles.columns_bundle
 * @returns {Column[]}
 */
export function readColumns(points, bytes) {
  const { meta, arrays } = unbundle(bytes);
  const rows = new Map(Array.from(arrays.ids, (id, row) => [id, row]));
  const order = Array.from(points.ids, (id) => rows.get(id) ?? -1);
  return meta.columns.map(({ key, name, kind, categories = [], texts = [] }, place) => ({
    key, name, kind, categories,
    values: kind === "text" ? null : ordered(arrays[place], order, kind === "number" ? NaN : -1),
    texts: kind === "text" ? order.map((row) => texts[row] ?? "") : [],
  }));
}

function ordered(values, order, missing) {
  return values.constructor.from(order, (row) => (row < 0 ? missing : values[row]));
}

/**
 * Return what a set can be coloured and filtered by, by key; empty for a set with labels alone.
 *
 * @param {import("./points.js").Points} points
 * @param {string[]} [classes]
 * @returns {Map<string, Column>}
 */
export function columnsOf(points, classes = []) {
  const columns = new Map();
  if (!points.columns?.length) return columns;
  if (points.labels) {
    const highest = points.labels.reduce((most, label) => Math.max(most, label), -1);
    const categories = Array.from({ length: Math.max(highest + 1, classes.length) }, (_, i) => classes[i] ?? String(i));
    columns.set("label", { key: "label", name: OWN.label, kind: "category", values: points.labels, categories, texts: [] });
  }
  for (const key of ["rate", "distortion"]) {
    if (points[key]) columns.set(key, { key, name: OWN[key], kind: "number", values: points[key], categories: [], texts: [] });
  }
  for (const column of points.columns) columns.set(column.key, column);
  return columns;
}

/** Return the value of an example in words, "" for none. @param {Column} column @param {number} n @returns {string} */
export function valueOf(column, n) {
  if (column.kind === "text") return column.texts[n];
  if (column.kind === "category") return column.categories[column.values[n]] ?? "";
  return Number.isNaN(column.values[n]) ? "" : measured(column.values[n]);
}

/** Return the smallest and the largest number of a column. @param {Column} column @returns {[number, number]} */
export function extentOf({ values }) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** Return the 1st and the 99th percentile of a column's numbers. @param {Column} column @returns {[number, number]} */
export function middleOf({ values }) {
  const sorted = Float64Array.from(values).filter((value) => !Number.isNaN(value)).sort();
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  return [at(0.01), at(0.99)];
}

/** Count the examples of each category, and those without one. @param {Column} column */
export function countsOf({ values, categories }) {
  const counts = new Uint32Array(categories.length);
  let missing = 0;
  for (const place of values) {
    if (place >= 0) counts[place] += 1;
    else missing += 1;
  }
  return { counts, missing };
}

/** Count the examples without a value. @param {Column} column @param {number} count  of all examples */
export function missingOf(column, count) {
  let missing = 0;
  for (let n = 0; n < count; n++) if (valueIsMissing(column, n)) missing += 1;
  return missing;
}

function valueIsMissing({ kind, values, texts }, n) {
  if (kind === "text") return texts[n] === "";
  return kind === "category" ? values[n] < 0 : Number.isNaN(values[n]);
}

/** Lower-case texts by column, since they are searched with every letter. */
const lowered = new WeakMap();

/**
 * Return which examples have a text that contains another, whatever the case.
 *
 * @param {Column} column
 * @param {string} wanted
 * @returns {Uint8Array} (n) 1 for those that do
 */
export function containing(column, wanted) {
  if (!lowered.has(column)) lowered.set(column, column.texts.map((text) => text.toLowerCase()));
  const text = wanted.toLowerCase();
  return Uint8Array.from(lowered.get(column), (one) => (one.includes(text) ? 1 : 0));
}
