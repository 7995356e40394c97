/**
 * The cells of an inverse-CDF grid, and moves from cell to cell. No DOM.
 *
 * Cells are numbered row by row from the top left. Column and row are evenly spaced quantiles of
 * the prior (Kingma & Welling 2014, figure 4); the second dimension grows upwards. A model of one
 * dimension fills the grid row after row.
 *
 * @typedef {[ArrayLike<number>, ArrayLike<number>]} Moments  mean and standard deviation (latent_dim)
 * @typedef {{columns: number, rows: number}} GridSize
 */
import { quantileAxis, quantileCell } from "../model/quantile.js";
import { hasMargin, isDark } from "../ui/pixels.js";

/** Cells a side, at least and at most, and the default. */
export const FEWEST = 5;
export const MOST = 30;
const DEFAULT = 20;

const axes = new Map();

/** Quantiles of the standard normal at the middles of `count` cells, computed once. */
function axisOf(count) {
  if (!axes.has(count)) axes.set(count, quantileAxis(count));
  return axes.get(count);
}

/** A usable number of cells a side. @param {number} n @returns {number} FEWEST to MOST */
export function boundedSide(n) {
  return Math.min(MOST, Math.max(FEWEST, Math.round(n) || DEFAULT));
}

/**
 * The code of a cell.
 *
 * @param {number} index
 * @param {number} n  cells a side
 * @param {[number, number]} dims  dimensions across and up; ignored for a single dimension
 * @param {ArrayLike<number>} held  (latent_dim) the values of the other dimensions
 * @param {Moments | null} [prior]  null for a standard normal
 * @returns {Float32Array} (latent_dim)
 */
export function cellCode(index, n, [across, up], held, prior = null) {
  const at = (dim, quantile) => (prior ? prior[0][dim] + prior[1][dim] * quantile : quantile);
  if (held.length === 1) return Float32Array.of(at(0, axisOf(n * n)[index]));
  const z = Float32Array.from(held);
  z[across] = at(across, axisOf(n)[index % n]);
  z[up] = at(up, axisOf(n)[n - 1 - Math.floor(index / n)]);
  return z;
}

/** The codes of all cells. @returns {Float32Array} (n² · latent_dim) */
export function cellCodes(n, dims, held, prior = null) {
  const codes = new Float32Array(n * n * held.length);
  for (let i = 0; i < n * n; i += 1) codes.set(cellCode(i, n, dims, held, prior), i * held.length);
  return codes;
}

/** The cell that a code falls into, with arguments as in `cellCode`. @param {ArrayLike<number>} z  (latent_dim) */
export function cellOf(z, n, [across, up], prior = null) {
  const at = (dim) => (prior ? (z[dim] - prior[0][dim]) / prior[1][dim] : z[dim]);
  if (z.length === 1) return quantileCell(at(0), n * n);
  return (n - 1 - quantileCell(at(up), n)) * n + quantileCell(at(across), n);
}

/** The cell of a column and a row, or the nearest one to a place outside. */
function nearestCell(column, row, { columns, rows }) {
  const within = (value, count) => Math.min(count - 1, Math.max(0, value));
  return within(row, rows) * columns + within(column, columns);
}

/** The cell under a pointer. @param {PointerEvent} event @param {DOMRect} box  of the grid @param {GridSize} size */
export function cellUnder(event, box, size) {
  const column = Math.floor(((event.clientX - box.left) / box.width) * size.columns);
  const row = Math.floor(((event.clientY - box.top) / box.height) * size.rows);
  return nearestCell(column, row, size);
}

/**
 * The cell that a key leads to: arrows go one cell, Home, End, Page Up and Page Down to the border.
 *
 * @param {number} index
 * @param {string} key
 * @param {GridSize} size
 * @returns {number | null} null for other keys
 */
export function cellAfterKey(index, key, size) {
  const { columns, rows } = size;
  const step = {
    ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
    Home: [-columns, 0], End: [columns, 0], PageUp: [0, -rows], PageDown: [0, rows],
  }[key];
  return step ? nearestCell((index % columns) + step[0], Math.floor(index / columns) + step[1], size) : null;
}

/** Grey that shows on black and on white; beside grey pictures, the page's own background. */
const GREY = "#8a9694";
const CLEAR = "transparent";

/**
 * The colour of lines between pictures like this one.
 *
 * @param {Float32Array} mean  (c · h · w) in [0, 1]
 * @param {import("../ui/pixels.js").Shape} shape
 * @returns {string | null} null where an empty margin keeps pictures apart
 */
export function hairlineColour(mean, shape) {
  if (hasMargin(mean, shape)) return null;
  return isDark(mean) ? GREY : CLEAR;
}
