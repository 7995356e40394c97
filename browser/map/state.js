/**
 * What the map shows. Its modules change their own parts of it; layers and cards read it.
 *
 * @typedef {object} MapState
 * @property {any} data  from Python
 * @property {import("./set.js").EncodedSet|null} set  null until it is fetched
 * @property {import("./sprite.js").Sprite|null} sprite  the originals
 * @property {MapCamera} camera
 * @property {Selection} selection
 * @property {PointerState} pointer
 * @property {Opacity} opacity  of the decoded plane
 * @property {import("./colouring.js").Colouring|null} colouring  of the points; null without a set
 * @property {ReturnType<typeof import("../ui/colours.js").theme>} theme
 *
 * @typedef {object} PointerState
 * @property {"move"|"box"|"lasso"} tool  what a drag does
 * @property {import("./geometry.js").Point|null} cursor  where the live code was set, in data units
 * @property {import("./outline.js").Outline|null} outline  while it is drawn
 * @property {boolean} hovering  whether the live code comes from this map
 *
 * @typedef {object} Links  to the rest of the page
 * @property {ReturnType<typeof import("../state/store.js").createStore>} store
 * @property {import("../panel.js").Emit} emit
 * @property {unknown} origin  names this map in changes of the store
 */
import { MapCamera } from "./camera.js";
import { Selection } from "./selection.js";

/**
 * @param {any} data
 * @param {MapState["theme"]} theme
 * @param {Links} links
 * @param {{moved: () => void, selected: () => void}} on  called after a change of camera, selection
 * @returns {MapState}
 */
export function createState(data, theme, links, { moved, selected }) {
  return {
    data, theme,
    set: null,
    sprite: null,
    colouring: null,
    camera: new MapCamera(links.emit, moved),
    selection: new Selection(links, data.hidden, selected),
    pointer: { tool: "move", cursor: null, outline: null, hovering: false },
    opacity: new Opacity(data.manifold, links.emit),
  };
}

/** An opacity from 0 to 1 that the person sets here, or Python from outside. */
export class Opacity {
  /** @param {number} [value] @param {import("../panel.js").Emit} emit */
  constructor(value = 0, emit) {
    this.emit = emit;
    this.value = value;
    this.sent = value;
  }

  /** Tell Python. */
  send() {
    this.sent = this.value;
    this.emit.state("manifold", this.value);
  }

  /**
   * Take over what Python changed. A rerun may bring what was sent from here some time ago.
   *
   * @param {number} [before]  what Python sent the last time
   * @param {number} [value]
   * @returns {boolean} whether it was taken
   */
  adopt(before, value = 0) {
    if (before === value || value === this.sent) return false;
    this.value = value;
    this.sent = value;
    return true;
  }
}
