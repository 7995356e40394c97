/**
 * A training as a page shows it: what is played, when, and which moment is looked at. No DOM.
 *
 * Facts of it are in the page's store as `training`, for lessons: they change with every frame.
 *
 * @typedef {object} Facts
 * @property {string} data  "digits", "mnist" or "pictures"
 * @property {number} step
 * @property {number} epoch
 * @property {number} rate  nats, mean over the shown pictures, as the next two
 * @property {number} distortion
 * @property {number} elbo
 * @property {boolean} playing
 * @property {import("./settings.js").Settings} settings  at this step
 *
 * @typedef {object} Listeners
 * @property {(frame: import("./session.js").Frame) => void} frame  there is something new to draw
 * @property {() => void} changed  playing, moment or settings changed
 * @property {(text: string) => void} settings  for the link
 * @property {(sentence: string) => void} error
 * @property {(zip: Uint8Array) => void} folder
 */
import { cellCodes } from "../manifold/cells.js";
import { schedule, store, unschedule } from "../state/store.js";
import { connect } from "./connection.js";
import { readSettings, settingsAt, writeSettings } from "./settings.js";

/** Pictures a side of the manifold. */
export const SIDE = 12;

export class Player {
  /** @type {import("./session.js").Frame | null} the one that is shown */
  frame = null;
  playing = false;
  /** Steps a frame; null for as many as there is time for. @type {number | null} */
  pace = 4;
  /** The moment of the past that is looked at, null for the present. @type {number | null} */
  moment = null;
  /** The plane of map and manifold. @type {[number, number]} */
  dims = [0, 1];
  /** A code to decode, and a shown picture to reconstruct. @type {{z: Float32Array | null, row: number | null}} */
  looked = { z: null, row: null };
  /** @type {import("./trainer.js").Data | null} */
  data = null;
  #connection = null;
  #waiting = false;
  #stale = false;
  /** Trainings that were opened: frames of earlier ones are not shown. */
  #opened = 0;
  /** The last step that is known. */
  #present = 0;
  /** Changes that no frame has confirmed yet, and whether one was asked for since. */
  #changes = {};
  #confirming = false;
  #next = () => this.#request();

  /** @param {Listeners} listeners */
  constructor(listeners) {
    this.listeners = listeners;
    this.settings = readSettings(null).settings;
  }

  /** The settings that hold at the step that is shown. */
  get now() {
    return { ...settingsAt(this.settings, this.frame?.step ?? 0), ...this.#changes };
  }

  /** Begin a training at its first weights. @param {import("./settings.js").Settings} settings @param {import("./trainer.js").Data} data */
  open(settings, data) {
    this.#connection ??= connect((answer) => this.#take(answer));
    const known = this.data === data;
    Object.assign(this, { settings, data, playing: false, moment: null, frame: null });
    if (settings.latentDim <= Math.max(...this.dims)) this.dims = [0, 1];
    this.#waiting = false;
    this.#changes = {};
    this.#present = 0;
    this.#opened += 1;
    this.#connection.send({ open: writeSettings(settings), data: known ? null : data, number: this.#opened });
    this.refresh();
  }

  play() {
    if (this.data === null) return;
    Object.assign(this, { playing: true, moment: null });
    this.#connection.send({ play: this.pace });
    this.refresh();
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.#connection.send({ pause: true });
    this.refresh();
  }

  /** Take some steps of the training. */
  step(steps = 1) {
    if (this.data === null) return;
    this.pause();
    this.moment = null;
    this.#connection.send({ steps });
    this.refresh();
  }

  /** Begin again, at the same weights, with the settings that hold now; changes that are still to come stay. */
  reset() {
    if (this.data === null) return;
    const changes = this.settings.changes.filter(({ step }) => step > this.#present);
    this.open({ ...settingsAt(this.settings, this.#present), ...this.#changes, changes }, this.data);
    this.listeners.settings(writeSettings(this.settings));
  }

  /** Change a setting that may change on the way. */
  change(name, value) {
    if (this.frame === null) return;
    this.moment = null;
    this.#changes = { ...this.#changes, [name]: value };
    this.#confirming = false;
    this.#connection.send({ change: [name, value] });
    this.refresh();
  }

  /** Look at a moment of the past; null is the present. @param {number | null} moment */
  look(moment) {
    this.pause();
    this.moment = moment;
    this.refresh();
  }

  /** Ask for the model folder of the present. */
  save() {
    if (this.data !== null) this.#connection.send({ folder: true });
  }

  setPace(pace) {
    this.pace = pace;
    if (this.playing) this.#connection.send({ play: pace });
  }

  /** Draw a new frame, as soon as the last one is there. */
  refresh() {
    this.#stale = true;
    this.listeners.changed();
    schedule(this.#next);
  }

  destroy() {
    unschedule(this.#next);
    this.#connection?.stop();
    store.set({ training: null });
  }

  /** The codes of the manifold's cells; a dimension outside the plane is that of the code that is looked at, or 0. */
  #cells() {
    const held = this.looked.z ?? new Float32Array(this.settings.latentDim);
    return cellCodes(SIDE, this.dims, held);
  }

  #request() {
    if (this.#waiting || this.data === null || !(this.#stale || this.playing)) return;
    this.#waiting = true;
    this.#stale = false;
    this.#confirming = true;
    const { z, row } = this.looked;
    this.#connection.send({
      frame: { cells: this.#cells(), codes: z ?? new Float32Array(0), rows: row === null ? [] : [row], moment: this.moment },
    });
  }

  #take(answer) {
    if (answer.number !== this.#opened) return;
    if (answer.error) {
      this.playing = false;
      this.#waiting = false;
      this.listeners.error(answer.error);
      this.listeners.changed();
    } else if (answer.folder) this.listeners.folder(answer.folder);
    else this.#show(answer.frame);
  }

  #publish({ step, epoch, bound: { rate, distortion, elbo } }) {
    const facts = { data: this.settings.data, step, epoch, rate, distortion, elbo };
    store.set({ training: { ...facts, playing: this.playing, settings: this.now } });
  }

  #show(frame) {
    this.#waiting = false;
    const before = writeSettings(this.settings);
    this.frame = frame;
    if (this.#confirming) this.#changes = {};
    if (frame.moment === null) this.#present = frame.step;
    this.settings = readSettings(frame.settings).settings;
    if (frame.settings !== before) this.listeners.settings(frame.settings);
    if (frame.moment === null) this.#publish(frame);
    // The next frame is asked for before this one is drawn: the worker computes while the page draws.
    if (this.playing || this.#stale) schedule(this.#next);
    this.listeners.frame(frame);
  }
}
