/** What pointer and fingers do on the map: move the live code, pin, select, move the camera. */
import { pin } from "../state/pinning.js";
import { code } from "../ui/words.js";
import { classOf, describe } from "./example.js";
import { Outline } from "./outline.js";
import { muOf, nearestCode } from "./points.js";

/** CSS pixels within which a point counts as under the pointer; fingers are wider. */
const REACH = 7;
const TOUCH_REACH = 16;

export class Pointer {
  /**
   * @param {import("./state.js").MapState} state
   * @param {import("./state.js").Links} links
   * @param {object} outputs
   * @param {() => void} outputs.redraw  the overlay
   * @param {ReturnType<typeof import("./card.js").createCard>} outputs.card
   * @param {ReturnType<typeof import("../ui/dom.js").announcer>} outputs.speaker
   */
  constructor(state, { store, emit, origin }, { redraw, card, speaker }) {
    Object.assign(this, { state, store, emit, origin, redraw, card, speaker });
  }

  /** Whether places have codes: points are there and rest, and belong to the model that is shown. */
  get ready() {
    const { set, camera } = this.state;
    if (set === null || camera.position === null || set.moving) return false;
    return this.store.get().z.length === set.points.latentDim;
  }

  /** Show the code at a place as the live one. @param {import("./geometry.js").Point} place @param {number} [reach] */
  hover(place, reach = REACH) {
    const { set, pointer, selection } = this.state;
    const there = set.codeAt(...place, this.store.get().z, selection.isVisible);
    if (there === null) return;
    const example = set.plane.lift ? this.#exampleAt(place, reach) : there.example;
    pointer.cursor = place;
    pointer.hovering = true;
    const known = example >= 0;
    const hovered = known ? set.points.ids[example] : null;
    this.store.set({ live: there.z, liveY: known ? this.#labelGiven(example) : null, hovered }, this.origin);
    if (known) this.card.over(hovered, () => this.#cardOf(example));
    else this.card.leave();
    this.#announce(there.z, example);
    this.redraw();
  }

  /** Show the pinned code again, and no card. */
  dismiss() {
    this.card.hide();
    this.leave();
  }

  /** Show the pinned code again; the card stays a little. */
  leave() {
    const { pointer } = this.state;
    this.card.leave();
    pointer.cursor = null;
    if (pointer.hovering) {
      pointer.hovering = false;
      this.store.set({ live: null, liveY: null, hovered: null }, this.origin);
    }
    this.redraw();
  }

  /** Pin the example at a place, or the place's own code. @param {import("./geometry.js").Point} place @param {number} [reach] */
  pin(place, reach = REACH) {
    const { set, selection } = this.state;
    const example = this.#exampleAt(place, reach);
    const there = set.codeAt(...place, this.store.get().z, selection.isVisible);
    if (example >= 0) this.#pinExample(example);
    else if (there && there.example >= 0) this.#pinExample(there.example);
    else if (there) this.#pinCode(there.z);
  }

  /** Pin the code that is live. */
  pinLive() {
    const { set } = this.state;
    const { live, hovered } = this.store.get();
    if (!live || !set) return;
    // Where the plane has an inverse, the picture that was seen is the one that stays.
    if (set.plane.lift) this.#pinCode(live);
    else if (set.points.byId.has(hovered)) this.#pinExample(set.points.byId.get(hovered));
  }

  /** What `Gestures` calls. @returns {Omit<import("./gestures.js").Handlers, "key">} */
  handlers() {
    const { camera, pointer } = this.state;
    return {
      tool: () => pointer.tool,
      hover: (x, y) => this.#hoverAt(x, y, REACH),
      leave: () => this.leave(),
      tap: (x, y, touch) => this.#pinAt(x, y, touch ? TOUCH_REACH : REACH),
      pan: (dx, dy) => this.#moveCamera(() => camera.pan(dx, dy)),
      zoom: (x, y, factor) => this.#moveCamera(() => camera.zoom(x, y, factor)),
      settled: () => camera.send(),
      follow: (x, y) => this.#hoverAt(x, y, TOUCH_REACH),
      followed: (kept) => this.#endFollowing(kept),
      outlineStart: (kind, x, y) => this.#startOutline(kind, x, y),
      outlineMove: (x, y) => this.#extendOutline(x, y),
      outlineEnd: (kept) => this.#endOutline(kept),
      blur: () => this.leave(),
    };
  }

  #hoverAt(px, py, reach) {
    if (this.ready) this.hover(this.state.camera.toData(px, py), reach);
  }

  #pinAt(px, py, reach) {
    if (this.ready) this.pin(this.state.camera.toData(px, py), reach);
  }

  #moveCamera(move) {
    this.card.hide();
    move();
  }

  #endFollowing(kept) {
    if (kept) this.pinLive();
    this.dismiss();
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
    this.#pinCode(muOf(points, example), { pinnedId: points.ids[example], y: this.#labelGiven(example) });
  }

  /** The label that the model is given with an example, as in Python: its own, where it is given any. */
  #labelGiven(example) {
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
    const { data, set, camera, sprite } = this.state;
    const { network } = this.store.get();
    const page = { classes: data.classes, dims: data.dims, sprite, network, y: this.#labelGiven(example) };
    return {
      ...describe(set.points, example, page),
      place: camera.toScreen(...set.placeOfExample(example)),
    };
  }
}
