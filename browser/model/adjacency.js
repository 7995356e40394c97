/**
 * Networks as adjacency matrices: how strong each line between two nodes is, and where it runs.
 * There is no DOM in here.
 */

/**
 * How strong the line between each pair of nodes is: the mean of its two directions.
 *
 * @param {ArrayLike<number>} matrix (n * n,) row after row
 * @param {number} n nodes
 * @param {Float32Array} [out] filled and returned
 * @returns {Float32Array} (n * (n - 1) / 2,): pairs (0, 1), (0, 2), …, (n - 2, n - 1)
 */
export function strengths(matrix, n, out = new Float32Array((n * (n - 1)) / 2)) {
  if (matrix.length !== n * n) throw new RangeError(`${n} nodes need ${n * n} numbers, these are ${matrix.length}`);
  for (let i = 0, pair = 0; i < n; i += 1) {
    for (let j = i + 1; j < n; j += 1, pair += 1) out[pair] = (matrix[i * n + j] + matrix[j * n + i]) / 2;
  }
  return out;
}

/** The mean number of edges of networks with these probabilities. @param {Float32Array} lines */
export function expectedEdges(lines) {
  return lines.reduce((sum, p) => sum + p, 0);
}

/** The mean number of edges at each node. @param {Float32Array} lines @param {number} n */
export function degrees(lines, n) {
  const found = new Float32Array(n);
  for (let i = 0, pair = 0; i < n; i += 1) {
    for (let j = i + 1; j < n; j += 1, pair += 1) {
      found[i] += lines[pair];
      found[j] += lines[pair];
    }
  }
  return found;
}

/** How far lines bend to the middle: neighbours on a circle would else hide on its rim. */
const BEND = 0.45;
/** Share of the half side between the middle and a node at a distance of 1: dots stay inside. */
const EXTENT = 0.95;

/**
 * A place from -1 to 1 both ways, y upwards, in pixels of a square.
 *
 * @param {[number, number]} place
 * @param {number} side
 * @returns {[number, number]} x to the right and y downwards
 */
export function pixelOf([x, y], side) {
  return [(side / 2) * (1 + EXTENT * x), (side / 2) * (1 - EXTENT * y)];
}

/**
 * The pixels that each line covers. Strokes of a canvas take some 40 ms for all of them, of which
 * all but the opacities would be done again in every frame.
 *
 * @typedef {object} Raster
 * @property {number} side
 * @property {Uint32Array} starts  (lines + 1,): where each line's pixels begin and end
 * @property {Uint32Array} pixels  row after row
 * @property {Uint8Array} cover  of each pixel, to 255
 *
 * @param {[number, number][]} nodes
 * @param {number} side in pixels
 * @returns {Raster}
 */
export function rasterise(nodes, side) {
  const n = nodes.length;
  const starts = new Uint32Array((n * (n - 1)) / 2 + 1);
  const pixels = [];
  const cover = [];
  const sheet = new Float32Array(side * side);
  for (let i = 0, line = 0; i < n; i += 1) {
    for (let j = i + 1; j < n; j += 1, line += 1) {
      for (const pixel of trace(pixelOf(nodes[i], side), pixelOf(nodes[j], side), sheet, side)) {
        pixels.push(pixel);
        cover.push(Math.min(255, Math.round(255 * sheet[pixel])));
        sheet[pixel] = 0;
      }
      starts[line + 1] = pixels.length;
    }
  }
  return { side, starts, pixels: Uint32Array.from(pixels), cover: Uint8Array.from(cover) };
}

/** Draws one curve on an empty sheet; returns the pixels that it touched. */
function trace([ax, ay], [bx, by], sheet, side) {
  const touched = [];
  const [cx, cy] = [ax + bx, ay + by].map((sum) => side / 2 + ((1 - BEND) / 2) * (sum - side));
  const length = Math.hypot(cx - ax, cy - ay) + Math.hypot(bx - cx, by - cy);
  const steps = Math.max(1, Math.ceil(length));
  const ink = Math.max(1, side / 400) * (length / steps);
  for (let step = 0; step <= steps; step += 1) {
    const t = step / steps;
    const [a, c, b] = [(1 - t) * (1 - t), 2 * t * (1 - t), t * t];
    splat(a * ax + c * cx + b * bx - 0.5, a * ay + c * cy + b * by - 0.5, ink, sheet, side, touched);
  }
  return touched;
}

/** Shares ink among the four pixels around a place. */
function splat(x, y, ink, sheet, side, touched) {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  for (let dy = 0; dy < 2; dy += 1) {
    for (let dx = 0; dx < 2; dx += 1) {
      const share = ink * (1 - Math.abs(x - left - dx)) * (1 - Math.abs(y - top - dy));
      const [column, row] = [left + dx, top + dy];
      if (share < 0.004 || column < 0 || row < 0 || column >= side || row >= side) continue;
      const pixel = row * side + column;
      if (sheet[pixel] === 0) touched.push(pixel);
      sheet[pixel] += share;
    }
  }
}

/** Lines below this opacity would not be seen. */
const UNSEEN = 0.02;

/**
 * The opacity of each pixel, line over line.
 *
 * @param {Float32Array} lines opacity of each
 * @param {Raster} raster
 * @param {Float32Array} [out] (side * side,), filled and returned
 */
export function blend(lines, { side, starts, pixels, cover }, out = new Float32Array(side * side)) {
  out.fill(0);
  for (let line = 0; line < lines.length; line += 1) {
    if (lines[line] < UNSEEN) continue;
    const opacity = lines[line] / 255;
    for (let at = starts[line], end = starts[line + 1]; at < end; at += 1) {
      const pixel = pixels[at];
      out[pixel] += opacity * cover[at] * (1 - out[pixel]);
    }
  }
  return out;
}
