/**
 * A training inside the page: a VAE learns under one's hands, in a worker, without a server.
 *
 * Sends up `settings`, the text of what is trained (training/settings.js), for the link. What lessons may
 * ask of the training is in the page's store as `training` (training/player.js, `Facts`).
 *
 * @typedef {object} TrainingSet
 * @property {string} name
 * @property {string} title
 * @property {import("../files/assets.js").Source | null} source  null until it is chosen
 * @property {string} missing  why it cannot be chosen; empty if it can
 *
 * @typedef {{sets: TrainingSet[], settings: string | null}} TrainingData
 */
import { fetchBytes, unbundle } from "../files/assets.js";
import { fileName, save } from "../files/save.js";
import { createCloseUp } from "../training/closeup.js";
import { createControls } from "../training/controls.js";
import { createManifold } from "../training/manifold.js";
import { createMap } from "../training/map.js";
import { readPictures } from "../training/pictures.js";
import { Player } from "../training/player.js";
import { CHANGEABLE, DEFAULTS, readSettings, writeSettings } from "../training/settings.js";
import { createTransport } from "../training/transport.js";
import { schedule, unschedule } from "../state/store.js";
import { announcer, make } from "../ui/dom.js";
import { dimension } from "../ui/words.js";

/** What the arithmetic of this browser is called. */
const ARITHMETIC = {
  fused: "WebAssembly with fused products and sums, as on most computers since 2013",
  separate: "WebAssembly without fused products and sums",
  scripted: "JavaScript, since this browser has no WebAssembly with SIMD",
};
const PLANES = [[0, 1], [0, 2], [1, 2]];

/**
 * @param {HTMLElement} element
 * @param {TrainingData} data
 * @param {import("../panel.js").Emit} emit
 * @returns {import("../panel.js").Panel}
 */
export function mount(element, data, emit) {
  return new Training(element, data, emit);
}

class Training {
  constructor(element, data, emit) {
    this.data = data;
    this.emit = emit;
    /** Texts that were sent and are not the page's yet: Python sends them back, one after another. */
    this.sent = [];
    this.pinned = { z: null, row: 0 };
    this.hovered = null;
    this.live = announcer();
    this.player = new Player({
      frame: () => schedule(this.draw),
      changed: () => schedule(this.draw),
      settings: (text) => this.#send(text),
      error: (sentence) => this.#say(sentence),
      folder: (bytes) => this.#save(bytes),
    });
    this.#build(element);
    this.waiting = null;
    this.#followLink(data.settings);
  }

  #build(element) {
    const { player } = this;
    const look = (place) => this.#look(place);
    const choose = (place) => this.#choose(place);
    this.map = createMap({ look, choose });
    this.manifold = createManifold({
      look: (z) => look(z && { z, row: null }), choose: (z) => choose({ z, row: null }), say: this.live.say,
    });
    this.closeUp = createCloseUp();
    this.transport = createTransport({
      toggle: () => this.#toggle(), step: () => player.step(), reset: () => player.reset(),
      look: (moment) => player.look(moment), pace: (pace) => player.setPace(pace),
    });
    this.controls = createControls({
      set: (name, value) => this.#set(name, value), data: (name) => this.#chooseData(name), files: (files) => this.#read(files),
    });
    this.planes = make("div", { class: "lx-buttons lx-training-planes", role: "group", "aria-label": "Plane of the map" },
      ...PLANES.map((dims) => make("button", { type: "button", click: () => this.#turn(dims) }, dims.map(dimension).join(" "))));
    this.note = make("p", { class: "lx-quiet lx-training-note" });
    const download = make("button", { type: "button", click: () => player.save() }, "Download model");
    this.root = make("div", {
      class: "lx-training", role: "group", "aria-label": "Training inside the page", keydown: (event) => this.#onKey(event),
      dragover: (event) => event.preventDefault(), drop: (event) => this.#drop(event),
    },
    this.controls.data,
    make("div", { class: "lx-training-pictures" }, this.map.element, this.manifold.element,
      make("div", { class: "lx-training-side" }, this.closeUp.element, this.planes)),
    this.transport.element, this.controls.element,
    make("div", { class: "lx-training-end" }, download, this.note), this.live.element);
    element.classList.add("lx-training-frame");
    element.append(this.root);
  }

  draw = () => {
    const { player } = this;
    const { frame, data } = player;
    this.transport.show(player);
    this.controls.show(player.now, this.data.sets);
    if (frame === null || data === null) return;
    const place = this.#place();
    const shown = { frame, data, settings: player.settings, dims: player.dims, place };
    this.map.show(shown);
    this.manifold.show(shown);
    this.closeUp.show(shown);
    this.planes.hidden = player.settings.latentDim < 3;
    PLANES.forEach((dims, i) => this.planes.children[i].setAttribute("aria-pressed", String(dims.join() === player.dims.join())));
    this.root.dataset.step = frame.step;
    this.root.dataset.settings = frame.settings;
    const { length } = data.ids;
    const text = `Each point is the mean code of one of ${length.toLocaleString("en")} images that are not trained on; rate, distortion and −ELBO are `
      + "their means. Logarithmic time scale, since most happens early. The link repeats this training to the last bit on every "
      + `device whose arithmetic is that of this browser: ${ARITHMETIC[frame.arithmetic]}.`;
    if (this.note.textContent !== text) this.note.textContent = text;
  };

  /** The place that is shown: under the pointer, else the chosen one. @returns {import("../training/map.js").Place} */
  #place() {
    const { player: { frame, settings: { latentDim: d } } } = this;
    const place = this.hovered ?? this.pinned;
    if (place.row === null && place.z?.length === d) return place;
    const row = place.row === null || place.row * d >= frame.mu.length ? 0 : place.row;
    return { row, z: frame.mu.slice(row * d, (row + 1) * d) };
  }

  #look(place) {
    this.hovered = place;
    this.#follow();
  }

  #choose(place) {
    this.pinned = place;
    this.#follow();
  }

