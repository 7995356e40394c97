/**
 * The decoder and the encoder of a model, run in the page. No DOM.
 *
 * A network is a list of operations, as vae_core.formats.bundles packs them; a new one is one more entry
 * of `OPERATIONS`. What goes from one to the next is `size` numbers for each example: `parts` rows
 * of equal length (one, the rows of an image, or the pixels of a map with their channels side by
 * side).
 *
 * @typedef {object} Network
 * @property {string} hash  content hash of the model
 * @property {number} latentDim
 * @property {[number, number, number]} imageShape  channels, height, width
 * @property {number} classes  how many labels a conditional model knows; 0 for a model without
 * @property {import("./prior.js").Prior|null} prior  null for N(0, I)
 * @property {number} stochasticLayers  one, or two of which z is the upper one
 * @property {Layer[]|null} decoder  z (latent_dim) to pixel means (c · h · w) in [0, 1]
 * @property {Layer[]|null} encoder  pixels (c · h · w) in [0, 1] to mu and logvar, one after another
 *
 * @typedef {object} Layer
 * @property {string} op
 * @property {number} size  how many numbers come out of it
 * @property {number} [parts]  rows that come out of it; one where it is not said
 * @property {Float32Array} [weight]  (outputs, inputs), row after row
 * @property {Float32Array} [bias]  (outputs)
 */
import { unbundle } from "../files/assets.js";

/**
 * y = W x + b, for `count` inputs that lie one after another; y is written from `start` on.
 *
 * @param {{weight: Float32Array, bias: Float32Array, size: number}} matrix  size: rows of W
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

// Several sums side by side hide the latency of an addition, and a number that has been read is
// used more than once. Written out, since a compiler keeps these in registers and not an array.

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

/** What an operation needs besides its input and output, made once for each layer. */
const kept = new WeakMap();

function keep(layer, make) {
  if (!kept.has(layer)) kept.set(layer, make(layer));
  return kept.get(layer);
}

const partsOf = (layer) => layer.parts ?? 1;

/** W x + b of each part. */
function linear(layer, x, y, count) {
  const { matrix, parts } = keep(layer, () => {
    const { weight, bias, size } = layer;
    return { matrix: { weight, bias, size: size / partsOf(layer) }, parts: partsOf(layer) };
  });
  affine(matrix, x, y, count * parts);
}

/** Copies `length` numbers; zeros where there are none to copy. */
function copyOrClear(x, from, y, to, length, exists) {
  if (exists) for (let i = 0; i < length; i++) y[to + i] = x[from + i];
  else for (let i = 0; i < length; i++) y[to + i] = 0;
}

