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

/**
 * The quadratic curve of each pair, in the nodes' coordinates.
 *
 * @param {[number, number][]} nodes
 * @returns {Float32Array} (pairs * 6,): start, control point, end
 */
export function curves(nodes) {
  const n = nodes.length;
  const found = new Float32Array(3 * n * (n - 1));
  let at = 0;
  for (let i = 0; i < n; i += 1) {
    for (let j = i + 1; j < n; j += 1, at += 6) {
      const [a, b] = [nodes[i], nodes[j]];
      const share = (1 - BEND) / 2;
      found.set([a[0], a[1], share * (a[0] + b[0]), share * (a[1] + b[1]), b[0], b[1]], at);
    }
  }
  return found;
}
