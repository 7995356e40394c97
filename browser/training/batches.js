/** Minibatches in random order, and their noise. No DOM. */
import { normals, streamOf, uniforms } from "../model/random.js";

/** Grey levels as numbers in [0, 1]. */
export const LEVELS = Float32Array.from({ length: 256 }, (_, level) => level / 255);

/** Streams of random numbers of one seed. */
const [ORDER, NOISE] = [0, 1];

export class Batches {
  #order;
  #uniform;
  #normal;
  #next = 0;

  /**
   * @param {number} count  of pictures
   * @param {number} size  pictures in a minibatch; the last one of an epoch may have fewer
   * @param {number} seed
   */
  constructor(count, size, seed) {
    this.#uniform = uniforms(streamOf(seed, ORDER));
    this.#normal = normals(streamOf(seed, NOISE));
    this.#order = Int32Array.from({ length: count }, (_, i) => i);
    this.size = size;
    this.steps = 0;
  }

  /** Passes over the pictures. */
  get epoch() {
    const { length } = this.#order;
    const each = Math.ceil(length / this.size);
    const whole = Math.floor(this.steps / each);
    return whole + ((this.steps - whole * each) * this.size) / length;
  }

  /** The rows of the next minibatch. @returns {Int32Array} */
  next() {
    if (this.#next === 0) this.#shuffle();
    const rows = this.#order.subarray(this.#next, this.#next + this.size);
    this.#next = (this.#next + this.size) % (Math.ceil(this.#order.length / this.size) * this.size);
    this.steps += 1;
    return rows;
  }

  /** Fill with standard normal numbers. @param {Float32Array} values */
  noise(values) {
    for (let i = 0; i < values.length; i++) values[i] = this.#normal();
  }

  /** Fisher & Yates. */
  #shuffle() {
    const order = this.#order;
    for (let i = order.length - 1; i > 0; i--) {
      const j = Math.floor(this.#uniform() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
  }
}

/**
 * Write pictures as numbers in [0, 1].
 *
 * @param {Uint8Array} images  (n, pixels)
 * @param {ArrayLike<number>} rows
 * @param {number} pixels
 * @param {Float32Array} x  (at least rows, pixels) written
 */
export function fill(images, rows, pixels, x) {
  for (let n = 0, to = 0; n < rows.length; n++) {
    const from = rows[n] * pixels;
    for (let i = from; i < from + pixels; i++, to++) x[to] = LEVELS[images[i]];
  }
}
