/**
 * A training: its data, its network, its steps, and what is measured and shown of it. No DOM.
 *
 * @typedef {object} Data
 * @property {string} name  of the dataset
 * @property {string} title
 * @property {[number, number, number]} shape  channels, height, width
 * @property {string[]} classes  names of the labels
 * @property {Uint8Array} images  (n, pixels) that are trained on
 * @property {Uint8Array} shown  (m, pixels) that are not, whose codes are shown
 * @property {Int16Array | null} labels  (m) of the shown ones
 * @property {Int32Array} ids  (m) of the shown ones
 *
 * @typedef {{rate: number, distortion: number, elbo: number, se: number}} Bound  means over the shown pictures, nats
 * @typedef {{mu: Float32Array, logvar: Float32Array, rate: Float32Array, distortion: Float32Array}} Encoded
 */
import { normals, streamOf } from "../model/random.js";
import { Adam } from "./adam.js";
import { Batches, fill } from "./batches.js";
import { Network } from "./network.js";
import { Past } from "./past.js";
import { batchSize, changed, settingsAt } from "./settings.js";

/** Rows that are encoded or decoded together. */
const ROWS = 128;
/** Seed of the noise that the shown pictures are measured with, the same at all times. */
const MEASURED = 1;

const range = (from, to) => Int32Array.from({ length: to - from }, (_, i) => from + i);

export class Trainer {
  /**
   * @param {import("./settings.js").Settings} settings
   * @param {Data} data
   * @param {WebAssembly.Module | null} [kernel]  as in network.js
   */
  constructor(settings, data, kernel) {
    const [channels, height, width] = data.shape;
    this.pixels = channels * height * width;
    this.settings = settings;
    this.now = settingsAt(settings, 0);
    this.data = data;
    this.network = new Network(settings, this.pixels, Math.max(ROWS, batchSize(settings)), kernel);
    this.network.initialise(streamOf(settings.seed, 2), meanOf(data.images, this.pixels));
    this.adam = new Adam(this.network);
    this.imagesSeen = 0;
    this.batches = new Batches(data.images.length / this.pixels, batchSize(settings), settings.noise);
    this.past = new Past(this.network.arrays.weights.length);
    const normal = normals(streamOf(MEASURED, 0));
    this.shownNoise = Float32Array.from({ length: this.shownCount * settings.latentDim }, normal);
    this.remember();
  }

  get step() {
    return this.batches.steps;
  }

  get epoch() {
    return this.batches.epoch;
  }

  get shownCount() {
    return this.data.shown.length / this.pixels;
  }

  /** Train on one minibatch. */
  advance() {
    const { network, now, pixels } = this;
    const rows = this.batches.next();
    this.imagesSeen += rows.length;
    fill(this.data.images, rows, pixels, network.arrays.x);
    const noise = network.arrays.noise.subarray(0, rows.length * now.latentDim);
    if (now.sampling) this.batches.noise(noise);
    else noise.fill(0);
    network.forward(rows.length);
    network.backward(rows.length, now.kl ? now.beta : 0);
    this.adam.step(now.learningRate, now.decoderLearns);
    if (this.settings.changes.some(({ step }) => step === this.step)) this.now = settingsAt(this.settings, this.step);
    if (this.past.wants(this.step)) this.remember();
  }

  /** Change a setting from the next step on. */
  change(name, value) {
    this.settings = changed(this.settings, this.step, name, value);
    this.now = settingsAt(this.settings, this.step);
  }

  /** Keep this moment. */
  remember() {
    const { rate, distortion } = this.measure();
    const { step, epoch } = this;
    this.past.keep({ step, epoch, rate, distortion, weights: this.network.arrays.weights.slice() });
  }

  /** Call `compute` with the weights of a moment of the past. @template T @param {() => T} compute @returns {T} */
  at(moment, compute) {
    const { weights } = this.network.arrays;
    const present = weights.slice();
    weights.set(moment.weights);
    const found = compute();
    weights.set(present);
    return found;
  }

  /** Encode and decode the shown pictures. @returns {Encoded} */
  encode() {
    const { network, pixels, shownCount: count } = this;
    const { latentDim: d } = this.now;
    const found = {
      mu: new Float32Array(count * d), logvar: new Float32Array(count * d),
      rate: new Float32Array(count), distortion: new Float32Array(count),
    };
    for (let from = 0; from < count; from += ROWS) {
      const rows = range(from, Math.min(count, from + ROWS));
      fill(this.data.shown, rows, pixels, network.arrays.x);
      network.arrays.noise.set(this.shownNoise.subarray(from * d, (from + rows.length) * d));
      network.forward(rows.length);
      const { out } = network.encoder.at(-1);
      for (let n = 0; n < rows.length; n++) found.mu.set(out.subarray(2 * n * d, (2 * n + 1) * d), (from + n) * d);
      found.logvar.set(network.arrays.logvar.subarray(0, rows.length * d), from * d);
      found.rate.set(network.arrays.rate.subarray(0, rows.length), from);
      found.distortion.set(network.arrays.distortion.subarray(0, rows.length), from);
    }
    return found;
  }

  /** Measure the bound on the shown pictures. @returns {Bound} */
  measure(encoded = this.encode()) {
    return boundOf(encoded);
  }

  /** The pixel means of codes. @param {Float32Array} codes  (n, d) @param {(row: number, means: Float32Array) => void} take */
  decode(codes, take) {
    const { network, pixels } = this;
    const { latentDim: d } = this.now;
    const count = codes.length / d;
    for (let from = 0; from < count; from += ROWS) {
      const rows = Math.min(ROWS, count - from);
      network.arrays.z.set(codes.subarray(from * d, (from + rows) * d));
      const means = network.decode(rows);
      for (let n = 0; n < rows; n++) take(from + n, means.subarray(n * pixels, (n + 1) * pixels));
    }
  }
}

/** @param {Encoded} encoded @returns {Bound} */
export function boundOf({ rate, distortion }) {
  const count = rate.length;
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / count;
  const [r, d] = [mean(rate), mean(distortion)];
  const squares = rate.reduce((sum, value, i) => sum + (value + distortion[i] - r - d) ** 2, 0);
  return { rate: r, distortion: d, elbo: -(r + d), se: count > 1 ? Math.sqrt(squares / (count - 1) / count) : 0 };
}

/** The mean picture. @returns {Float64Array} (pixels) in [0, 1] */
function meanOf(images, pixels) {
  const sums = new Float64Array(pixels);
  for (let i = 0; i < images.length; i++) sums[i % pixels] += images[i];
  return sums.map((sum) => sum / (255 * (images.length / pixels)));
}
