/** The camera of a replay's map: all of the replay fits, and new bounds are glided to. No DOM. */
import { ease, fit } from "../map/geometry.js";
import { GLIDE_TIME } from "./playback.js";

export class ReplayCamera {
  /** @type {import("../map/geometry.js").Camera | null} where it rests, null before `fit` */
  camera = null;
  #from = null;
  #start = null;

  /** Whether it is still gliding. */
  get moving() {
    return this.#from !== null;
  }

  /**
   * Shows all of `bounds`.
   *
   * @param {import("../map/geometry.js").Bounds} bounds
   * @param {import("../map/geometry.js").Size} size
   * @param {boolean} glide  whether to glide there from what is shown now
   */
  fit(bounds, size, glide) {
    this.#from = glide ? this.camera : null;
    this.#start = null;
    this.camera = fit(bounds, size);
  }

  /** The camera at a time of the clock. @param {number} now  milliseconds */
  at(now) {
    if (!this.#from) return this.camera;
    this.#start ??= now;
    const share = ease(Math.min(1, (now - this.#start) / GLIDE_TIME));
    const [from, to] = [this.#from, this.camera];
    if (share === 1) this.#from = null;
    const mix = (key) => from[key] + (to[key] - from[key]) * share;
    return { x: mix("x"), y: mix("y"), height: mix("height") };
  }
}
