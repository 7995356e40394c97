/**
 * What the convolutions of images (h, w, channels) have in common. No DOM.
 *
 * Each kind is made of pieces: a kernel, applied at evenly spaced places of the input, whose results
 * are evenly spaced pixels of the output. An ordinary convolution is one piece (for each group); one
 * of an enlarged image, and a transposed one, are a piece for each phase of a pixel.
 *
 * @typedef {object} Axis  a piece along the rows, or along the columns
 * @property {number} count  places
 * @property {number} step  from a place to the next one, in the input
 * @property {number[]} offsets  what the kernel reads, from a place on, in ascending order
 * @property {number[][]} taps  for each of them, the entries of the layer's kernel that act as their sum
 * @property {number} first  the first pixel that is written
 * @property {number} every  from a written pixel to the next one
 *
 * @typedef {object} Piece
 * @property {Axis} rows
 * @property {Axis} columns
 * @property {Float32Array} weight  (outputs, rows.offsets, columns.offsets, channels)
 * @property {Float32Array} bias  (outputs)
 * @property {number} channels  of the input that it reads, and from which one on
 * @property {number} firstChannel
 * @property {number} outputs  channels of the output that it writes, and from which one on
 * @property {number} firstOutput
 */
import { described } from "./convolutions.js";

const range = (length, value = (i) => i) => Array.from({ length }, (_, i) => value(i));
/** @returns {Axis[]} */
function convolutionAxis(taps, stride, pad, dilation, count) {
  const offsets = range(taps, (tap) => tap * dilation - pad);
  return [{ count, step: stride, offsets, taps: range(taps, (tap) => [tap]), first: 0, every: 1 }];
}

/**
 * A kernel of three over a side whose pixels are doubled. In each phase it covers two different
 * pixels, so that two of its entries act as their sum.
 *
 * @returns {Axis[]}
 */
function doubledAxis(side) {
  const half = Math.floor(side / 2);
  const shared = { step: 1, every: 2 };
  return [
    { ...shared, count: half, first: 0, offsets: [-1, 0], taps: [[0], [1, 2]] },
    { ...shared, count: half, first: 1, offsets: [0, 1], taps: [[0, 1], [2]] },
    // The last pixel of an odd side is not doubled.
    { ...shared, count: side % 2, first: side - 1, offsets: [half - 1, half], taps: [[0], [1]] },
  ].filter(({ count }) => count > 0);
}

/**
 * Entry t of a kernel carries pixel i to pixel stride · i + dilation · t − pad. A phase is the pixels
 * with the same rest by the stride, which the same entries reach.
 *
 * @returns {Axis[]}
 */
function transposedAxis(taps, stride, pad, dilation, side) {
  return range(Math.min(stride, side), (phase) => {
    const reaching = range(taps).filter((tap) => (phase + pad - tap * dilation) % stride === 0).reverse();
    return {
      count: Math.ceil((side - phase) / stride), step: 1, first: phase, every: stride,
      offsets: reaching.map((tap) => (phase + pad - tap * dilation) / stride),
      taps: reaching.map((tap) => [tap]),
    };
  });
}

/** The pieces of each operation along an axis, 0 for rows and 1 for columns. */
const AXES = {
  conv: ({ kernel, stride, pads, dilation, to }, i) => convolutionAxis(kernel[i], stride[i], pads[i], dilation[i], to[i]),
  resize_conv: ({ to }, i) => doubledAxis(to[i]),
  conv_transpose: ({ kernel, stride, pads, dilation, to }, i) => transposedAxis(kernel[i], stride[i], pads[i], dilation[i], to[i]),
};

/** The pieces of a convolution. @param {import("./operations.js").Layer} layer @returns {Piece[]} */
export function pieces(layer) {
  const whole = described(layer);
  const { from: [, , width], to: [, , size], bias, groups } = whole;
  const [channels, outputs] = [width / groups, size / groups];
  const [rowAxes, columnAxes] = [0, 1].map((axis) => AXES[layer.op](whole, axis));
  return range(groups).flatMap((group) => rowAxes.flatMap((rows) => columnAxes.map((columns) => ({
    rows, columns, channels, outputs,
    firstChannel: group * channels,
    firstOutput: group * outputs,
    weight: entries(whole, rows.taps, columns.taps, group, channels, outputs),
    bias: groups === 1 ? bias : bias.subarray(group * outputs, (group + 1) * outputs),
  }))));
}

/** The kernel of a piece, from that of its layer. */
function entries({ op, weight, kernel: [tall, wide], groups }, rowTaps, columnTaps, group, channels, outputs) {
  if (op === "conv" && groups === 1) return weight;
  const area = tall * wide;
  // A transposed kernel is (inputs, tall, wide, outputs); others are (outputs, tall, wide, inputs).
  const [output, input] = op === "conv_transpose" ? [1, area * outputs] : [area * channels, 1];
  const entry = op === "conv_transpose" ? outputs : channels;
  const start = group * area * channels * outputs;
  const found = new Float32Array(outputs * rowTaps.length * columnTaps.length * channels);
  let to = 0;
  for (let o = 0; o < outputs; o++) {
    for (const rows of rowTaps) {
      for (const columns of columnTaps) {
        for (let c = 0; c < channels; c++, to++) {
          for (const p of rows) {
            for (const q of columns) found[to] += weight[start + o * output + (p * wide + q) * entry + c * input];
          }
        }
      }
    }
  }
  return found;
}

/**
 * How an image is enlarged by zeros so that the pieces read nothing beyond it.
 *
 * @param {import("./operations.js").Layer} layer
 * @param {Piece[]} all
 * @returns {{above: number, below: number, left: number, right: number}}
 */
export function borders({ from: [height, width] }, all) {
  const before = (axis) => Math.max(0, ...all.map((piece) => -Math.min(0, ...piece[axis].offsets)));
  const after = (axis, side) => Math.max(0, ...all.map((piece) => {
    const { offsets, step, count } = piece[axis];
    return (count - 1) * step + Math.max(...offsets, 0) - (side - 1);
  }));
  return { above: before("rows"), below: after("rows", height), left: before("columns"), right: after("columns", width) };
}
