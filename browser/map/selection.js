/** Which points of the map are hidden, shown or greyed, and which are selected. No DOM. */
import { inside } from "./geometry.js";
import { planeOf } from "./planes.js";

/** What a point is drawn as. */
export const HIDDEN = 0;
export const SHOWN = 1;
export const GREYED = 2;

/**
 * @typedef {object} Region  a selection as Python knows it
 * @property {import("./geometry.js").Point[]} polygon
 * @property {string} projection  of the plane that it was drawn in
 * @property {[number, number]} dims
 *
 * @typedef {object} Selected
 * @property {import("./geometry.js").Point[]|null} polygon  null where another map selected
 * @property {string|null} key  of the plane in which the polygon is drawn; null for none
 * @property {Uint8Array} members  (n) 1 for the examples inside
 * @property {Set<number>} ids  of these examples
 */

/**
 * The examples inside a region.
 *
 * @param {import("./points.js").Points} points
 * @param {Region} region
 * @returns {Selected}
 */
export function insideRegion(points, { polygon, projection, dims }) {
  const { key, x, y } = planeOf(points, projection, dims);
  const members = new Uint8Array(points.count);
  for (let n = 0; n < points.count; n++) members[n] = inside(polygon, x[n], y[n]) ? 1 : 0;
  return { polygon, key, members, ids: new Set(points.ids.filter((_, n) => members[n])) };
}

/** The examples of these ids. @returns {Selected} without an outline */
export function withIds(points, ids) {
  return { polygon: null, key: null, members: Uint8Array.from(points.ids, (id) => (ids.has(id) ? 1 : 0)), ids };
}

/**
 * What each point is drawn as.
 *
 * @param {import("./points.js").Points} points
 * @param {Set<number>} hidden  labels
 * @param {Uint8Array|null} members  of the selection; null for none
 * @returns {Uint8Array} (n) HIDDEN, SHOWN or GREYED
 */
export function classify(points, hidden, members) {
  const layer = new Uint8Array(points.count).fill(SHOWN);
  for (let n = 0; n < points.count; n++) {
    if (points.labels && hidden.has(points.labels[n])) layer[n] = HIDDEN;
    else if (members && !members[n]) layer[n] = GREYED;
  }
  return layer;
}

export class Selection {
  /**
   * @param {import("./state.js").Links} links  the store shares the ids with other maps
   * @param {Iterable<number>} hidden  labels that are switched off at first
   * @param {() => void} changed  called after each change
   */
  constructor({ store, emit, origin }, hidden, changed) {
    Object.assign(this, { store, emit, origin, changed });
    this.points = null;
    /** @type {Selected|null} */
    this.selected = null;
    /** Labels that are switched off. @type {Set<number>} */
    this.hidden = new Set(hidden);
    this.layer = new Uint8Array(0);
    this.version = undefined;
  }

  /** @param {number} n @returns {boolean} */
  isVisible = (n) => this.layer[n] !== HIDDEN;

  /** How many examples are selected and visible, or null without a selection. */
  get count() {
    if (this.selected === null) return null;
    return this.layer.reduce((sum, layer) => sum + (layer === SHOWN ? 1 : 0), 0);
  }

  /** The corners of the selection's outline in the plane of this key, or null. */
  outlineIn(key) {
    return this.selected?.key === key ? this.selected.polygon : null;
  }

  /** Take over other points: the same examples stay selected. @param {import("./points.js").Points} points */
  setPoints(points) {
    if (this.selected && this.points !== points) {
      const members = Uint8Array.from(points.ids, (id) => this.selected.members[this.points.byId.get(id)] ?? 0);
      this.selected = { ...this.selected, key: null, members };
    }
    this.points = points;
    if (this.selected === null) this.markIds(this.store.get().selected);
    else this.#apply();
  }

  /** Take over a selection from Python, once for each version of it. @param {Region|null} region @param {number} version */
  adopt(region, version) {
    if (version === this.version) return;
    this.version = version;
    if (region || this.selected?.polygon) this.#select(region);
  }

  /** Select what lies inside an outline that was drawn here, and tell Python. @param {Region} region */
  draw(region) {
    this.#select(region);
    this.emit.state("selection", region);
  }

  /** @returns {boolean} whether there was a selection */
  clear() {
    if (this.selected === null) return false;
    const own = this.selected.polygon !== null;
    this.#select(null);
    // What another map selected was never this panel's value: only a new one is heard.
    this.emit.state("selection", own ? null : { cleared: performance.now() });
    return true;
  }

  /** Take over a selection that was made on another model's map. @param {Set<number>|null} ids */
  markIds(ids) {
    if (this.points === null) return;
    this.selected = ids && withIds(this.points, ids);
    this.#apply();
  }

  /** Switch labels off. @param {Set<number>} labels  all that are off then */
  hide(labels) {
    this.hidden = labels;
    if (this.points) this.#apply();
  }

  /** Clear the page's selection if it still is this map's. */
  release() {
    if (this.selected && this.store.get().selected === this.selected.ids) {
      this.store.set({ selected: null }, this.origin);
    }
  }

  #select(region) {
    this.selected = region && insideRegion(this.points, region);
    this.store.set({ selected: this.selected?.ids ?? null }, this.origin);
    this.#apply();
  }

  #apply() {
    this.layer = classify(this.points, this.hidden, this.selected?.members ?? null);
    this.changed();
  }
}
