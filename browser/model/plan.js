/**
 * Where the layers of a network read and write. No DOM.
 *
 * @callback Program  a network that is ready to run
 * @param {ArrayLike<number>} x  of all examples one after another
 * @param {number} count  of examples
 * @param {number | null} label
 * @param {Float32Array} out  filled and returned
 * @returns {Float32Array}
 */
import { OPERATIONS } from "./operations.js";

/**
 * Give each layer a buffer, in which its values stay until their last reader has run; a chain of
 * layers uses two in turn.
 *
 * @param {import("./operations.js").Layer[]} layers
 * @returns {{reads: number[][], writes: number[], sizes: number[]}} for each layer the layers whose
 *     outputs it reads, -1 for the network's input; for each layer its buffer; for each buffer the
 *     values of one example
 */
export function plan(layers) {
  const reads = layers.map(({ inputs }, index) => inputs ?? [index - 1]);
  const lastReader = layers.map((_, index) => reads.findLastIndex((sources) => sources.includes(index)));
  const sizes = [];
  const writes = [];
  layers.forEach(({ size }, index) => {
    const inUse = (buffer) => writes.some((used, source) => used === buffer && lastReader[source] >= index);
    let buffer = 0;
    while (inUse(buffer)) buffer++;
    writes.push(buffer);
    sizes[buffer] = Math.max(sizes[buffer] ?? 0, size);
  });
  return { reads, writes, sizes };
}

/**
 * Prepare a list of layers to run in JavaScript.
 *
 * @param {import("./operations.js").Layer[]} layers
 * @returns {Program}
 */
export function interpret(layers) {
  const { reads, writes, sizes } = plan(layers);
  let buffers = sizes.map(() => new Float32Array(0));
  return (x, count, label, out) => {
    if (sizes.some((size, i) => buffers[i].length < size * count)) {
      buffers = sizes.map((size) => new Float32Array(size * count));
    }
    const valuesOf = (index) => buffers[writes[index]].subarray(0, layers[index].size * count);
    layers.forEach((layer, index) => {
      const inputs = reads[index].map((source) => (source < 0 ? x : valuesOf(source)));
      const y = index === layers.length - 1 ? out : valuesOf(index);
      OPERATIONS[layer.op](layer, inputs, y, count, label);
    });
    return out;
  };
}
