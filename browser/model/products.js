/** What operations share: products with a matrix, patches of images, and what a layer keeps. No DOM. */

/**
 * Compute W x + b for `count` inputs; `y` is written from `start` on.
 *
 * @param {{weight: Float32Array, bias: Float32Array, size: number}} matrix  `size` is the rows of W
 */
export function affine(matrix, x, y, count, start = 0) {
  const rows = matrix.size - (matrix.size % 4);
  const pairs = count - (count % 2);
  for (let row = 0; row < rows; row += 4) {
    for (let n = 0; n < pairs; n += 2) fourRowsTwice(matrix, x, y, row, n, start);
    if (pairs < count) fourRows(matrix, x, y, row, pairs, start);
  }
  for (let row = rows; row < matrix.size; row++) {
    for (let n = 0; n < count; n++) oneRow(matrix, x, y, row, n, start);
  }
}

// Several sums at once hide the latency of an addition, and use each value that is read more than
// once. They are written out because a compiler keeps these variables in registers, but no array.

function fourRows({ weight, bias, size }, x, y, row, n, start) {
  const inputs = weight.length / size;
  const w0 = row * inputs;
  const w1 = w0 + inputs;
  const w2 = w1 + inputs;
  const w3 = w2 + inputs;
  const from = n * inputs;
  let a = bias[row];
  let b = bias[row + 1];
  let c = bias[row + 2];
  let d = bias[row + 3];
  for (let i = 0; i < inputs; i++) {
    const value = x[from + i];
    a += weight[w0 + i] * value;
    b += weight[w1 + i] * value;
    c += weight[w2 + i] * value;
    d += weight[w3 + i] * value;
  }
  const to = start + n * size + row;
  y[to] = a;
  y[to + 1] = b;
  y[to + 2] = c;
  y[to + 3] = d;
}

function fourRowsTwice({ weight, bias, size }, x, y, row, n, start) {
  const inputs = weight.length / size;
  const w0 = row * inputs;
  const w1 = w0 + inputs;
  const w2 = w1 + inputs;
  const w3 = w2 + inputs;
  const first = n * inputs;
  const second = first + inputs;
  let a = bias[row];
  let b = bias[row + 1];
  let c = bias[row + 2];
  let d = bias[row + 3];
  let e = a;
  let f = b;
  let g = c;
  let h = d;
  for (let i = 0; i < inputs; i++) {
    const one = x[first + i];
    const two = x[second + i];
    const p = weight[w0 + i];
    const q = weight[w1 + i];
    const r = weight[w2 + i];
    const s = weight[w3 + i];
    a += p * one;
    b += q * one;
    c += r * one;
    d += s * one;
    e += p * two;
    f += q * two;
    g += r * two;
    h += s * two;
  }
  const to = start + n * size + row;
  y[to] = a;
  y[to + 1] = b;
  y[to + 2] = c;
  y[to + 3] = d;
  y[to + size] = e;
  y[to + size + 1] = f;
  y[to + size + 2] = g;
  y[to + size + 3] = h;
}

function oneRow({ weight, bias, size }, x, y, row, n, start) {
  const inputs = weight.length / size;
  let sum = bias[row];
  for (let i = 0; i < inputs; i++) sum += weight[row * inputs + i] * x[n * inputs + i];
  y[start + n * size + row] = sum;
}

/** Copy `length` values, or zeros where they do not exist. */
export function copyOrClear(x, from, y, to, length, exists) {
  if (exists) for (let i = 0; i < length; i++) y[to + i] = x[from + i];
  else for (let i = 0; i < length; i++) y[to + i] = 0;
}

/**
 * Gather the pixels under a kernel of `tall` × `wide`, for each of its places; zeros beyond the border.
 *
 * @typedef {object} Side  the places of a kernel along one side
 * @property {number} start  the first pixel of the first place
 * @property {number} step  from one place to the next
 * @property {number} count
 * @property {number} [apart]  from one pixel of the kernel to the next, 1 by default
 *
 * @param {Side} rows
 * @param {Side} columns
 * @param {{first: number, length: number} | null} [some]  the channels that are gathered, null for all
 */
export function gather(x, offset, [height, width, channels], patches, rows, columns, tall, wide, some = null) {
  const { first, length } = some ?? { first: 0, length: channels };
  const [down, right] = [rows.apart ?? 1, columns.apart ?? 1];
  const whole = right === 1 && length === channels;
  let to = 0;
  for (let i = 0; i < rows.count; i++) {
    for (let j = 0; j < columns.count; j++) {
      const left = columns.start + j * columns.step;
      for (let k = 0; k < tall; k++) {
        const row = rows.start + i * rows.step + k * down;
        const from = offset + (row * width + left) * channels;
        const there = row >= 0 && row < height;
        if (whole && there && left >= 0 && left + wide <= width) {
          copyOrClear(x, from, patches, to, wide * channels, true);
          to += wide * channels;
          continue;
        }
        for (let l = 0; l < wide; l++, to += length) {
          const column = left + l * right;
          const inside = there && column >= 0 && column < width;
          copyOrClear(x, from + l * right * channels + first, patches, to, length, inside);
        }
      }
    }
  }
}

/** Both axes of a stride or a dilation. */
export const pair = (value) => (typeof value === "number" ? [value, value] : value);

const kept = new WeakMap();

/** What is computed once for each layer, or list of layers. */
export function keep(layer, make) {
  if (!kept.has(layer)) kept.set(layer, make(layer));
  return kept.get(layer);
}

/** Rows of a layer's output. @param {import("./operations.js").Layer} layer */
export const partsOf = (layer) => layer.parts ?? 1;
