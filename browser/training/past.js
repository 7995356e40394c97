/**
 * What a training was: moments with their weights, fewer the longer it lasts. No DOM.
 *
 * Moments lie at steps that grow by a constant ratio, since most happens early. Where memory is full, the
 * moment goes whose neighbours are nearest by ratio; the first and the last always stay.
 *
 * @typedef {object} Moment
 * @property {number} step
 * @property {number} epoch
 * @property {number} rate  nats, mean over the shown pictures
 * @property {number} distortion
 * @property {Float32Array} weights
 */

/** Bytes of all weights, and moments, at most. */
const MOST_BYTES = 64 * 2 ** 20;
const MOST_MOMENTS = 240;
/** The least ratio of the steps of neighbours. */
const RATIO = 1.04;

export class Past {
  /** @type {Moment[]} */
  moments = [];

  /** @param {number} length  of the weights */
  constructor(length, bytes = MOST_BYTES) {
    this.capacity = Math.max(3, Math.min(MOST_MOMENTS, Math.floor(bytes / (4 * length))));
  }

  /** Whether a step is far enough from the last moment to be kept. */
  wants(step) {
    const last = this.moments.at(-1)?.step ?? -1;
    return step > last && step >= last * RATIO;
  }

  /** Keep a moment. @param {Moment} moment */
  keep(moment) {
    this.moments.push(moment);
    if (this.moments.length > this.capacity) this.moments.splice(this.#leastMissed(), 1);
  }

  #leastMissed() {
    const ratio = (i) => (this.moments[i + 1].step + 1) / (this.moments[i - 1].step + 1);
    let least = 1;
    for (let i = 2; i < this.moments.length - 1; i++) if (ratio(i) < ratio(least)) least = i;
    return least;
  }
}
