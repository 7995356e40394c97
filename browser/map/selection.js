/** The selected examples, and which points are hidden, shown or grey. No DOM. */
import { inside } from "./geometry.js";
import { planeOf } from "./planes.js";

/** How a point is drawn. */
export const HIDDEN = 0;
export const SHOWN = 1;
export const GREYED = 2;

/**
 * @typedef {object} Region  a selection as Python sends and receives it
 * @property {import("./geometry.js").Point[]} polygon  in the plane of the projection
 * @property {string} projection
 * @property {[number, number]} dims
 *
 * @typedef {object} Selected
 * @property {import("./geometry.js").Point[]|null} polygon  null for a selection made on another map
 * @property {string|null} key  of the polygon's plane; null if it is not drawn
 * @property {Uint8Array} members  (n) 1 for selected examples
 * @property {Set<number>} ids  of selected examples
 * @property {Region} [region]  that they are inside of; none for a selection made on another map
 */

/**
 * Select the examples inside a region.
 *
 * @param {import("./points.js").Points} points
 * @param {Region} region
 * @param {Uint8Array|null} [mask]  (n) 1 for examples that the filter keeps; null without one
 * @returns {Selected}
 */
export function insideRegion(points, region, mask = null) {
  const { polygon, projection, dims } = region;
  const { key, x, y } = planeOf(points, projection, dims);
  const members = new Uint8Array(points.count);
  for (let n = 0; n < points.count; n++) members[n] = (!mask || mask[n]) && inside(polygon, x[n], y[n]) ? 1 : 0;
  return { polygon, key, members, region, ids: new Set(points.ids.filter((_, n) => members[n])) };
}

/** Select the examples with these ids. @returns {Selected} */
export function withIds(points, ids) {
  return { polygon: null, key: null, members: Uint8Array.from(points.ids, (id) => (ids.has(id) ? 1 : 0)), ids };
}

/**
 * Return how each point is drawn.
 *
 * @param {import("./points.js").Points} points
 * @param {Set<number>} hidden  labels
 * @param {Uint8Array|null} members  (n) 1 for selected examples; null without a selection
 * @param {Uint8Array|null} [mask]  (n) 1 for examples that the filter keeps; null without one
 * @returns {Uint8Array} (n) HIDDEN, SHOWN or GREYED
 */
export function classify(points, hidden, members, mask = null) {
  const layer = new Uint8Array(points.count).fill(SHOWN);
  for (let n = 0; n < points.count; n++) {
    if ((mask && !mask[n]) || (points.labels && hidden.has(points.labels[n]))) layer[n] = HIDDEN;
    else if (members && !members[n]) layer[n] = GREYED;
  }
  return layer;
}

export class Selection {
  /**
   * @param {import("./state.js").Links} links
   * @param {Iterable<number>} hidden  labels that are hidden at first
   * @param {() => void} changed  called after each change
   */
  constructor({ store, emit, origin }, hidden, changed) {
    Object.assign(this, { store, emit, origin, changed });
    this.points = null;
    /** @type {Selected|null} */
    this.selected = null;
    /** Hidden labels. @type {Set<number>} */
    this.hidden = new Set(hidden);
    /** Examples that the filter keeps. @type {Uint8Array|null} */
    this.mask = null;
    this.layer = new Uint8Array(0);
    this.version = undefined;
  }

  /** Return whether an example is not hidden. @param {number} n @returns {boolean} */
  isVisible = (n) => this.layer[n] !== HIDDEN;

  /** Number of selected examples that are not hidden, or null without a selection. */
  get count() {
    if (this.selected === null) return null;
    return this.layer.reduce((sum, layer) => sum + (layer === SHOWN ? 1 : 0), 0);
  }

  /** Return the selection's polygon if it is in the plane of this key, else null. */
  polygonIn(key) {
    return this.selected?.key === key ? this.selected.polygon : null;
  }

  /** Set the points. The same examples stay selected. @param {import("./points.js").Points} points */
  setPoints(points) {
    if (this.selected && this.points !== points) {
      const members = Uint8Array.from(points.ids, (id) => this.selected.members[this.points.byId.get(id)] ?? 0);
      this.selected = { ...this.selected, key: null, members, region: undefined };
    }
    this.points = points;
    if (this.selected === null) this.selectIds(this.store.get().selected);
    else this.#apply();
  }

  /** Apply a selection of Python, once for each version. @param {Region|null} region @param {number} version */
  adopt(region, version) {
    if (version === this.version) return;
    this.version = version;
    if (region || this.selected?.polygon) this.#select(region);
  }

  /** Select the examples inside a region that was drawn here, and send it to Python. @param {Region} region */
  draw(region) {
    this.#select(region);
    this.emit.state("selection", region);
  }

  /** Clear the selection, and send that to Python. @returns {boolean} whether there was a selection */
  clear() {
    if (this.selected === null) return false;
    const own = this.selected.polygon !== null;
    this.#select(null);
    // For Python, a selection made on another map was null here already: send another value than null.
    this.emit.state("selection", own ? null : { cleared: performance.now() });
    return true;
  }

  /** Apply a selection that was made on another map. @param {Set<number>|null} ids */
  selectIds(ids) {
    if (this.points === null) return;
    this.selected = ids && withIds(this.points, ids);
    this.#apply();
  }

  /** Set the hidden labels. @param {Set<number>} labels */
  hide(labels) {
    this.hidden = labels;
    if (this.points) this.#apply();
  }

  /** Set which examples the filter keeps; others are neither shown nor selected. @param {Uint8Array|null} mask */
  filter(mask) {
    this.mask = mask;
    if (this.points === null) return;
    if (this.selected?.region) this.#select(this.selected.region);
    else this.#apply();
  }

  /** Clear the selection in the store if it is still this map's. */
  release() {
    if (this.selected && this.store.get().selected === this.selected.ids) {
      this.store.set({ selected: null }, this.origin);
    }
  }

  #select(region) {
    this.selected = region && insideRegion(this.points, region, this.mask);
    this.store.set({ selected: this.selected?.ids ?? null }, this.origin);
    this.#apply();
  }

  #apply() {
    this.layer = classify(this.points, this.hidden, this.selected?.members ?? null, this.mask);
    this.changed();
  }
}
