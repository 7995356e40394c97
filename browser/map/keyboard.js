/** What keys do on the map: arrows move the code, Enter pins it, others move the camera. No DOM. */

/** What an arrow key moves by, in shares of the height that is shown; with Shift the second. */
const STEP = 1 / 80;
const LARGE_STEP = 1 / 12;
const ZOOM = 1.3;
/** CSS pixels between the code that keys move and the edge, at least. */
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
      "+": () => camera.zoomMiddle(ZOOM),
      "=": () => camera.zoomMiddle(ZOOM),
      "-": () => camera.zoomMiddle(1 / ZOOM),
      _: () => camera.zoomMiddle(1 / ZOOM),
      0: () => camera.reset(),
    };
  }

  /**
   * @param {string} key  as a keyboard event names it
   * @param {boolean} shift
   * @returns {boolean} whether the key did something here, so that nothing else may use it
   */
  press(key, shift) {
    if (!Object.hasOwn(this.actions, key)) return false;
    return this.actions[key](shift) !== false;
  }

  /** Move the live code: on maps without an inverse from example to example. */
  #step([dx, dy], shift) {
    if (!this.pointer.ready) return;
    const { set, camera, pointer, selection } = this.state;
    const { z, pinnedId } = this.store.get();
    const from = pointer.cursor ?? set.placeOf(z, pinnedId);
    if (from === null) return;
    const { height } = camera.position;
    const step = height * (shift ? LARGE_STEP : STEP);
    let to = [from[0] + dx * step, from[1] + dy * step];
    if (!set.plane.lift) {
      const example = set.nextExample(from, [dx, dy], height / 1000, selection.isVisible);
      to = example < 0 ? from : set.placeOfExample(example);
    }
    camera.keepInView(to, EDGE);
    this.pointer.hover(to);
  }

  /** @returns {boolean} whether there was a live code or a selection */
  #escape() {
    const wasLive = this.store.get().live !== null && this.state.pointer.hovering;
    this.pointer.dismiss();
    return this.state.selection.clear() || wasLive;
  }
}
