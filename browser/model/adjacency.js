/**
 * Graphs as adjacency matrices: the strength of each line between two nodes, and its pixels. No DOM.
 */

/**
 * The strength of the line between each pair of nodes: the mean of both directions.
 *
 * @param {ArrayLike<number>} matrix  (n · n)
 * @param {number} n  nodes
 * @returns {Float32Array} (n · (n − 1) / 2) for the pairs (0, 1), (0, 2), …, (n − 2, n − 1)
 */
export function strengths(matrix, n) {
  const out = new Float32Array((n * (n - 1)) / 2);
  if (matrix.length !== n * n) throw new RangeError(`${n} nodes need ${n * n} numbers, these are ${matrix.length}`);
  for (let i = 0, pair = 0; i < n; i += 1) {
    for (let j = i + 1; j < n; j += 1, pair += 1) out[pair] = (matrix[i * n + j] + matrix[j * n + i]) / 2;
  }
  return out;
}

/** The expected number of edges. @param {Float32Array} lines */
export function expectedEdges(lines) {
  return lines.reduce((sum, p) => sum + p, 0);
}

/** The expected number of edges of each node. @param {Float32Array} lines @param {number} n */
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

/** How far lines bend towards the middle, so that those between neighbours on a circle are seen. */
const BEND = 0.45;
/** Distance 1 from the middle, in half sides; nodes there are drawn inside. */
const EXTENT = 0.95;

/**
 * From coordinates in [−1, 1], y upwards, to pixels of a square, y downwards.
 *
 * @param {[number, number]} place
 * @param {number} side  pixels
 * @returns {[number, number]}
 */
export function pixelOf([x, y], side) {
  return [(side / 2) * (1 + EXTENT * x), (side / 2) * (1 - EXTENT * y)];
}

/**
 * Rasterise the line of each pair of nodes once: canvas strokes would take some 40 ms in each frame.
 *
 * @typedef {object} Raster
 * @property {number} side
 * @property {Uint32Array} starts  (lines + 1) where the pixels of each line begin and end
 * @property {Uint32Array} pixels  their indices, row by row
 * @property {Uint8Array} cover  their coverage, 0 to 255
 *
 * @param {[number, number][]} nodes
 * @param {number} side  pixels
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

/** Draw a curve on an empty sheet; returns the pixels that it touches. */
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

/** Share ink among the four pixels around a place. */
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

/** Opacity below which a line is not drawn. */
const UNSEEN = 0.02;

/**
 * Blend all lines.
 *
 * @param {Float32Array} lines  their opacity
 * @param {Raster} raster
 * @param {Float32Array} [out]  (side · side), filled and returned
 * @returns {Float32Array} opacity of each pixel
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
