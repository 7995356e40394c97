/** Say in words what codes mean, by the classes of an encoded set. No DOM. */
import { classOf } from "./example.js";

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
  const { mu, latentDim: d } = points;
  const order = new Uint32Array(Math.min(k, points.count));
  const least = new Float64Array(order.length).fill(Infinity);
  const last = order.length - 1;
  for (let example = 0, at = 0; example < points.count; example++, at += d) {
    let squared = 0;
    for (let dim = 0; dim < d && squared < least[last]; dim++) squared += (mu[at + dim] - z[dim]) ** 2;
    if (!(squared < least[last])) continue;
    let place = last;
    for (; place > 0 && least[place - 1] > squared; place--) {
      least[place] = least[place - 1];
      order[place] = order[place - 1];
    }
    least[place] = squared;
    order[place] = example;
  }
  return order;
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
