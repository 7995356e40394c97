/**
 * Rendering of strokes of a round pen. No DOM.
 *
 * @typedef {{x: number, y: number}} Point  in raster pixels
 * @typedef {Point[]} Stroke
 * @typedef {{width: number, height: number, values: Float32Array}} Ink  coverage (height · width) in
 *   [0, 1]
 */

/** A raster without ink. @param {number} width @param {number} height @returns {Ink} */
export function blank(width, height) {
  return { width, height, values: new Float32Array(width * height) };
}

/**
 * Add a line with round ends; where it covers other ink, the darker one stays.
 *
 * @param {Ink} ink  changed in place
 * @param {Point} from
 * @param {Point} to  the same point for a dot
 * @param {number} radius  raster pixels
 */
export function addSegment(ink, from, to, radius) {
  const reach = radius + 1;
  const left = Math.max(0, Math.floor(Math.min(from.x, to.x) - reach));
  const right = Math.min(ink.width - 1, Math.ceil(Math.max(from.x, to.x) + reach));
  const top = Math.max(0, Math.floor(Math.min(from.y, to.y) - reach));
  const bottom = Math.min(ink.height - 1, Math.ceil(Math.max(from.y, to.y) + reach));
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const squared = dx * dx + dy * dy;
  for (let row = top; row <= bottom; row += 1) {
    for (let column = left; column <= right; column += 1) {
      const px = column + 0.5 - from.x;
      const py = row + 0.5 - from.y;
      const t = squared > 0 ? Math.min(1, Math.max(0, (px * dx + py * dy) / squared)) : 0;
      const coverage = radius + 0.5 - Math.hypot(px - t * dx, py - t * dy);
      const at = row * ink.width + column;
      if (coverage > ink.values[at]) ink.values[at] = Math.min(1, coverage);
    }
  }
}

/** Render strokes. @param {Stroke[]} strokes @returns {Ink} */
export function render(strokes, width, height, radius) {
  const ink = blank(width, height);
  for (const stroke of strokes) {
    if (stroke.length === 1) addSegment(ink, stroke[0], stroke[0], radius);
    for (let i = 1; i < stroke.length; i += 1) addSegment(ink, stroke[i - 1], stroke[i], radius);
  }
  return ink;
}

/** Of the side of a raster: a digit is drawn over two thirds of it. */
const DRAWN = 0.65;

/**
 * The radius of a pen whose strokes get the width that strokes of the data usually have.
 *
 * @param {{box: number, strokes?: [number, number] | null} | null | undefined} frame  of the data;
 *   without strokes, MNIST's
 * @param {number} side  of the raster
 * @returns {number} raster pixels
 */
export function penRadius(frame, side) {
  const { box, strokes: [thinnest, widest] } = frame?.strokes ? frame : { box: 20, strokes: [1.67, 4.06] };
  return Math.round(((thinnest + widest) / 2 / box) * DRAWN * side / 2);
}
