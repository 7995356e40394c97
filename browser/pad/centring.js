/**
 * Centring of drawings as `vae_core.images` centres pictures: cropped to the ink, scaled into the
 * dataset's box, and moved so that the centre of mass, or the box, is in the middle. No DOM.
 *
 * @typedef {{left: number, top: number, right: number, bottom: number}} Box  right and bottom are outside
 * @typedef {{box: number, by_mass: boolean, dark?: boolean}} Frame  the ink's longer side, in pixels,
 *   whether its centre of mass is centred, else its box, and whether ink is dark on a light ground
 */

/** Coverage that counts as ink: what rounds to a grey level above 0. */
const FAINTEST = 0.5 / 255;

/**
 * Find the smallest box around all ink.
 *
 * @param {import("./ink.js").Ink} ink
 * @returns {Box | null} null without ink
 */
export function inkBox({ width, height, values }) {
  let left = width;
  let top = height;
  let right = 0;
  let bottom = 0;
  for (let row = 0, at = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1, at += 1) {
      if (values[at] <= FAINTEST) continue;
      if (column < left) left = column;
      if (column >= right) right = column + 1;
      if (row < top) top = row;
      bottom = row + 1;
    }
  }
  return right > 0 ? { left, top, right, bottom } : null;
}

/**
 * The share of each old pixel in each new one, by their overlap along one side.
 *
 * @param {number} old  pixels
 * @param {number} wanted  pixels
 * @returns {{first: number, weights: Float64Array}[]} (wanted) the first old pixel, and weights that
 *   sum to 1
 */
function areaWeights(old, wanted) {
  const step = old / wanted;
  return Array.from({ length: wanted }, (_, i) => {
    const start = i * step;
    const end = start + step;
    const first = Math.floor(start);
    const last = Math.min(old, Math.ceil(end - 1e-9));
    const weights = Float64Array.from({ length: last - first }, (_, k) => {
      const overlap = Math.min(end, first + k + 1) - Math.max(start, first + k);
      return Math.max(0, overlap) / step;
    });
    return { first, weights };
  });
}

/**
 * Resize a box of a picture, by the mean of the area that each new pixel covers.
 *
 * @param {import("./ink.js").Ink} ink
 * @param {Box} box
 * @param {number} width
 * @param {number} height
 * @returns {import("./ink.js").Ink}
 */
export function resample(ink, box, width, height) {
  const columns = areaWeights(box.right - box.left, width);
  const rows = areaWeights(box.bottom - box.top, height);
  const narrow = new Float64Array((box.bottom - box.top) * width);
  for (let row = box.top, to = 0; row < box.bottom; row += 1) {
    for (const { first, weights } of columns) {
      const start = row * ink.width + box.left + first;
      let sum = 0;
      for (let k = 0; k < weights.length; k += 1) sum += weights[k] * ink.values[start + k];
      narrow[to++] = sum;
    }
  }
  const values = new Float32Array(width * height);
  rows.forEach(({ first, weights }, row) => {
    for (let column = 0; column < width; column += 1) {
      let sum = 0;
      for (let k = 0; k < weights.length; k += 1) sum += weights[k] * narrow[(first + k) * width + column];
      values[row * width + column] = sum;
    }
  });
  return { width, height, values };
}

/** The centre of mass of a picture. @param {import("./ink.js").Ink} ink */
function centreOfMass({ width, height, values }) {
  let mass = 0;
  let rows = 0;
  let columns = 0;
  for (let row = 0, at = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1, at += 1) {
      mass += values[at];
      rows += values[at] * row;
      columns += values[at] * column;
    }
  }
  return { row: rows / mass, column: columns / mass };
}

/**
 * Centre a drawing as the model's training pictures were.
 *
 * @param {import("./ink.js").Ink} ink
 * @param {[number, number]} size  height and width of the model's pictures
 * @param {Frame} frame
 * @returns {Float32Array | null} (height · width) in [0, 1]; null without ink
 */
export function centre(ink, [height, width], { box: side, by_mass: byMass, dark }) {
  const box = inkBox(ink);
  if (!box) return null;
  const boxWidth = box.right - box.left;
  const boxHeight = box.bottom - box.top;
  const most = { down: Math.min(side, height), across: Math.min(side, width) };
  const scale = Math.min(most.down / boxHeight, most.across / boxWidth);
  const whole = (length, limit) => Math.min(limit, Math.max(1, Math.floor(length * scale + 0.5)));
  const fitted = resample(ink, box, whole(boxWidth, most.across), whole(boxHeight, most.down));
  const room = { down: height - fitted.height, across: width - fitted.width };
  let top = Math.floor(room.down / 2);
  let left = Math.floor(room.across / 2);
  if (byMass) {
    const mean = centreOfMass(fitted);
    top = bounded(Math.floor(height / 2) - Math.floor(mean.row + 0.5), room.down);
    left = bounded(Math.floor(width / 2) - Math.floor(mean.column + 0.5), room.across);
  }
  const seen = new Float32Array(width * height);
  for (let row = 0; row < fitted.height; row += 1) {
    const from = row * fitted.width;
    seen.set(fitted.values.subarray(from, from + fitted.width), (top + row) * width + left);
  }
  return dark ? seen.map((value) => 1 - value) : seen;
}

/** Limit a value to 0 … most. */
function bounded(value, most) {
  return Math.min(most, Math.max(0, value));
}
