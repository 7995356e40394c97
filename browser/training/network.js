/**
 * A dense VAE that learns: x → hidden → q(z|x) → z → hidden → p(x|z), forward and backward. No DOM.
 *
 * Weights have the names and the shapes of a model folder (docs/model-folder.md). All rows of a
 * minibatch go through a layer together.
 *
 * @typedef {object} Layer
 * @property {number} inputs
 * @property {number} outputs
 * @property {string | null} activation
 * @property {Float32Array} weight  (outputs, inputs)
 * @property {Float32Array} bias  (outputs)
 * @property {Float32Array} byWeight  gradient, as weight
 * @property {Float32Array} byBias  gradient, as bias
 * @property {Float32Array} sum  (rows, outputs) W x + b
 * @property {Float32Array} out  (rows, outputs) what the activation makes of it
 */
import { logarithm, uniforms } from "../model/random.js";
import { arithmetic } from "./arithmetic.js";

/** Smooth limits of the posterior's log-variance, and the floor of a Gaussian decoder's, as in vae_core. */
const LOGVAR = [-12, 4];
export const LOGVAR_FLOOR = -4.5;
/** Slope of the leaky ReLU below zero. */
const LEAK = 0.2;
/** Share of black or white that the first output leaves to every pixel. */
const LEAST = 0.001;
/** Numbers of a line of a cache: weights begin there. */
const LINE = 16;

/** Values of the decoder's last layer for each pixel. */
const VALUES = { bernoulli: 1, gaussian: 2 };

/** The layers of encoder and decoder: name, inputs, outputs, activation. */
function describe({ latentDim, width, activation, likelihood }, pixels) {
  const encoder = [["encoder.0", pixels, width, activation], ["posterior", width, 2 * latentDim, null]];
  const decoder = [["decoder.0", latentDim, width, activation], ["likelihood", width, VALUES[likelihood] * pixels, null]];
  return { encoder, decoder };
}

/** The places of the weights, one after another; those of the decoder begin at `cut`. */
function placesOf({ encoder, decoder }) {
  let at = 0;
  const place = (length) => {
    const from = at;
    at += LINE * Math.ceil(length / LINE);
    return [from, from + length];
  };
  const places = {};
  let cut = 0;
  for (const [name, inputs, outputs] of [...encoder, ...decoder]) {
    if (name === decoder[0][0]) cut = at;
    places[`${name}.weight`] = place(outputs * inputs);
    places[`${name}.bias`] = place(outputs);
  }
  return { places, cut, length: at };
}

export class Network {
  /**
   * @param {import("./settings.js").Settings} settings
   * @param {number} pixels  of a picture
   * @param {number} rows  of a minibatch, at most
   * @param {WebAssembly.Module | null} [kernel]  one of arithmetic.js; null for JavaScript
   */
  constructor(settings, pixels, rows, kernel) {
    const described = describe(settings, pixels);
    const all = [...described.encoder, ...described.decoder];
    const widest = Math.max(...all.flatMap(([, inputs, outputs]) => [inputs, outputs]));
    const largest = Math.max(rows * widest, ...all.map(([, inputs, outputs]) => inputs * outputs));
    const { places, cut, length } = placesOf(described);
    const { latentDim: d } = settings;
    const lengths = { weights: length, gradients: length, mean: length, square: length, zeros: widest, first: largest, second: rows * widest };
    Object.assign(lengths, { x: rows * pixels, noise: rows * d, logvar: rows * d, z: rows * d, rate: rows, distortion: rows });
    // Gradients by a layer's output, alternately.
    Object.assign(lengths, { dy: rows * widest, dx: rows * widest });
    for (const [name, , outputs] of all) Object.assign(lengths, { [`${name}.sum`]: rows * outputs, [`${name}.out`]: rows * outputs });
    const { name, operations, arrays } = arithmetic(lengths, kernel);
    const part = (kind) => (key) => arrays[kind].subarray(...places[key]);
    const [weight, gradient] = [part("weights"), part("gradients")];
    const layer = ([key, inputs, outputs, activation]) => ({
      inputs, outputs, activation: activation && activation.replace("-", "_"),
      weight: weight(`${key}.weight`), bias: weight(`${key}.bias`),
      byWeight: gradient(`${key}.weight`), byBias: gradient(`${key}.bias`),
      sum: arrays[`${key}.sum`], out: activation === null ? arrays[`${key}.sum`] : arrays[`${key}.out`],
    });
    Object.assign(this, { settings, pixels, rows, places, cut, arrays, operations, arithmetic: name });
    this.encoder = described.encoder.map(layer);
    this.decoder = described.decoder.map(layer);
  }

