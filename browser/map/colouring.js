/** Colours of the points. No DOM. */
import { classColour, colourByLabel, colourByValue, OTHERS, packed, SEVERAL } from "../ui/colours.js";
import { containing, countsOf, extentOf, missingOf } from "./columns.js";

const METRICS = { rate: "Rate", distortion: "Distortion" };
const UNLABELLED = { light: "#0f766e", dark: "#7dd3c8" };
const GREYED = { light: "#9aa4a2", dark: "#6f7a78" };
/** Of texts that contain what is looked for. */
const FOUND = { light: "#c2410c", dark: "#fb923c" };

/**
 * @typedef {object} Colouring
 * @property {Uint32Array} colours  (n) 0xBBGGRR
 * @property {Uint32Array} greys  (n) colours of points that are not selected
 * @property {Scale|null} scale  of a metric or a column of numbers; null for others
 * @property {Categories|null} [categories]  of a column of categories
 * @property {{name: string, found: number}|null} [search]  of a column of text: matches, of all examples
 * @property {Uint8Array|null} [marked]  (n) 1 for points that are drawn over the others, which are grey
 *
 * @typedef {object} Scale
 * @property {string} name
 * @property {number} low
 * @property {number} high
 * @property {boolean} dark
 * @property {string} [unit]  nats by default
 * @property {boolean} [clipped]  whether there are values below `low` or above `high`; by default there are
 * @property {number} [missing]  examples without a value
 *
 * @typedef {object} Categories
 * @property {string} key  of the column
 * @property {{name: string, colour: string, count: number, members: string[]}[]} entries  the names that
 *   each stands for; "" for the missing one
 * @property {string|null} note  what is left out
 */

/**
 * Colour points by label, by a metric that was measured, or by a column.
 *
 * @param {import("./points.js").Points} points
 * @param {string} colour  "label", "rate", "distortion", or the key of a column
 * @param {boolean} dark  whether the background is dark
 * @param {string} [search]  what is looked for in a column of text
 * @returns {Colouring}
 */
export function colourPoints(points, colour, dark, search = "") {
  const theme = dark ? "dark" : "light";
  const greys = new Uint32Array(points.count).fill(packed(GREYED[theme]));
  const column = points.columns?.find(({ key }) => key === colour);
  if (column) return { greys, scale: null, ...BY_KIND[column.kind](column, points.count, dark, search) };
  const values = Object.hasOwn(METRICS, colour) ? points[colour] : null;
  if (!values) {
    return { colours: colourByLabel(points.labels, points.count, UNLABELLED[theme]), greys, scale: null };
  }
  const { colours, low, high } = colourByValue(values, dark);
  return { colours, greys, scale: { name: METRICS[colour], low, high, dark } };
}

function byNumber(column, count, dark) {
  const { colours, low, high } = colourByValue(column.values, dark);
  const [least, most] = extentOf(column);
  const clipped = least < low || most > high;
  return { colours, scale: { name: column.name, low, high, dark, unit: "", clipped, missing: missingOf(column, count) } };
}

/** Colour the ten most frequent categories, or all where there are no more, in their own order. */
function byCategory(column, count) {
  const { counts, missing } = countsOf(column);
  const order = Array.from(counts.keys()).filter((place) => counts[place] > 0);
  const many = order.length > SEVERAL;
  if (many) order.sort((a, b) => counts[b] - counts[a] || a - b);
  const entries = order.slice(0, SEVERAL).map((place, rank) => ({
    name: column.categories[place], colour: classColour(rank), count: counts[place], members: [column.categories[place]],
  }));
  const others = order.slice(SEVERAL);
  if (many) {
    const sum = others.reduce((total, place) => total + counts[place], 0);
    const members = others.map((place) => column.categories[place]);
    entries.push({ name: `${others.length.toLocaleString("en")} others`, colour: OTHERS, count: sum, members });
  }
  if (missing > 0) entries.push({ name: "missing", colour: OTHERS, count: missing, members: [""] });
  const table = new Uint32Array(column.categories.length).fill(packed(OTHERS));
  order.slice(0, SEVERAL).forEach((place, rank) => (table[place] = packed(classColour(rank))));
  const colours = Uint32Array.from({ length: count }, (_, n) => (column.values[n] < 0 ? packed(OTHERS) : table[column.values[n]]));
  const all = order.length.toLocaleString("en");
  return { colours, categories: { key: column.key, entries, note: many ? `the ${SEVERAL} most frequent of ${all}` : null } };
}

function byText(column, count, dark, search) {
  const theme = dark ? "dark" : "light";
  const marked = search === "" ? null : containing(column, search);
  const colours = new Uint32Array(count).fill(packed(marked ? FOUND[theme] : GREYED[theme]));
  const found = marked ? marked.reduce((sum, one) => sum + one, 0) : 0;
  return { colours, marked, search: { name: column.name, found } };
}

const BY_KIND = { number: byNumber, category: byCategory, text: byText };

/**
 * Return how each point is drawn: as its selection has it, but grey where others are marked.
 *
 * @param {Uint8Array} layer  (n) of the selection
 * @param {Uint8Array|null|undefined} marked  (n)
 * @param {{SHOWN: number, GREYED: number}} layers
 */
export function drawnLayer(layer, marked, { SHOWN, GREYED: grey }) {
  return marked ? layer.map((one, n) => (one === SHOWN && !marked[n] ? grey : one)) : layer;
}
