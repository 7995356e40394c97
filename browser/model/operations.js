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
 */

/**
 * Compute W x + b for `count` inputs; `y` is written from `start` on.
 *
 * @param {{weight: Float32Array, bias: Float32Array, size: number}} matrix  `size` is the rows of W
 */
function affine(matrix, x, y, count, start = 0) {
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

/** What is computed once for each layer, or list of layers. */
const kept = new WeakMap();

function keep(layer, make) {
  if (!kept.has(layer)) kept.set(layer, make(layer));
  return kept.get(layer);
}

const partsOf = (layer) => layer.parts ?? 1;

/** W x + b for each part. */
function linear(layer, [x], y, count) {
  const { matrix, parts } = keep(layer, () => {
    const { weight, bias, size } = layer;
    return { matrix: { weight, bias, size: size / partsOf(layer) }, parts: partsOf(layer) };
  });
  affine(matrix, x, y, count * parts);
}

/** Copy `length` values, or zeros where they do not exist. */
function copyOrClear(x, from, y, to, length, exists) {
  if (exists) for (let i = 0; i < length; i++) y[to + i] = x[from + i];
  else for (let i = 0; i < length; i++) y[to + i] = 0;
}

/**
 * Gather the pixels under a kernel of `tall` × `wide`, for each of its places; zeros beyond the border.
 *
 * @param {{start: number, step: number, count: number}} rows  the first row of each place
 * @param {{start: number, step: number, count: number}} columns
 */
function gather(x, offset, [height, width, channels], patches, rows, columns, tall, wide) {
  let to = 0;
  for (let i = 0; i < rows.count; i++) {
    for (let j = 0; j < columns.count; j++) {
      const left = columns.start + j * columns.step;
      for (let k = 0; k < tall; k++) {
        const row = rows.start + i * rows.step + k;
        const from = offset + (row * width + left) * channels;
        const there = row >= 0 && row < height;
        if (there && left >= 0 && left + wide <= width) {
          copyOrClear(x, from, patches, to, wide * channels, true);
          to += wide * channels;
          continue;
        }
        for (let l = 0; l < wide; l++, to += channels) {
          const inside = there && left + l >= 0 && left + l < width;
          copyOrClear(x, from + l * channels, patches, to, channels, inside);
        }
      }
    }
  }
}

/** A convolution of 3 × 3 over images (h, w, channels), padded with one pixel of zeros. */
function conv(layer, [x], y, count) {
  const { matrix, patches, rows, columns } = keep(layer, ({ weight, bias, from, to, stride }) => ({
    matrix: { weight, bias, size: to[2] },
    patches: new Float32Array(to[0] * to[1] * 9 * from[2]),
    rows: { start: -1, step: stride, count: to[0] },
    columns: { start: -1, step: stride, count: to[1] },
  }));
  const [height, width, channels] = layer.from;
  for (let n = 0; n < count; n++) {
    gather(x, n * height * width * channels, layer.from, patches, rows, columns, 3, 3);
    affine(matrix, patches, y, rows.count * columns.count, n * layer.size);
  }
}

/**
 * The phases of a kernel of three over a side whose pixels are doubled.
 *
 * In each phase the kernel covers two different pixels, so that two of its weights act as their sum:
 * `merged` lists the weights of the first and of the second pixel.
 */
function phases(doubled) {
  const half = Math.floor(doubled / 2);
  const all = [
    { first: 0, start: -1, count: half, merged: [[0], [1, 2]] },
    { first: 1, start: 0, count: half, merged: [[0, 1], [2]] },
    // The last pixel of an odd side is not doubled.
    { first: doubled - 1, start: half - 1, count: doubled % 2, merged: [[0], [1]] },
  ];
  return all.filter(({ count }) => count > 0).map((phase) => ({ ...phase, step: 1 }));
}

/** Sum the weights of a kernel (outputs, 3, 3, channels) to one of (outputs, 2, 2, channels). */
function mergeKernel(weight, channels, rows, columns) {
  const outputs = weight.length / (9 * channels);
  const small = new Float32Array(outputs * 4 * channels);
  for (let o = 0; o < outputs; o++) {
    rows.forEach((tall, k) => columns.forEach((wide, l) => {
      for (const p of tall) {
        for (const q of wide) {
          for (let c = 0; c < channels; c++) {
            small[(o * 4 + k * 2 + l) * channels + c] += weight[(o * 9 + p * 3 + q) * channels + c];
          }
        }
      }
    }));
  }
  return small;
}

/** A convolution of 3 × 3 over an image of twice the size, as four of 2 × 2 over the image itself. */
function resizeConv(layer, [x], y, count) {
  const { quarters, patches, pixels } = keep(layer, ({ weight, bias, from, to }) => {
    const most = Math.ceil(to[0] / 2) * Math.ceil(to[1] / 2);
    return {
      quarters: phases(to[0]).flatMap((rows) => phases(to[1]).map((columns) => ({
        rows, columns, weight: mergeKernel(weight, from[2], rows.merged, columns.merged), bias, size: to[2],
      }))),
      patches: new Float32Array(most * 4 * from[2]),
      pixels: new Float32Array(most * to[2]),
    };
  });
  const [height, width, channels] = layer.from;
  const [, wide, outputs] = layer.to;
  for (let n = 0; n < count; n++) {
    for (const quarter of quarters) {
      const { rows, columns } = quarter;
      gather(x, n * height * width * channels, layer.from, patches, rows, columns, 2, 2);
      affine(quarter, patches, pixels, rows.count * columns.count);
      for (let i = 0, from = 0; i < rows.count; i++) {
        for (let j = 0; j < columns.count; j++, from += outputs) {
          const at = (rows.first + 2 * i) * wide + columns.first + 2 * j;
          copyOrClear(pixels, from, y, n * layer.size + at * outputs, outputs, true);
        }
      }
    }
  }
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

function leakyRelu({ slope, size }, [x], y, count) {
  for (let i = 0; i < count * size; i++) y[i] = x[i] > 0 ? x[i] : slope * x[i];
}

/** An operation on each value alone. */
function elementwise(fn) {
  return (layer, [x], y, count) => {
    for (let i = 0; i < count * layer.size; i++) y[i] = fn(x[i]);
  };
}

const sigmoid = (a) => 1 / (1 + Math.exp(-a));
const softplus = (a) => (a > 30 ? a : Math.log1p(Math.exp(a)));
/** 1 / (1 − e^−l) − 1 / l; near 0 its series, where both terms are large. */
const continuousBernoulliMean = (l) =>
  Math.abs(l) < 0.05 ? 0.5 + l / 12 - l ** 3 / 720 : -1 / Math.expm1(-l) - 1 / l;

/** Limit the second half of the values to (low, high) by two softplus; the first half is copied. */
function softClampLogvar(layer, [x], y, count) {
  const { low, high, size } = layer;
  for (let n = 0; n < count; n++) {
    const middle = n * size + size / 2;
    for (let i = n * size; i < middle; i++) y[i] = x[i];
    for (let i = middle; i < (n + 1) * size; i++) {
      const capped = high - softplus(high - x[i]);
      y[i] = low + softplus(capped - low);
    }
  }
}

/**
 * Every operation by its name in a bundle: (layer, inputs, y, count, label) → void.
 *
 * `inputs` are the values that the layer reads and `y` those that it writes, of `count` examples one
 * after another; an operation with one input reads the first. `y` is never one of the inputs.
 */
export const OPERATIONS = {
  linear,
  conv,
  resize_conv: resizeConv,
  recurrent,
  label: appendLabel,
  swap,
  repeat,
  last,
  gated,
  add,
  leaky_relu: leakyRelu,
  tanh: elementwise(Math.tanh),
  relu: elementwise((a) => (a > 0 ? a : 0)),
  silu: elementwise((a) => a * sigmoid(a)),
  sigmoid: elementwise(sigmoid),
  symmetric,
  continuous_bernoulli_mean: elementwise(continuousBernoulliMean),
  soft_clamp_logvar: softClampLogvar,
};

/** Multiplications by weights for one example. */
const MULTIPLICATIONS = {
  linear: (layer) => layer.weight.length * partsOf(layer),
  conv: ({ weight, to }) => weight.length * to[0] * to[1],
  resize_conv: ({ weight, to }) => (weight.length * to[0] * to[1] * 4) / 9,
  recurrent: (layer) => (layer.weight_ih.length + layer.weight_hh.length) * partsOf(layer),
};

/** Multiplications of all layers for one example. @param {Layer[]} layers */
export function multiplications(layers) {
  return keep(layers, () =>
    layers.reduce((sum, layer) => sum + (MULTIPLICATIONS[layer.op]?.(layer) ?? layer.size), 0));
}
