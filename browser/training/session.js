/**
 * A training that a page steers by messages: the worker's side. No DOM.
 *
 * The page asks for a frame whenever it has drawn the last one. At a pace of so many steps a frame, the
 * training takes these steps before it answers; without a pace it trains all the time, and frames take at
 * most a third of it. Steps do not depend on frames: the same settings give the same training at any pace.
 *
 * @typedef {object} FrameRequest
 * @property {number} side  pictures a side of the manifold
 * @property {Float32Array} cells  (side², d) their codes
 * @property {Float32Array} codes  (n, d) further codes to decode
 * @property {number[]} rows  shown pictures whose means are to be decoded
 * @property {number | null} moment  of the past, null for the present
 *
 * @typedef {object} Frame
 * @property {number} step
 * @property {number} epoch
 * @property {import("./trainer.js").Bound} bound
 * @property {Float32Array} mu  (m, d)
 * @property {Uint8Array} cells  (side², pixels) levels
 * @property {Float32Array} pictures  (n + rows, pixels) of the further codes and the rows
 * @property {{step: number[], rate: number[], distortion: number[]}} past
 * @property {number | null} moment  as requested
 * @property {string} settings  their text
 * @property {string} arithmetic
 * @property {number} speed  pictures trained on a second, 0 while paused
 *
 * @typedef {{open: string, data: import("./trainer.js").Data | null, number: number} | {play: number | null} | {pause: true}
 *   | {steps: number} | {change: [string, number | boolean]} | {frame: FrameRequest} | {folder: true}} Message
 */
import { modelFolder } from "./folder.js";
import { readSettings, writeSettings } from "./settings.js";
import { boundOf, Trainer } from "./trainer.js";

/** Milliseconds of training between two looks for messages, and between two frames at a pace. */
const SLICE = 6;
const LONGEST = 60;
/** Share of the time that frames take at most while it trains without a pace. */
const FRAMES = 1 / 3;
/** Weight of the last frame's speed in the one that is told. */
const FRESH = 0.1;

export class Session {
  /**
   * @param {(answer: any, transfer?: Transferable[]) => void} post
   * @param {(work: () => boolean) => () => void} repeat  calls until it returns true, and lets messages arrive
   * @param {() => number} [clock]  milliseconds
   */
  constructor(post, repeat, clock = () => performance.now()) {
    this.clock = clock;
    /** Answers carry the number of the training that was opened last. */
    this.number = 0;
    this.post = (answer, transfer) => post({ ...answer, number: this.number }, transfer);
    this.repeat = repeat;
    /** @type {Trainer | null} */
    this.trainer = null;
    this.data = null;
    /** Steps a frame, Infinity without a pace; 0 while paused. */
    this.pace = 0;
    /** @type {FrameRequest | null} the frame that is still to be answered */
    this.requested = null;
    this.freeAt = 0;
    this.running = false;
    this.#rest();
  }

  /** @param {Message} message */
  handle(message) {
    try {
      this.#obey(message);
    } catch (error) {
      this.pace = 0;
      this.post({ error: error.message });
    }
  }

  #obey(message) {
    if ("open" in message) this.#open(message);
    if (this.trainer === null) return;
    if ("play" in message) this.pace = message.play ?? Infinity;
    if ("pause" in message) this.pace = 0;
    if ("steps" in message) this.#train(message.steps, Infinity);
    if ("change" in message) this.trainer.change(...message.change);
    if ("frame" in message) this.requested = message.frame;
    if ("folder" in message) this.#save();
    if (this.pace === 0 || "play" in message) this.#rest();
    this.#go();
  }

  #open({ open, data, number }) {
    this.number = number;
    if (data !== null) this.data = data;
    this.pace = 0;
    this.trainer = new Trainer(readSettings(open).settings, this.data);
    this.#rest();
  }

  #rest() {
    this.speed = 0;
    this.since = { time: this.clock(), images: this.trainer?.imagesSeen ?? 0 };
  }

  #save() {
    const bytes = modelFolder(this.trainer);
    this.post({ folder: bytes }, [bytes.buffer]);
  }

  /** Work until there is nothing to do. */
  #go() {
    if (this.running) return;
    this.running = true;
    this.repeat(() => {
      try {
        this.#slice();
      } catch (error) {
        Object.assign(this, { pace: 0, requested: null });
        this.post({ error: error.message });
      }
      this.running = this.requested !== null || this.pace === Infinity;
      return !this.running;
    });
  }

  #slice() {
    const begun = this.clock();
    if (this.pace === Infinity) {
      this.#train(Infinity, SLICE);
      if (this.requested === null || this.clock() < this.freeAt) return;
    } else if (this.requested !== null && this.requested.moment === null) this.#train(this.pace, LONGEST);
    if (this.requested === null) return;
    const started = this.clock();
    this.#answer(this.requested, begun);
    const ended = this.clock();
    this.freeAt = ended + (ended - started) * (1 / FRAMES - 1);
  }

  /** Train so many steps, or until the time is over. @param {number} steps @param {number} time  milliseconds */
  #train(steps, time) {
    const end = this.clock() + time;
    for (let done = 0; done < steps; done++) {
      this.trainer.advance();
      if (this.clock() >= end) break;
    }
    if (steps > 0) this.#check();
  }

  #check() {
    const { weights } = this.trainer.network.arrays;
    const last = weights[this.trainer.network.cut];
    if (!Number.isFinite(last)) throw new RangeError("The training diverged: weights are no longer finite. Reset it with a smaller learning rate.");
  }

  #measureSpeed(now) {
    if (this.pace === 0) return;
    const { time, images } = this.since;
    const seen = this.trainer.imagesSeen;
    const speed = (1000 * (seen - images)) / Math.max(1, now - time);
    this.speed = this.speed === 0 ? speed : this.speed + FRESH * (speed - this.speed);
    this.since = { time: now, images: seen };
  }

  #answer(request, now) {
    const { trainer } = this;
    this.requested = null;
    this.#measureSpeed(now);
    const moment = request.moment === null ? null : (trainer.past.moments[request.moment] ?? null);
    const shown = moment === null ? this.#show(request) : trainer.at(moment, () => this.#show(request));
    const { step, epoch } = moment ?? trainer;
    const { moments } = trainer.past;
    const past = { step: moments.map((one) => one.step), rate: moments.map((one) => one.rate), distortion: moments.map((one) => one.distortion) };
    const frame = {
      step, epoch, ...shown, past, moment: moment === null ? null : request.moment,
      settings: writeSettings(trainer.settings), arithmetic: trainer.network.arithmetic, speed: this.speed, playing: this.pace > 0,
    };
    this.post({ frame }, [shown.mu.buffer, shown.cells.buffer, shown.pictures.buffer]);
  }

  #show({ cells: codes, codes: further, rows }) {
    const { trainer } = this;
    const { pixels } = trainer;
    const d = trainer.now.latentDim;
    const encoded = trainer.encode();
    const cells = new Uint8Array((codes.length / d) * pixels);
    trainer.decode(codes, (row, means) => {
      for (let i = 0; i < pixels; i++) cells[row * pixels + i] = Math.round(255 * means[i]);
    });
    const wanted = Float32Array.of(...further, ...rows.flatMap((row) => Array.from(encoded.mu.subarray(row * d, (row + 1) * d))));
    const pictures = new Float32Array((wanted.length / d) * pixels);
    trainer.decode(wanted, (row, means) => pictures.set(means, row * pixels));
    return { bound: boundOf(encoded), mu: encoded.mu, cells, pictures };
  }
}
