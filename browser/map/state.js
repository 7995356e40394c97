/**
 * The state of the map.
 *
 * Each part is changed by its own module; layers and card only read the state.
 *
 * @typedef {object} MapState
 * @property {any} data  from Python
 * @property {import("./set.js").EncodedSet|null} set  null until it is loaded
 * @property {import("./sprite.js").Sprite|null} sprite  the originals
 * @property {MapCamera} camera
 * @property {Selection} selection
 * @property {Filter} filter
 * @property {PointerState} pointer
 * @property {Opacity} opacity  of the decoded plane
 * @property {import("./colouring.js").Colouring|null} colouring  of the points; null without a set
 * @property {ReturnType<typeof import("../ui/colours.js").theme>} theme
 *
 * @typedef {object} PointerState
 * @property {"move"|"box"|"lasso"} tool  what a drag does
 * @property {import("./geometry.js").Point|null} cursor  position of the live code, data units
 * @property {import("./outline.js").Outline|null} outline  the outline that is being drawn
 * @property {boolean} hovering  whether the live code comes from this map
 *
 * @typedef {object} Links  what connects the map with the page
 * @property {ReturnType<typeof import("../state/store.js").createStore>} store
 * @property {import("../panel.js").Emit} emit
 * @property {unknown} origin  marks this map's changes of the store
 */
import { MapCamera } from "./camera.js";
import { Filter } from "./filter.js";
import { Selection } from "./selection.js";

/**
 * Create the state of a map without points.
 *
 * @param {any} data
 * @param {MapState["theme"]} theme
 * @param {Links} links
 * @param {{moved: () => void, selected: () => void, filtered?: () => void, searched?: () => void}} on
 *   called after changes of camera, selection, filter and search
 * @returns {MapState}
 */
export function createState(data, theme, links, { moved, selected, filtered = () => {}, searched = () => {} }) {
  const selection = new Selection(links, data.hidden, selected);
  const filter = new Filter(links, () => {
    selection.filter(filter.mask);
    filtered();
  }, searched);
  return {
    data, theme,
    set: null,
    sprite: null,
    colouring: null,
    camera: new MapCamera(links.emit, moved),
    selection,
    filter,
    pointer: { tool: "move", cursor: null, outline: null, hovering: false },
    opacity: new Opacity(data.manifold, links.emit),
  };
}

/** An opacity from 0 to 1 that both the user and Python set. */
export class Opacity {
  /** @param {number} [value] @param {import("../panel.js").Emit} emit */
  constructor(value = 0, emit) {
    this.emit = emit;
    this.value = value;
    this.sent = value;
  }

  /** Send the opacity to Python. */
  send() {
    this.sent = this.value;
    this.emit.state("manifold", this.value);
  }

  /**
   * Apply an opacity that Python changed. A value that was sent from here is ignored, since the user
   * may have changed it since.
   *
   * @param {number} [before]  Python's value before
   * @param {number} [value]  Python's value now
   * @returns {boolean} whether it was applied
   */
  adopt(before, value = 0) {
    if (before === value || value === this.sent) return false;
    this.value = value;
    this.sent = value;
    return true;
  }
}
