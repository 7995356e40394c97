/** The position of a replay in time: played, moved and glided. No DOM. */
import { ease } from "../map/geometry.js";

/** Milliseconds of a glide from one position to another. */
export const GLIDE_TIME = 320;
/** Milliseconds for each frame where reduced motion is preferred. */
const STEP_TIME = 700;
/** Tails reach back to the position some milliseconds ago, but no farther than some frames. */
const [TAIL_TIME, TAIL_FRAMES] = [260, 1.5];
/** The longest time between two animation frames that counts, milliseconds. */
const LONGEST_GAP = 100;

/** Positions are counted in frames, 0 to `last`; times in milliseconds. */
export class Playback {
  /** Number of the last frame. */
  last = 0;
  position = 0;
  /** Follows `position` with a delay: tails of moving codes begin here. */
  tail = 0;
  playing = false;
  /** Whether the slider is held, so that nothing else may move it. */
  held = false;
  #glide = null;
  #time = null;
  #nextStep = 0;
  #frameTime;
  #reducedMotion;

  /**
   * @param {object} options
   * @param {(frame: number) => number} options.frameTime  milliseconds from this frame to the next
   * @param {() => boolean} options.reducedMotion  whether to go from frame to frame in steps
   */
  constructor({ frameTime, reducedMotion }) {
    this.#frameTime = frameTime;
    this.#reducedMotion = reducedMotion;
  }

  get atEnd() {
    return this.position >= this.last - 1e-6;
  }

  /** The position that a glide leads to, or the position. */
  get target() {
    return this.#glide?.to ?? this.position;
  }

  /** Whether it is at rest at its end, where it follows new frames. */
  get following() {
    return !this.held && !this.playing && this.target >= this.last - 1e-6;
  }

  /** Set the number of frames. @param {number} [position]  the new position, at most the last frame */
  resize(count, position = this.position) {
    this.last = count - 1;
    this.position = this.tail = Math.min(position, this.last);
    if (this.#glide?.to > this.last) this.#glide = null;
  }

  /** Move at once. */
  moveTo(position) {
    this.position = Math.min(this.last, Math.max(0, position));
    this.#glide = this.#time = null;
  }

  /** Pause and glide to a frame, at once where reduced motion is preferred. */
  goTo(frame) {
    this.playing = false;
    this.#time = null;
    if (this.#reducedMotion()) this.moveTo(frame);
    else this.#glide = { from: this.position, to: frame, start: null };
  }

  /** Pause on the nearest frame. */
  settle() {
    this.goTo(Math.round(this.position));
  }

  /** Hold a position until `release`. */
  hold(position) {
    this.held = true;
    this.playing = false;
    this.moveTo(this.#reducedMotion() ? Math.round(position) : position);
  }

  release() {
    if (this.held) this.settle();
    this.held = false;
  }

  /** Play on, from the beginning where it is at the end. */
  play(now) {
    if (this.atEnd) this.tail = this.position = 0;
    this.playing = true;
    this.#glide = this.#time = null;
    this.#nextStep = now + STEP_TIME;
  }

  /** Advance to a time. @returns {boolean} whether it still moves */
  advance(now) {
    const passed = this.#time === null ? 0 : Math.min(LONGEST_GAP, now - this.#time);
    this.#time = now;
    if (this.#glide) this.#followGlide(now);
    else if (this.playing) {
      if (this.#reducedMotion()) this.#step(now);
      else this.#play(passed);
      this.playing = !this.atEnd;
    }
    this.#moveTail(passed);
    return this.playing || this.#glide !== null || this.tail !== this.position;
  }

  #followGlide(now) {
    const { from, to, start } = this.#glide;
    this.#glide.start ??= now;
    const share = Math.min(1, (now - (start ?? now)) / GLIDE_TIME);
    this.position = from + (to - from) * ease(share);
    if (share === 1) this.#glide = null;
  }

  #play(passed) {
    const frame = Math.min(Math.floor(this.position), this.last - 1);
    this.position = Math.min(this.last, this.position + passed / this.#frameTime(frame));
  }

  #step(now) {
    if (now < this.#nextStep) return;
    this.#nextStep = now + STEP_TIME;
    this.position = Math.min(this.last, Math.floor(this.position) + 1);
  }

  #moveTail(passed) {
    const tail = this.tail + (this.position - this.tail) * (1 - Math.exp(-passed / TAIL_TIME));
    const near = Math.min(this.position + TAIL_FRAMES, Math.max(this.position - TAIL_FRAMES, tail));
    const still = this.#reducedMotion() || Math.abs(this.position - near) < 0.01;
    this.tail = still ? this.position : near;
  }
}
