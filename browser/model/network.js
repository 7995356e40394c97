/**
 * The decoder and the encoder of a model, run in the page. No DOM.
 *
 * @typedef {object} Network
 * @property {string} hash  content hash of the model
 * @property {number} latentDim
 * @property {[number, number, number]} imageShape  channels, height, width
 * @property {number} classes  labels of a conditional model; 0 for other models
 * @property {import("./prior.js").Prior | null} prior  null for N(0, I)
 * @property {number} stochasticLayers  one or two; of two, z is the upper one
 * @property {boolean} hasRate  whether codes have a rate; those of a plain auto-encoder have none
 * @property {Layer[] | null} decoder  z (latent_dim) to pixel means (c · h · w) in [0, 1]
 * @property {Layer[] | null} encoder  pixels (c · h · w) in [0, 1] to mu and logvar (2 · latent_dim)
 * @property {string | null} [server]  where the server runs what a browser cannot
 *
 * @typedef {import("./operations.js").Layer} Layer
 */
import { unbundle } from "../files/assets.js";
import { KERNEL, prepare } from "./kernel.js";
import { multiplications, OPERATIONS } from "./operations.js";
import { interpret } from "./plan.js";

/** The most codes that go through the layers together, and the most values between two layers. */
const CHUNK = 16;
const CHUNK_VALUES = 2 ** 17;

function chunkOf(layers) {
  const largest = layers.reduce((most, { size }) => Math.max(most, size), 1);
  return Math.max(1, Math.min(CHUNK, Math.floor(CHUNK_VALUES / largest)));
}

/** The program of each list of layers, with the weights where they are in WebAssembly's memory. */
const programs = new WeakMap();

/** @returns {import("./plan.js").Program} */
function prepared(layers, inputSize, kernel = KERNEL) {
  if (kernel === null) return interpret(layers);
  try {
    return prepare(kernel, layers, inputSize, chunkOf(layers));
  } catch (error) {
    if (error instanceof RangeError) return interpret(layers); // there is no such memory
    throw error;
  }
}

function run(layers, x, count, label, out) {
  if (!programs.has(layers)) programs.set(layers, prepared(layers, x.length / count));
  return programs.get(layers)(x, count, label, out);
}

/** Properties of a network that are fetched separately. */
const PARTS = ["prior", "decoder", "encoder"];
/** Entries of a layer that hold the name of an array. */
const WEIGHTS = ["weight", "bias", "weight_ih", "bias_ih", "weight_hh", "bias_hh", "values"];

/** The one layer of a network that only the server can run. */
const SERVED = "served";

/** Whether only the server can run layers. @param {Layer[] | null | undefined} layers */
export function isServed(layers) {
  return layers?.[0]?.op === SERVED;
}

function readLayers(descriptions, arrays) {
  if (!descriptions) return null;
  if (isServed(descriptions)) return descriptions;
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
 * Read a network; half-precision weights are expanded.
 *
 * @param {Uint8Array} bytes  of vae_core.formats.bundles.network_bundle
 * @param {WebAssembly.Module | null} [kernel]  what runs it; null for JavaScript
 * @returns {Network}
 */
export function load(bytes, kernel = KERNEL) {
  const { meta, arrays } = unbundle(bytes);
  const net = {
    hash: meta.hash,
    latentDim: meta.latent_dim,
    imageShape: meta.image_shape,
    classes: meta.classes,
    prior: readPrior(meta.prior, arrays),
    stochasticLayers: meta.stochastic_layers,
    hasRate: meta.has_rate ?? true,
    decoder: readLayers(meta.decoder, arrays),
    encoder: readLayers(meta.encoder, arrays),
  };
  for (const [layers, size] of [[net.decoder, net.latentDim], [net.encoder, pixelCount(net)]]) {
    if (layers && !isServed(layers)) programs.set(layers, prepared(layers, size, kernel));
  }
  return net;
}

/**
 * Join parts of the same network that were fetched separately.
 *
 * @param {Network[]} parts
 * @returns {Network} the first one itself if it lacks nothing that the others have
 */
export function join(parts) {
  return parts.reduce((whole, part) => {
    const missing = PARTS.filter((name) => !whole[name] && part[name]);
    return missing.length === 0 ? whole : { ...whole, ...Object.fromEntries(missing.map((name) => [name, part[name]])) };
  });
}

/** Values of one picture, over all channels. @param {Network} net */
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

/** Multiplications for one decoded picture, a measure of its time; endless on the server. @param {Network} net */
export function work(net) {
  return isServed(net.decoder) ? Infinity : multiplications(net.decoder);
}

/** The label for a conditional network, 0 where none is given; null for other networks. */
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
 * Decode one code.
 *
 * @param {Network} net
 * @param {ArrayLike<number>} z  (latent_dim)
 * @param {number | null} [y]  label for a conditional model, null for 0; other models ignore it
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
 * Decode several codes.
 *
 * @param {Network} net
 * @param {Float32Array} codes  (n · latent_dim)
 * @param {number | null} [y]  one label for all, as in `decode`
 * @param {Float32Array} [out]  (n · c · h · w), filled and returned
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
 * Encode one picture.
 *
 * @param {Network} net
 * @param {ArrayLike<number>} x  (c · h · w) in [0, 1]
 * @param {number | null} [y]  label, as in `decode`
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
