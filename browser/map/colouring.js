/** Colours of the points. No DOM. */
import { colourByLabel, colourByValue, packed } from "../ui/colours.js";

const METRICS = { rate: "Rate", distortion: "Distortion" };
const UNLABELLED = { light: "#0f766e", dark: "#7dd3c8" };
const GREYED = { light: "#9aa4a2", dark: "#6f7a78" };

/**
 * @typedef {object} Colouring
 * @property {Uint32Array} colours  (n) 0xBBGGRR
 * @property {Uint32Array} greys  (n) colours of points that are not selected
 * @property {Scale|null} scale  of a metric; null for labels
 *
 * @typedef {{name: string, low: number, high: number, dark: boolean}} Scale  from low to high, nats
 */

/**
 * Colour points by label, or by a metric that was measured.
 *
 * @param {import("./points.js").Points} points
 * @param {string} colour  "label", "rate" or "distortion"
 * @param {boolean} dark  whether the background is dark
 * @returns {Colouring}
 */
export function colourPoints(points, colour, dark) {
  const theme = dark ? "dark" : "light";
  const greys = new Uint32Array(points.count).fill(packed(GREYED[theme]));
  const values = Object.hasOwn(METRICS, colour) ? points[colour] : null;
  if (!values) {
    return { colours: colourByLabel(points.labels, points.count, UNLABELLED[theme]), greys, scale: null };
  }
  const { colours, low, high } = colourByValue(values, dark);
  return { colours, greys, scale: { name: METRICS[colour], low, high, dark } };
}