  /** Number of weights. */
  get size() {
    return Object.values(this.places).reduce((sum, [from, to]) => sum + to - from, 0);
  }

  /**
   * Draw the first weights: uniform by the rule of Glorot, and the mean picture as the first output
   * (Burda et al. 2016), as vae_core does.
   *
   * @param {number} seed
   * @param {Float64Array} meanPicture  (pixels) in [0, 1]
   */
  initialise(seed, meanPicture) {
    const uniform = uniforms(seed);
    this.arrays.weights.fill(0);
    for (const { inputs, outputs, weight } of [...this.encoder, ...this.decoder]) {
      const bound = Math.sqrt(6 / (inputs + outputs));
      for (let i = 0; i < weight.length; i++) weight[i] = bound * (2 * uniform() - 1);
    }
    const { bias } = this.decoder.at(-1);
    meanPicture.forEach((mean, i) => {
      const share = Math.min(1 - LEAST, Math.max(LEAST, mean));
      bias[i] = logarithm(share) - logarithm(1 - share);
    });
  }

  /** W x + b, and the activation, layer after layer. @returns {Float32Array} (count, outputs of the last) */
  #run(layers, x, count) {
    let read = x;
    for (const { inputs, outputs, activation, weight, bias, sum, out } of layers) {
      this.operations.dense(weight, bias, read, sum, outputs, inputs, count);
      if (activation !== null) this.operations[activation](sum, out, count * outputs, LEAK);
      read = out;
    }
    return read;
  }

  /**
   * Compute q(z|x), z and p(x|z) of the first `count` pictures in `arrays.x`, with `arrays.noise`:
   * `arrays.rate` and `arrays.distortion` then hold the two terms of the bound, in nats.
   */
  forward(count) {
    const { x, noise, logvar, z, rate, distortion, dy } = this.arrays;
    const s = this.#run(this.encoder, x, count);
    this.operations.posterior(s, noise, logvar, z, rate, count, this.settings.latentDim, ...LOGVAR);
    const values = this.#run(this.decoder, z, count);
    this.operations[this.settings.likelihood](values, x, dy, distortion, count, this.pixels, 1 / count, LOGVAR_FLOOR);
  }

  /** Compute the gradients of beta · rate + distortion, averaged over the pictures that went forward. */
  backward(count, beta) {
    const { x, noise, logvar, z, dy, dx } = this.arrays;
    const dz = this.#runBack(this.decoder, z, dy, dx, count, true);
    const ds = dz === dy ? dx : dy;
    const s = this.encoder.at(-1).out;
    this.operations.posterior_back(s, noise, logvar, dz, ds, count, this.settings.latentDim, beta / count, ...LOGVAR);
    this.#runBack(this.encoder, x, ds, dz, count, false);
  }

  /**
   * From the gradient by the last output (dy) to those by all weights, and by x where that is wanted.
   *
   * @returns {Float32Array} dy or dx, whichever holds the latter
   */
  #runBack(layers, x, dy, dx, count, wanted) {
    const { zeros, first, second } = this.arrays;
    const { dense, transposed, sum_rows: sumRows, ...operations } = this.operations;
    for (let i = layers.length - 1; i >= 0; i--) {
      const { inputs, outputs, activation, weight, byWeight, byBias, sum, out } = layers[i];
      const read = i === 0 ? x : layers[i - 1].out;
      if (activation !== null) operations[`${activation}_back`](sum, out, dy, dy, count * outputs, LEAK);
      // dW = dy' x
      transposed(read, first, count, inputs);
      transposed(dy, second, count, outputs);
      dense(first, zeros, second, byWeight, inputs, count, outputs);
      sumRows(dy, byBias, count, outputs);
      if (i === 0 && !wanted) break;
      // dx = dy W
      transposed(weight, first, outputs, inputs);
      dense(first, zeros, dy, dx, inputs, outputs, count);
      [dy, dx] = [dx, dy];
    }
    return dy;
  }

  /** Encode the first `count` pictures in `arrays.x`. @returns {Float32Array} (count, 2 d) mu, then no limited logvar */
  encode(count) {
    return this.#run(this.encoder, this.arrays.x, count);
  }

  /** The pixel means of the first `count` codes in `arrays.z`. @returns {Float32Array} (count, pixels), overwritten by the next call */
  decode(count) {
    const values = this.#run(this.decoder, this.arrays.z, count);
    const { first } = this.arrays;
    const { outputs } = this.decoder.at(-1);
    this.operations.sigmoid(values, first, count * outputs);
    if (outputs === this.pixels) return first.subarray(0, count * this.pixels);
    for (let n = 1; n < count; n++) first.copyWithin(n * this.pixels, n * outputs, n * outputs + this.pixels);
    return first.subarray(0, count * this.pixels);
  }
}
