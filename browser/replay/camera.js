/** The camera of a replay's map: all of the replay fits, and new bounds are glided to. No DOM. */
import { ease, fit } from "../map/geometry.js";
import { GLIDE_TIME } from "./playback.js";

export class ReplayCamera {
  /** @type {import("../map/geometry.js").Camera | null} the camera after gliding; null before `fit` */
  camera = null;
  #from = null;
  #start = null;

  get moving() {
    return this.#from !== null;
  }

  /** Show all of `bounds` in a drawing of this size, at once or gliding there. */
  fit(bounds, size, glide) {
    this.#from = glide ? this.camera : null;
    this.#start = null;
    this.camera = fit(bounds, size);
  }

  /** The camera at a time. @param {number} now  milliseconds */
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
