/** The largest value and the mean of windows of an image (h, w, channels). No DOM. */
import { pair } from "./products.js";

/** Attributes of pooling, with those that it leaves out. */
const described = ({ stride = 1, pads = [0, 0, 0, 0], ...layer }) => ({ ...layer, stride: pair(stride), pads });

/**
 * Call `window` for each window and example with the place of its output and its rows and columns
 * within the image.
 */
function eachWindow(layer, count, window) {
  const { from, to, kernel, stride, pads, size } = described(layer);
  const [height, width, channels] = from;
  const within = (index, axis, side) => {
    const start = index * stride[axis] - pads[axis];
    return [Math.max(0, start), Math.min(side, start + kernel[axis])];
  };
  for (let n = 0; n < count; n++) {
    for (let i = 0; i < to[0]; i++) {
      for (let j = 0; j < to[1]; j++) {
        window({
          from: n * height * width * channels, to: n * size + (i * to[1] + j) * channels,
          rows: within(i, 0, height), columns: within(j, 1, width),
        }, i, j);
      }
    }
  }
}

/** Combine the pixels of a window, channel by channel. */
function combine({ from: [, width, channels] }, x, y, { from, to, rows, columns }, fn) {
  for (let row = rows[0]; row < rows[1]; row++) {
    for (let column = columns[0]; column < columns[1]; column++) {
      const at = from + (row * width + column) * channels;
      for (let c = 0; c < channels; c++) y[to + c] = fn(y[to + c], x[at + c]);
    }
  }
}

function maxPool(layer, [x], y, count) {
  y.fill(-Infinity);
  eachWindow(layer, count, (window) => combine(layer, x, y, window, Math.max));
}

/** The mean of each window: of its pixels, or of its places, with those of the padding as zeros. */
function averagePool(layer, [x], y, count) {
  const { from, kernel, stride, pads, count_include_pad: withPadding = false } = described(layer);
  const padded = (index, axis) => {
    const start = index * stride[axis] - pads[axis];
    return Math.min(from[axis] + pads[2 + axis], start + kernel[axis]) - start;
  };
  y.fill(0);
  eachWindow(layer, count, (window, i, j) => {
    combine(layer, x, y, window, (a, b) => a + b);
    const { to, rows, columns } = window;
    const places = withPadding
      ? padded(i, 0) * padded(j, 1)
      : (rows[1] - rows[0]) * (columns[1] - columns[0]);
    for (let c = 0; c < from[2]; c++) y[to + c] /= places;
  });
}

/** @type {Record<string, import("./operations.js").Operation>} */
export const POOLING = { max_pool: maxPool, average_pool: averagePool };
