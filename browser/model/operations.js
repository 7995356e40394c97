/**
 * The operations that networks are made of, named as vae_core.formats.bundles writes them. No DOM.
 *
 * An operation reads and writes a fixed number of values for each example, in `parts` rows of equal
 * length: one row, the rows of an image, or its pixels with their channels side by side.
 *
 * @typedef {object} Layer
 * @property {string} op
 * @property {number} size  values of its output
 * @property {number} [parts]  rows of its output, 1 by default
 * @property {number[]} [inputs]  layers whose outputs it reads, -1 for the network's input; by default
 *     the layer before it
 * @property {Float32Array} [weight]  (outputs · inputs)
 * @property {Float32Array} [bias]  (outputs)
 *
 * @callback Operation
 * @param {Layer} layer
 * @param {Float32Array[]} inputs  what the layer reads, of all examples one after another and no
 *   longer; an operation with one input reads the first
 * @param {Float32Array} y  what it writes, no longer than that; never one of the inputs
 * @param {number} count  of examples
 * @param {number | null} label  of a conditional network
 * @returns {void}
 */
import { ACTIVATIONS, sigmoid } from "./activations.js";
import { ARITHMETIC } from "./arithmetic.js";
import { ARRANGING } from "./arranging.js";
import { conv, convTranspose, resizeConv } from "./convolutions.js";
import { NORMALIZING } from "./normalizing.js";
import { POOLING } from "./pooling.js";
import { affine, copyOrClear, keep, partsOf } from "./products.js";
import { RESIZING } from "./resizing.js";

/** W x + b for each part. */
function linear(layer, [x], y, count) {
  const { matrix, parts } = keep(layer, () => {
    const { weight, bias, size } = layer;
    return { matrix: { weight, bias, size: size / partsOf(layer) }, parts: partsOf(layer) };
  });
  affine(matrix, x, y, count * parts);
}

/** A gated recurrent unit (GRU) over the parts, with the gates r, z, n of PyTorch. */
function recurrent(layer, [x], y, count) {
  const parts = partsOf(layer);
  const units = layer.size / parts;
  const room = keep(layer, ({ weight_ih, bias_ih, weight_hh, bias_hh }) => ({
    count: 0,
    input: { weight: weight_ih, bias: bias_ih, size: 3 * units },
    state: { weight: weight_hh, bias: bias_hh, size: 3 * units },
  }));
  if (room.count < count) {
    room.count = count;
    room.read = new Float32Array(count * parts * 3 * units);
    room.recalled = new Float32Array(count * 3 * units);
    room.h = new Float32Array(count * units);
  }
  const { read, recalled, h } = room;
  h.fill(0);
  affine(room.input, x, read, count * parts);
  for (let part = 0; part < parts; part++) {
    affine(room.state, h, recalled, count);
    for (let n = 0; n < count; n++) {
      const there = (n * parts + part) * 3 * units;
      const here = n * 3 * units;
      for (let i = 0; i < units; i++) {
        const reset = sigmoid(read[there + i] + recalled[here + i]);
        const update = sigmoid(read[there + units + i] + recalled[here + units + i]);
        const fresh = Math.tanh(read[there + 2 * units + i] + reset * recalled[here + 2 * units + i]);
        const next = fresh + update * (h[n * units + i] - fresh);
        h[n * units + i] = next;
        y[(n * parts + part) * units + i] = next;
      }
    }
  }
}

/** Append the one-hot label to each part. */
function appendLabel(layer, [x], y, count, label) {
  const parts = partsOf(layer);
  const width = layer.size / parts - layer.classes;
  for (let part = 0; part < count * parts; part++) {
    const to = part * (width + layer.classes);
    copyOrClear(x, part * width, y, to, width, true);
    for (let k = 0; k < layer.classes; k++) y[to + width + k] = k === label ? 1 : 0;
  }
}

/** Transpose (rows, columns, block) to (columns, rows, block). */
function swap({ sides: [rows, columns, block], size }, [x], y, count) {
  for (let n = 0; n < count; n++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const from = n * size + (row * columns + column) * block;
        const to = n * size + (column * rows + row) * block;
        for (let i = 0; i < block; i++) y[to + i] = x[from + i];
      }
    }
  }
}

/** The mean of a square matrix and its transpose, for each channel. */
function symmetric({ side, size }, [x], y, count) {
  const area = side * side;
  for (let start = 0; start < count * size; start += area) {
    for (let row = 0; row < side; row++) {
      for (let column = 0; column < side; column++) {
        const here = start + row * side + column;
        y[here] = 0.5 * (x[here] + x[start + column * side + row]);
      }
    }
  }
}

/** Repeat the input for each part. */
function repeat(layer, [x], y, count) {
  const parts = partsOf(layer);
  const width = layer.size / parts;
  for (let part = 0; part < count * parts; part++) {
    copyOrClear(x, Math.floor(part / parts) * width, y, part * width, width, true);
  }
}

/** The last of `rows` parts. */
function last({ rows, size }, [x], y, count) {
  for (let n = 0; n < count; n++) copyOrClear(x, ((n + 1) * rows - 1) * size, y, n * size, size, true);
}

/** The first half of each part times the sigmoid of its second half. */
function gated(layer, [x], y, count) {
  const parts = partsOf(layer);
  const width = layer.size / parts;
  for (let part = 0; part < count * parts; part++) {
    const from = 2 * part * width;
    for (let i = 0; i < width; i++) y[part * width + i] = x[from + i] * sigmoid(x[from + width + i]);
  }
}

function add({ bias, size }, [x], y, count) {
  for (let n = 0; n < count; n++) {
    for (let i = 0; i < size; i++) y[n * size + i] = x[n * size + i] + bias[i];
  }
}

/** Every operation by its name in a bundle. @type {Record<string, Operation>} */
export const OPERATIONS = {
  linear,
  conv,
  conv_transpose: convTranspose,
  resize_conv: resizeConv,
  recurrent,
  label: appendLabel,
  swap,
  repeat,
  last,
  gated,
  add,
  symmetric,
  ...ACTIVATIONS,
  ...NORMALIZING,
  ...POOLING,
  ...RESIZING,
  ...ARITHMETIC,
  ...ARRANGING,
};

const area = ([tall, wide]) => tall * wide;

/** Multiplications for one example, of operations that take more than one for each value. */
const MULTIPLICATIONS = {
  linear: (layer) => layer.weight.length * partsOf(layer),
  conv: ({ weight, to }) => weight.length * area(to),
  conv_transpose: ({ weight, from }) => weight.length * area(from),
  resize_conv: ({ weight, to }) => (weight.length * area(to) * 4) / 9,
  recurrent: (layer) => (layer.weight_ih.length + layer.weight_hh.length) * partsOf(layer),
  matmul: (layer, [first]) => (first * layer.size) / partsOf(layer),
  max_pool: ({ size, kernel }) => size * area(kernel),
  average_pool: ({ size, kernel }) => size * area(kernel),
  normalize: ({ size }) => 3 * size,
  resize: ({ size, mode }) => (mode === "linear" ? 3 * size : size),
  mean: (_layer, [first]) => first,
  reduce_sum: (_layer, [first]) => first,
};

/** Multiplications of all layers for one example. @param {Layer[]} layers */
export function multiplications(layers) {
  const sizesOf = ({ inputs }, index) => (inputs ?? [index - 1]).map((source) => layers[source]?.size ?? 0);
  return keep(layers, () => layers.reduce((sum, layer, index) =>
    sum + (MULTIPLICATIONS[layer.op]?.(layer, sizesOf(layer, index)) ?? layer.size), 0));
}
