/** The keys of the map: arrows move the live code, Enter pins it, +, − and 0 move the camera. No DOM. */

/** Step of an arrow key without and with Shift, as a share of the height that is shown. */
const STEP = 1 / 80;
const LARGE_STEP = 1 / 12;
const ZOOM = 1.3;
/** Smallest distance of the live code from the edges, CSS pixels. */
const EDGE = 24;

export class Keyboard {
  /**
   * @param {import("./state.js").MapState} state
   * @param {import("./pointer.js").Pointer} pointer
   * @param {ReturnType<typeof import("../state/store.js").createStore>} store
   */
  constructor(state, pointer, store) {
    const { camera } = state;
    this.state = state;
    this.pointer = pointer;
    this.store = store;
    this.actions = {
      ArrowLeft: (shift) => this.#step([-1, 0], shift),
      ArrowRight: (shift) => this.#step([1, 0], shift),
      ArrowUp: (shift) => this.#step([0, 1], shift),
      ArrowDown: (shift) => this.#step([0, -1], shift),
      Enter: () => pointer.pinLive(),
      Escape: () => this.#escape(),
      "+": () => camera.zoomCentre(ZOOM),
      "=": () => camera.zoomCentre(ZOOM),
      "-": () => camera.zoomCentre(1 / ZOOM),
      _: () => camera.zoomCentre(1 / ZOOM),
      0: () => camera.reset(),
    };
  }

  /**
   * Do what a key is for.
   *
   * @param {string} key  of a keyboard event
   * @param {boolean} shift
   * @returns {boolean} whether the key was used
   */
  press(key, shift) {
    if (!Object.hasOwn(this.actions, key)) return false;
    return this.actions[key](shift) !== false;
  }

  /** Move the live code by a step; in a plane without an inverse, to the next example. */
  #step([dx, dy], shift) {
    if (!this.pointer.ready) return;
    const { set, camera, pointer, selection } = this.state;
    const { z, pinnedId } = this.store.get();
    const from = pointer.cursor ?? set.positionOf(z, pinnedId);
    if (from === null) return;
    const { height } = camera.position;
    const step = height * (shift ? LARGE_STEP : STEP);
    let to = [from[0] + dx * step, from[1] + dy * step];
    if (!set.plane.lift) {
      const example = set.nextExample(from, [dx, dy], height / 1000, selection.isVisible);
      to = example < 0 ? from : set.positionOfExample(example);
    }
    camera.keepInView(to, EDGE);
    this.pointer.hover(...camera.toScreen(...to));
  }

  /** End hovering and clear the selection. @returns {boolean} whether there was either */
  #escape() {
    const wasLive = this.store.get().live !== null && this.state.pointer.hovering;
    this.pointer.dismiss();
    return this.state.selection.clear() || wasLive;
  }
}
