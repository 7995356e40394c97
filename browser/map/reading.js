/** Say in words what codes mean, by the classes of an encoded set. No DOM. */
import { classOf } from "./example.js";
import { muOf } from "./points.js";

/** Examples that are asked for the class of a code, as on the server's Reconstruct page. */
const NEIGHBOURS = 10;

/**
 * @typedef {object} Reading
 * @property {(id: number) => string|null} name  the class of an example; null without labels, or for
 *   an example that is not in the set
 * @property {(z: ArrayLike<number>) => {name: string, votes: number, of: number}|null} read  the most
 *   frequent class of the nearest codes, of the nearest one in a tie; null without labels
 */

/**
 * Return what a set's codes mean.
 *
 * @param {import("./points.js").Points} points
 * @param {string[]} [classes]
 * @returns {Reading}
 */
export function readingOf(points, classes) {
  return {
    name(id) {
      const example = points.byId.get(id);
      return example === undefined ? null : classOf(points, example, classes);
    },
    read(z) {
      if (!points.labels || points.count === 0 || z.length !== points.latentDim) return null;
      const votes = new Map();
      const nearest = nearestCodes(points, z, NEIGHBOURS);
      for (const example of nearest) {
        const name = classOf(points, example, classes);
        votes.set(name, (votes.get(name) ?? 0) + 1);
      }
      const [name, most] = [...votes].reduce((best, one) => (one[1] > best[1] ? one : best));
      return { name, votes: most, of: nearest.length };
    },
  };
}

/** Return the `k` examples whose codes are nearest to `z`, nearest first. */
export function nearestCodes(points, z, k) {
  const distances = Float64Array.from({ length: points.count }, (_, example) => {
    return muOf(points, example).reduce((sum, value, dim) => sum + (value - z[dim]) ** 2, 0);
  });
  const order = Uint32Array.from(distances.keys()).sort((a, b) => distances[a] - distances[b]);
  return order.slice(0, k);
}

/**
 * Name what a picture shows.
 *
 * @param {object} shown
 * @param {Reading|null} shown.reading
 * @param {number|null} shown.id  of the example whose code it is, or near which it lies
 * @param {boolean} shown.near  whether it only lies near
 * @param {string} shown.code  the code in words
 * @returns {string}
 */
export function describeShown({ reading, id, near, code }) {
  if (id === null) return code;
  const name = reading?.name(id) ?? null;
  const example = name === null ? `example ${id}` : `example ${id}, class ${name}`;
  return near ? `${code}, near ${example}` : `${example}, ${code}`;
}