  /** Ask for the picture of the place that is shown. */
  #follow() {
    const { z, row } = this.hovered ?? this.pinned;
    const fits = z?.length === this.player.settings.latentDim;
    this.player.looked = row === null && fits ? { z, row: null } : { z: null, row: row ?? 0 };
    this.player.refresh();
  }

  #turn(dims) {
    this.player.dims = dims;
    this.player.refresh();
  }

  #toggle() {
    if (this.player.playing) this.player.pause();
    else this.player.play();
  }

  /** Change a setting: at once where that is possible, else a new training begins. */
  #set(name, value) {
    const { player } = this;
    if (CHANGEABLE.includes(name) && player.frame !== null) return player.change(name, value);
    const settings = { ...player.now, [name]: value };
    if (player.data !== null) this.#begin(settings, player.data);
    this.#send(writeSettings(settings));
  }

  #chooseData(name) {
    if (name === this.player.settings.data) return;
    this.#open(DEFAULTS[name]);
    this.#send(name);
  }

  /** Open what a link asks for. */
  #followLink(text) {
    const { settings, ignored } = readSettings(text);
    if (settings.data === "pictures" && this.player.data?.name !== "pictures") {
      const said = "The link is of pictures that it cannot bring along: drop them here. Until then, digits stand in.";
      return this.#open(DEFAULTS.digits, said);
    }
    return this.#open(settings, ignored.length > 0 ? `Not understood in the link, and left out: ${ignored.join(", ")}.` : "");
  }

  /** Fetch the data of settings, and begin. @param {string} said  a sentence about it */
  async #open(settings, said = "") {
    const { player } = this;
    const set = this.data.sets.find(({ name }) => name === settings.data);
    this.waiting = { settings, said };
    if (set === undefined) return this.#begin(settings, player.data);
    if (set.missing) return this.#say(set.missing);
    if (set.source === null) return this.#say(`Loading ${set.title} …`);
    try {
      const data = await dataOf(set);
      if (this.waiting?.settings !== settings) return;
      this.#say(said);
      this.#begin(settings, data);
    } catch (error) {
      this.#say(`${set.title} could not be loaded. ${error.message}`);
    }
  }

  #begin(settings, data) {
    this.waiting = null;
    if (this.player.data !== data) {
      this.map.take(data);
      this.manifold.take();
      this.pinned = { z: null, row: 0 };
    }
    this.hovered = null;
    this.player.open(settings, data);
    this.#follow();
  }

  async #read(files) {
    if (files.length === 0) return;
    this.#say(`Reading ${files.length.toLocaleString("en")} pictures …`);
    try {
      const { data, said } = await readPictures(files);
      this.#say(said);
      this.#begin(DEFAULTS.pictures, data);
      this.#send("pictures");
    } catch (error) {
      this.#say(error.message);
    }
  }

  #drop(event) {
    event.preventDefault();
    this.#read([...event.dataTransfer.files]);
  }

  #send(text) {
    this.sent.push(text);
    this.emit.state("settings", text);
  }

  #save(bytes) {
    const { settings, frame } = this.player;
    save(bytes, "application/zip", fileName([settings.data, `${settings.latentDim}d`, "step", frame.step], "zip"));
  }

  #say(sentence) {
    this.controls.say(sentence);
  }

  #onKey(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select, input")) return;
    if (event.key === " " && !event.target.matches("button")) this.#toggle();
    else if (event.key === "ArrowRight") this.#forward();
    else if (event.key === "ArrowLeft") this.#back();
    else return;
    event.preventDefault();
    event.stopPropagation(); // Streamlit's page has shortcuts of its own
  }

  #forward() {
    const { frame, moment } = this.player;
    if (moment === null) this.player.step();
    else this.player.look(moment + 1 < frame.past.step.length ? moment + 1 : null);
  }

  #back() {
    const { frame, moment } = this.player;
    if (frame !== null) this.player.look(Math.max(0, (moment ?? frame.past.step.length) - 1));
  }

  update(next) {
    const before = this.data;
    this.data = next;
    this.map.recolour();
    const echo = this.sent.lastIndexOf(next.settings);
    this.sent.splice(0, echo + 1);
    const known = next.settings === before.settings || echo >= 0;
    if (!known) this.#followLink(next.settings);
    else if (this.waiting !== null) this.#open(this.waiting.settings, this.waiting.said);
    schedule(this.draw);
  }

  destroy() {
    unschedule(this.draw);
    this.player.destroy();
    this.map.destroy();
    this.live.stop();
    this.root.remove();
  }
}

/** Data by their set, so that the same ones are the same object. */
const read = new WeakMap();

/** @param {TrainingSet} set @returns {Promise<import("../training/trainer.js").Data>} */
async function dataOf({ source }) {
  const bytes = await fetchBytes(source);
  if (!read.has(bytes)) {
    const { meta, arrays } = unbundle(bytes);
    const { name, title, shape, classes, train_size: trainSize } = meta;
    const { images, shown, ids, labels = null } = arrays;
    read.set(bytes, { name, title, shape, classes, trainSize, images, shown, ids, labels });
  }
  return read.get(bytes);
}