/**
 * Lays the pixels that meet a kernel of `tall` × `wide` side by side, for each place of the kernel
 * where `rows` × `columns` say; what lies beyond the map is zero.
 *
 * @param {{start: number, step: number, count: number}} rows  where the kernel's first row lies
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

/** A convolution of 3 × 3 over maps (h, w, channels), with one pixel of zeros around them. */
function conv(layer, x, y, count) {
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
 * Of a side that is doubled before a kernel of three reads it: the places where the kernel meets
 * the same two pixels in the same way, so that two of its weights act as their sum. `merged` says
 * which weights belong to the first and which to the second of them.
 */
function phases(doubled) {
  const half = Math.floor(doubled / 2);
  const all = [
    { first: 0, start: -1, count: half, merged: [[0], [1, 2]] },
    { first: 1, start: 0, count: half, merged: [[0, 1], [2]] },
    // Of an odd side the last pixel is not doubled: beyond it there are zeros.
    { first: doubled - 1, start: half - 1, count: doubled % 2, merged: [[0], [1]] },
  ];
  return all.filter(({ count }) => count > 0).map((phase) => ({ ...phase, step: 1 }));
}

/** A kernel (outputs, 3, 3, channels) as (outputs, 2, 2, channels), its weights summed. */
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

/** Each pixel doubled across and up, then a convolution: less than half the work when merged. */
function resizeConv(layer, x, y, count) {
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

/** A gated recurrent unit (GRU) that reads part after part: PyTorch's gates r, z, n. */
function recurrent(layer, x, y, count) {
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

/** The one-hot label after each part. */
function appendLabel(layer, x, y, count, label) {
  const parts = partsOf(layer);
  const width = layer.size / parts - layer.classes;
  for (let part = 0; part < count * parts; part++) {
    const to = part * (width + layer.classes);
    copyOrClear(x, part * width, y, to, width, true);
    for (let k = 0; k < layer.classes; k++) y[to + width + k] = k === label ? 1 : 0;
  }
}

/** (rows, columns, block) numbers as (columns, rows, block). */
function swap({ sides: [rows, columns, block], size }, x, y, count) {
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

/** Each number and its mirror image in a square of `side`, averaged; channels come one by one. */
function symmetric({ side, size }, x, y, count) {
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

/** The same numbers once for each part. */
function repeat(layer, x, y, count) {
  const parts = partsOf(layer);
  const width = layer.size / parts;
  for (let part = 0; part < count * parts; part++) {
    copyOrClear(x, Math.floor(part / parts) * width, y, part * width, width, true);
  }
}

/** The last of `rows` parts. */
function last({ rows, size }, x, y, count) {
  for (let n = 0; n < count; n++) copyOrClear(x, ((n + 1) * rows - 1) * size, y, n * size, size, true);
}

/** In each part, the first half of the numbers times the sigmoid of the second. */
function gated(layer, x, y, count) {
  const parts = partsOf(layer);
  const width = layer.size / parts;
  for (let part = 0; part < count * parts; part++) {
    const from = 2 * part * width;
    for (let i = 0; i < width; i++) y[part * width + i] = x[from + i] * sigmoid(x[from + width + i]);
  }
}

function add({ bias, size }, x, y, count) {
  for (let n = 0; n < count; n++) {
    for (let i = 0; i < size; i++) y[n * size + i] = x[n * size + i] + bias[i];
  }
}

function leakyRelu({ slope, size }, x, y, count) {
  for (let i = 0; i < count * size; i++) y[i] = x[i] > 0 ? x[i] : slope * x[i];
}

/** An operation that treats every number alike. */
function elementwise(fn) {
  return (layer, x, y, count) => {
    for (let i = 0; i < count * layer.size; i++) y[i] = fn(x[i]);
  };
}

const sigmoid = (a) => 1 / (1 + Math.exp(-a));
const softplus = (a) => (a > 30 ? a : Math.log1p(Math.exp(a)));
/** 1 / (1 − e^−l) − 1 / l; a series where that is the difference of two large numbers. */
const continuousBernoulliMean = (l) =>
  Math.abs(l) < 0.05 ? 0.5 + l / 12 - l ** 3 / 720 : -1 / Math.expm1(-l) - 1 / l;

/** The second half of each row is kept within (low, high) by two softplus, the first half passes. */
function softClampLogvar(layer, x, y, count) {
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

/** Every operation: (layer, inputs, outputs, how many examples, label). */
const OPERATIONS = {
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

/** Entries of a layer that name an array. */
const WEIGHTS = ["weight", "bias", "weight_ih", "bias_ih", "weight_hh", "bias_hh"];

function readLayers(descriptions, arrays) {
  if (!descriptions) return null;
  return descriptions.map((layer) => {
    if (!Object.hasOwn(OPERATIONS, layer.op)) {
      const known = Object.keys(OPERATIONS).join(", ");
      throw new TypeError(`this page cannot run the operation "${layer.op}", only ${known}`);
    }
    const named = WEIGHTS.filter((name) => name in layer).map((name) => [name, arrays[layer[name]]]);
    return { ...layer, ...Object.fromEntries(named) };
  });
}

function readPrior(description, arrays) {
  if (!description) return null;
  const { by_label: byLabel, mu, logvar, log_share: logShare } = description;
  return { byLabel, mu: arrays[mu], logvar: arrays[logvar], logShare: arrays[logShare] };
}

/**
 * Reads what vae_core.formats.bundles wrote; half-precision weights are expanded here, once.
 *
 * @param {Uint8Array} bytes
 * @returns {Network}
 */
export function load(bytes) {
  const { meta, arrays } = unbundle(bytes);
  return {
    hash: meta.hash,
    latentDim: meta.latent_dim,
    imageShape: meta.image_shape,
    classes: meta.classes,
    prior: readPrior(meta.prior, arrays),
    stochasticLayers: meta.stochastic_layers,
    decoder: readLayers(meta.decoder, arrays),
    encoder: readLayers(meta.encoder, arrays),
  };
}

/**
 * One network from parts of the same model that came separately.
 *
 * @param {Network[]} parts
 * @returns {Network}
 */
export function join(parts) {
  return parts.reduce((whole, part) => ({
    ...whole,
    prior: whole.prior ?? part.prior,
    decoder: whole.decoder ?? part.decoder,
    encoder: whole.encoder ?? part.encoder,
  }));
}

/** Intermediate values, kept between calls: two buffers used in turn. */
const workspaces = new WeakMap();

function workspace(layers, count) {
  const needed = count * Math.max(...layers.map((layer) => layer.size));
  let buffers = workspaces.get(layers);
  if (!buffers || buffers[0].length < needed) {
    buffers = [new Float32Array(needed), new Float32Array(needed)];
    workspaces.set(layers, buffers);
  }
  return buffers;
}

function run(layers, x, count, label, out) {
  const buffers = workspace(layers, count);
  let from = x;
  for (let index = 0; index < layers.length; index++) {
    const layer = layers[index];
    const to = index === layers.length - 1 ? out : buffers[index % 2];
    OPERATIONS[layer.op](layer, from, to, count, label);
    from = to;
  }
  return out;
}

/** How many codes go through the layers together: enough to reuse weights, small in memory. */
const CHUNK = 16;
const CHUNK_NUMBERS = 2 ** 17;

function chunkOf(layers) {
  const largest = layers.reduce((most, { size }) => Math.max(most, size), 1);
  return Math.max(1, Math.min(CHUNK, Math.floor(CHUNK_NUMBERS / largest)));
}

/**
 * @param {Network} net
 * @returns {number} pixels of one picture, over all channels
 */
export function pixelCount(net) {
  return net.imageShape[0] * net.imageShape[1] * net.imageShape[2];
}

/**
 * Whether a network has arrived that decodes codes of this length.
 *
 * @param {Network | null} net
 * @param {ArrayLike<number>} z
 */
export function canDecode(net, z) {
  return Boolean(net?.decoder) && net.latentDim === z.length;
}

/** Multiplications of an operation for one example; those of weights alone count. */
const MULTIPLICATIONS = {
  linear: (layer) => layer.weight.length * partsOf(layer),
  conv: ({ weight, to }) => weight.length * to[0] * to[1],
  resize_conv: ({ weight, to }) => (weight.length * to[0] * to[1] * 4) / 9,
  recurrent: (layer) => (layer.weight_ih.length + layer.weight_hh.length) * partsOf(layer),
};

/**
 * @param {Network} net
 * @returns {number} multiplications for one decoded picture, which its time follows
 */
export function work(net) {
  return keep(net.decoder, (layers) =>
    layers.reduce((sum, layer) => sum + (MULTIPLICATIONS[layer.op]?.(layer) ?? layer.size), 0));
}

/** The label that a conditional network is given, its first one unless another is chosen. */
function labelOf(net, y) {
  const classes = net.classes ?? 0;
  if (classes === 0) return null;
  const label = y ?? 0;
  if (!Number.isInteger(label) || label < 0 || label >= classes) {
    throw new RangeError(`label ${label} is not one of this model's, 0 to ${classes - 1}`);
  }
  return label;
}

/**
 * The mean picture of one code.
 *
 * @param {Network} net
 * @param {ArrayLike<number>} z  (latent_dim)
 * @param {number|null} [y]  label for a conditional model, null for its first one; others ignore it
 * @param {Float32Array} [out]  (c · h · w), filled and returned
 * @returns {Float32Array} pixel means in [0, 1]
 */
export function decode(net, z, y = null, out = new Float32Array(pixelCount(net))) {
  if (z.length !== net.latentDim) {
    throw new RangeError(`a code of this model has ${net.latentDim} numbers, this one ${z.length}`);
  }
  return run(net.decoder, z, 1, labelOf(net, y), out);
}

/**
 * The mean pictures of several codes that lie one after another.
 *
 * @param {Network} net
 * @param {Float32Array} codes  (n, latent_dim)
 * @param {number|null} [y]  one label for all of them, as in `decode`
 * @param {Float32Array} [out]  (n, c · h · w)
 * @returns {Float32Array}
 */
export function decodeMany(net, codes, y = null, out = new Float32Array((codes.length / net.latentDim) * pixelCount(net))) {
  const count = codes.length / net.latentDim;
  const pixels = pixelCount(net);
  if (!Number.isInteger(count)) {
    throw new RangeError(`${codes.length} numbers are not whole codes of ${net.latentDim}`);
  }
  const label = labelOf(net, y);
  const chunk = chunkOf(net.decoder);
  for (let first = 0; first < count; first += chunk) {
    const size = Math.min(chunk, count - first);
    const part = codes.subarray(first * net.latentDim, (first + size) * net.latentDim);
    run(net.decoder, part, size, label, out.subarray(first * pixels, (first + size) * pixels));
  }
  return out;
}

/**
 * The posterior of one picture.
 *
 * @param {Network} net
 * @param {ArrayLike<number>} x  (c · h · w) in [0, 1]
 * @param {number|null} [y]  label, as in `decode`
 * @returns {{mu: Float32Array, logvar: Float32Array}} (latent_dim) each
 */
export function encode(net, x, y = null) {
  if (net.encoder === null) throw new Error("this network came without its encoder");
  if (x.length !== pixelCount(net)) {
    throw new RangeError(`a picture of this model has ${pixelCount(net)} pixels, this one ${x.length}`);
  }
  const both = run(net.encoder, x, 1, labelOf(net, y), new Float32Array(2 * net.latentDim));
  return { mu: both.slice(0, net.latentDim), logvar: both.slice(net.latentDim) };
}
