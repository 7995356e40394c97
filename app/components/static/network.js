/**
 * The decoder and the encoder of a model, run in the page. No DOM.
 *
 * A network is a list of operations, as vae_core.portable packs them. An operation that the models
 * gain later (a convolution, a label input) is one more entry of `OPERATIONS`.
 *
 * @typedef {object} Network
 * @property {string} hash  content hash of the model
 * @property {number} latentDim
 * @property {[number, number, number]} imageShape  channels, height, width
 * @property {Layer[]|null} decoder  z (latent_dim) to pixel means (c · h · w) in [0, 1]
 * @property {Layer[]|null} encoder  pixels (c · h · w) in [0, 1] to mu and logvar, one after another
 *
 * @typedef {object} Layer
 * @property {string} op
 * @property {number} size  how many numbers come out of it
 * @property {Float32Array} [weight]  (size, inputs), row after row
 * @property {Float32Array} [bias]  (size)
 */
import { unbundle } from "./assets.js";

/** y = W x + b, for `count` inputs that lie one after another. */
function linear(layer, x, y, count) {
  const rows = layer.size - (layer.size % 4);
  const pairs = count - (count % 2);
  for (let row = 0; row < rows; row += 4) {
    for (let n = 0; n < pairs; n += 2) fourRowsTwice(layer, x, y, row, n);
    if (pairs < count) fourRows(layer, x, y, row, pairs);
  }
  for (let row = rows; row < layer.size; row++) {
    for (let n = 0; n < count; n++) oneRow(layer, x, y, row, n);
  }
}

// Several sums side by side hide the latency of an addition, and a number that has been read is
// used more than once. Written out, since a compiler keeps these in registers and not an array.

function fourRows({ weight, bias, size }, x, y, row, n) {
  const inputs = weight.length / size;
  const w0 = row * inputs;
  const w1 = w0 + inputs;
  const w2 = w1 + inputs;
  const w3 = w2 + inputs;
  const start = n * inputs;
  let a = bias[row];
  let b = bias[row + 1];
  let c = bias[row + 2];
  let d = bias[row + 3];
  for (let i = 0; i < inputs; i++) {
    const value = x[start + i];
    a += weight[w0 + i] * value;
    b += weight[w1 + i] * value;
    c += weight[w2 + i] * value;
    d += weight[w3 + i] * value;
  }
  const to = n * size + row;
  y[to] = a;
  y[to + 1] = b;
  y[to + 2] = c;
  y[to + 3] = d;
}

function fourRowsTwice({ weight, bias, size }, x, y, row, n) {
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
  const to = n * size + row;
  y[to] = a;
  y[to + 1] = b;
  y[to + 2] = c;
  y[to + 3] = d;
  y[to + size] = e;
  y[to + size + 1] = f;
  y[to + size + 2] = g;
  y[to + size + 3] = h;
}

function oneRow({ weight, bias, size }, x, y, row, n) {
  const inputs = weight.length / size;
  let sum = bias[row];
  for (let i = 0; i < inputs; i++) sum += weight[row * inputs + i] * x[n * inputs + i];
  y[n * size + row] = sum;
}

/** An operation that treats every number alike. */
function elementwise(fn) {
  return (layer, x, y, count) => {
    for (let i = 0; i < count * layer.size; i++) y[i] = fn(x[i]);
  };
}

const sigmoid = (a) => 1 / (1 + Math.exp(-a));
const softplus = (a) => (a > 30 ? a : Math.log1p(Math.exp(a)));

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

/** Every operation: (layer, inputs, outputs, how many rows). */
const OPERATIONS = {
  linear,
  tanh: elementwise(Math.tanh),
  relu: elementwise((a) => (a > 0 ? a : 0)),
  silu: elementwise((a) => a * sigmoid(a)),
  sigmoid: elementwise(sigmoid),
  soft_clamp_logvar: softClampLogvar,
};

function readLayers(descriptions, arrays) {
  if (!descriptions) return null;
  return descriptions.map((layer) => {
    if (!Object.hasOwn(OPERATIONS, layer.op)) {
      const known = Object.keys(OPERATIONS).join(", ");
      throw new TypeError(`this page cannot run the operation "${layer.op}", only ${known}`);
    }
    return layer.op === "linear"
      ? { ...layer, weight: arrays[layer.weight], bias: arrays[layer.bias] }
      : layer;
  });
}

/**
 * Reads what vae_core.portable wrote; half-precision weights are expanded here, once.
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

function run(layers, x, count, out) {
  const buffers = workspace(layers, count);
  let from = x;
  layers.forEach((layer, index) => {
    const to = index === layers.length - 1 ? out : buffers[index % 2];
    OPERATIONS[layer.op](layer, from, to, count);
    from = to;
  });
  return out;
}

/** How many codes go through the layers together: enough to reuse weights, small in memory. */
const CHUNK = 16;

/**
 * @param {Network} net
 * @returns {number} pixels of one picture, over all channels
 */
export function pixelCount(net) {
  return net.imageShape[0] * net.imageShape[1] * net.imageShape[2];
}

/**
 * The mean picture of one code.
 *
 * @param {Network} net
 * @param {ArrayLike<number>} z  (latent_dim)
 * @param {Float32Array} [out]  (c · h · w), filled and returned
 * @returns {Float32Array} pixel means in [0, 1]
 */
export function decode(net, z, out = new Float32Array(pixelCount(net))) {
  if (z.length !== net.latentDim) {
    throw new RangeError(`a code of this model has ${net.latentDim} numbers, this one ${z.length}`);
  }
  return run(net.decoder, z, 1, out);
}

/**
 * The mean pictures of several codes that lie one after another.
 *
 * @param {Network} net
 * @param {Float32Array} codes  (n, latent_dim)
 * @param {Float32Array} [out]  (n, c · h · w)
 * @returns {Float32Array}
 */
export function decodeMany(net, codes, out = new Float32Array((codes.length / net.latentDim) * pixelCount(net))) {
  const count = codes.length / net.latentDim;
  const pixels = pixelCount(net);
  if (!Number.isInteger(count)) {
    throw new RangeError(`${codes.length} numbers are not whole codes of ${net.latentDim}`);
  }
  for (let first = 0; first < count; first += CHUNK) {
    const size = Math.min(CHUNK, count - first);
    const part = codes.subarray(first * net.latentDim, (first + size) * net.latentDim);
    run(net.decoder, part, size, out.subarray(first * pixels, (first + size) * pixels));
  }
  return out;
}

/**
 * The posterior of one picture.
 *
 * @param {Network} net
 * @param {ArrayLike<number>} x  (c · h · w) in [0, 1]
 * @returns {{mu: Float32Array, logvar: Float32Array}} (latent_dim) each
 */
export function encode(net, x) {
  if (net.encoder === null) throw new Error("this network came without its encoder");
  if (x.length !== pixelCount(net)) {
    throw new RangeError(`a picture of this model has ${pixelCount(net)} pixels, this one ${x.length}`);
  }
  const both = run(net.encoder, x, 1, new Float32Array(2 * net.latentDim));
  return { mu: both.slice(0, net.latentDim), logvar: both.slice(net.latentDim) };
}
