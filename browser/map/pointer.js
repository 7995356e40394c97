/** The pointer of the map, mouse or finger: moves the live code, pins, selects, moves the camera. No DOM. */
import { pin } from "../state/pinning.js";
import { code } from "../ui/words.js";
import { classOf, describe } from "./example.js";
import { Outline } from "./outline.js";
import { muOf, nearestCode } from "./points.js";

/** Largest distance from the pointer, and from a finger, to the example under it, CSS pixels. */
const REACH = 7;
const TOUCH_REACH = 16;

export class Pointer {
  /**
   * @param {import("./state.js").MapState} state
   * @param {import("./state.js").Links} links
   * @param {object} outputs
   * @param {() => void} outputs.redraw  redraws the overlay
   * @param {ReturnType<typeof import("./card.js").createCard>} outputs.card
   * @param {ReturnType<typeof import("../ui/dom.js").announcer>} outputs.speaker
   */
  constructor(state, { store, emit, origin }, { redraw, card, speaker }) {
    Object.assign(this, { state, store, emit, origin, redraw, card, speaker });
  }

  /** Whether points of the plane have codes: the set is loaded, is not moving, and is the model's. */
  get ready() {
    const { set, camera } = this.state;
    if (set === null || camera.position === null || set.moving) return false;
    return this.store.get().z.length === set.points.latentDim;
  }

  /** Make the code at a screen position live. @param {number} px @param {number} py @param {number} [reach] CSS pixels */
  hover(px, py, reach = REACH) {
    if (!this.ready) return;
    const { set, camera, pointer, selection } = this.state;
    const point = camera.toData(px, py);
    const found = set.codeAt(...point, this.store.get().z, selection.isVisible);
    if (found === null) return;
    const example = set.plane.lift ? this.#exampleAt(point, reach) : found.example;
    pointer.cursor = point;
    pointer.hovering = true;
    const known = example >= 0;
    const hovered = known ? set.points.ids[example] : null;
    // An example's code lies off the plane: its point there has another picture.
    const z = known && set.projected ? Float32Array.from(muOf(set.points, example)) : found.z;
    this.store.set({ live: z, liveY: known ? this.#labelOf(example) : null, hovered }, this.origin);
    if (known) this.card.over(hovered, () => this.#cardOf(example));
    else this.card.leave();
    this.#announce(z, example);
    this.redraw();
  }

  /** End hovering, and hide the card at once. */
  dismiss() {
    this.card.hide();
    this.leave();
  }

  /** End hovering: the pinned code is shown. */
  leave() {
    this.card.leave();
    this.#release();
  }

  /** Show the pinned code again. */
  #release() {
    const { pointer } = this.state;
    pointer.cursor = null;
    if (pointer.hovering) {
      pointer.hovering = false;
      this.store.set({ live: null, liveY: null, hovered: null }, this.origin);
    }
    this.redraw();
  }

  /** Pin the example at a screen position, or else the code. @param {number} px @param {number} py @param {number} reach */
  pin(px, py, reach) {
    if (!this.ready) return;
    const { set, camera, selection } = this.state;
    const point = camera.toData(px, py);
    const example = this.#exampleAt(point, reach);
    const found = set.codeAt(...point, this.store.get().z, selection.isVisible);
    if (example >= 0) this.#pinExample(example);
    else if (found && found.example >= 0) this.#pinExample(found.example);
    else if (found) this.#pinCode(found.z);
  }

  /** Pin the live code. */
  pinLive() {
    const { set } = this.state;
    const { live, hovered } = this.store.get();
    if (!live || !set) return;
    const example = set.points.byId.get(hovered);
    // Where codes are points of the plane, pin the code that was decoded, not the example near it.
    if (example !== undefined && (set.projected || !set.plane.lift)) this.#pinExample(example);
    else if (set.plane.lift) this.#pinCode(live);
  }

  /** Return the handlers of gestures. @returns {Omit<import("./gestures.js").Handlers, "key">} */
  handlers() {
    const { camera, pointer } = this.state;
    return {
      tool: () => pointer.tool,
      hover: (x, y) => this.hover(x, y),
      leave: () => this.leave(),
      tap: (x, y, touch) => {
        if (touch) this.card.hide();
        this.pin(x, y, touch ? TOUCH_REACH : REACH);
      },
      pan: (dx, dy) => this.#moveCamera(() => camera.pan(dx, dy)),
      zoom: (x, y, factor) => this.#moveCamera(() => camera.zoom(x, y, factor)),
      settled: () => camera.send(),
      follow: (x, y) => this.hover(x, y, TOUCH_REACH),
      followed: (kept) => {
        if (!kept) return this.dismiss();
        this.pinLive();
        this.card.stay();
        this.#release();
      },
      outlineStart: (kind, x, y) => this.#startOutline(kind, x, y),
      outlineMove: (x, y) => this.#extendOutline(x, y),
      outlineEnd: (kept) => this.#endOutline(kept),
      blur: () => this.leave(),
    };
  }

  #moveCamera(move) {
    this.card.hide();
    move();
  }

  #startOutline(kind, x, y) {
    const { camera, pointer } = this.state;
    if (camera.position === null) return;
    this.card.hide();
    pointer.outline = new Outline(kind, camera.toData(x, y));
  }

  #extendOutline(x, y) {
    const { camera, pointer } = this.state;
    pointer.outline?.extend(camera.toData(x, y));
    this.redraw();
  }

  #endOutline(kept) {
    const { data, camera, pointer, selection } = this.state;
    const polygon = kept && pointer.outline?.polygon(camera.unit);
    pointer.outline = null;
    if (polygon) selection.draw({ polygon, projection: data.projection, dims: data.dims });
    this.redraw();
  }

  #exampleAt([x, y], reach) {
    const { set, camera, selection } = this.state;
    return set.index.nearest(x, y, reach * camera.unit, selection.isVisible);
  }

  #pinCode(z, more = {}) {
    pin(this.emit, z, { ...more, origin: this.origin, store: this.store });
  }

  #pinExample(example) {
    const { points } = this.state.set;
    this.#pinCode(muOf(points, example), { pinnedId: points.ids[example], y: this.#labelOf(example) });
  }

  /** Return the label that an example is decoded with: its own for a conditional model, else null. */
  #labelOf(example) {
    return this.store.get().y === null ? null : (this.state.set.points.labels?.[example] ?? null);
  }

  #announce(z, example) {
    this.speaker.say(() => {
      const { data, set } = this.state;
      const nearest = example >= 0 ? example : nearestCode(set.points, z);
      const name = nearest < 0 ? null : classOf(set.points, nearest, data.classes);
      return name === null ? code(z) : `${code(z)}; nearest: ${name}`;
    });
  }

  #cardOf(example) {
    const { data, set, camera, sprite, filter } = this.state;
    const { network } = this.store.get();
    const first = [data.colour, ...filter.conditions.map(({ column }) => column)];
    const page = { classes: data.classes, dims: data.dims, sprite, network, y: this.#labelOf(example), first };
    return { ...describe(set.points, example, page), position: camera.toScreen(...set.positionOfExample(example)) };
  }
}
