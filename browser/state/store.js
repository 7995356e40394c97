/**
 * The state that the panels of a page share, and the frames in which they draw it. No DOM.
 *
 * All panels of a page import this module from the same address, so they share `store`: a change
 * made by one panel is drawn by the others in the same animation frame. A page that shows two
 * models has one store for each, `storeOf(side)`.
 *
 * Pictures show the code `live ?? z`: `z` is pinned, `live` follows the pointer, a slider or the
 * pen and is null otherwise.
 *
 * @typedef {object} ExplorerState
 * @property {string|null} modelHash  content hash of the model that all codes belong to
 * @property {import("../model/network.js").Network|null} network  null until it has been fetched
 * @property {Float32Array} z  the pinned code (latent_dim)
 * @property {Float32Array|null} live  the code under the pointer, the slider or the pen
 * @property {[number, number]} dims  the two latent dimensions of the map's plane
 * @property {number|null} hovered  id of the example under the pointer
 * @property {number|null} pinnedId  id of the example whose code is pinned
 * @property {number|null} y  label that a conditional model decodes with
 * @property {number|null} liveY  label of the example whose code is `live`, null for other codes
 * @property {{mu: Float32Array, logvar: Float32Array}|null} posterior  of a drawing or an upload
 * @property {Set<number>|null} selected  ids of the selected examples, null without a selection
 * @property {Set<number>|null} filtered  ids of the examples that the map's filter keeps, null without one
 * @property {import("../map/reading.js").Reading|null} reading  what codes mean, by the page's map; null
 *   without one
 * @property {number} seed
 * @property {import("../training/player.js").Facts|null} training  of the training inside the page at its last
 *   step, null without one
 * @property {Record<string, unknown>|null} look  how a teacher's map is drawn, for a page that follows: the part
 *   of a map's data that changes; null otherwise
 */

/** @returns {ExplorerState} */
function initial() {
  return {
    modelHash: null,
    network: null,
    z: new Float32Array(0),
    live: null,
    dims: [0, 1],
    hovered: null,
    pinnedId: null,
    y: null,
    liveY: null,
    posterior: null,
    selected: null,
    filtered: null,
    reading: null,
    seed: 0,
    training: null,
    look: null,
  };
}

function isList(value) {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}

/** Compare arrays by their values, everything else by identity. */
export function same(a, b) {
  if (Object.is(a, b)) return true;
  if (!isList(a) || !isList(b) || a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}

/** Call `fn` before the next paint, or soon where there are no frames (node). */
const nextFrame =
  typeof requestAnimationFrame === "function"
    ? (fn) => requestAnimationFrame(fn)
    : (fn) => setTimeout(() => fn(Date.now()), 0);

const due = new Set();
let framePending = false;

function runDue(now) {
  framePending = false;
  const batch = [...due];
  due.clear();
  for (const fn of batch) fn(now);
}

/**
 * Run `fn` once in the next animation frame, however often it is scheduled before that.
 *
 * Panels draw only through this function, so that a pointer move costs one draw of each panel.
 *
 * @param {(now: number) => void} fn
 */
export function schedule(fn) {
  due.add(fn);
  if (framePending) return;
  framePending = true;
  nextFrame(runDue);
}

/** Cancel a scheduled `fn` that has not run yet. */
export function unschedule(fn) {
  due.delete(fn);
}

/** Create a store. */
export function createStore() {
  let state = initial();
  let seenVersion;
  const listeners = new Set();

  function get() {
    return state;
  }

  /**
   * Merge `patch` into the state, and call the listeners with the keys whose values changed.
   *
   * @param {Partial<ExplorerState>} patch
   * @param {unknown} [origin]  who makes the change, so that listeners can ignore their own
   */
  function set(patch, origin = null) {
    const changed = new Set();
    for (const key of Object.keys(patch)) {
      if (!(key in state)) throw new TypeError(`the explorer state has no "${key}"`);
      if (!same(state[key], patch[key])) changed.add(key);
    }
    if (changed.size === 0) return;
    state = { ...state, ...patch };
    for (const listener of [...listeners]) listener(state, changed, origin);
  }

  /**
   * Call `listener` after each change.
   *
   * @param {(state: ExplorerState, changed: Set<string>, origin: unknown) => void} listener
   * @returns {() => void} unsubscribes
   */
  function subscribe(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Return the code that pictures show. @returns {Float32Array} */
  function shown() {
    return state.live ?? state.z;
  }

  /** Return the label that this code is decoded with: the example's own while one is live. @returns {number|null} */
  function label() {
    return state.live === null ? state.y : (state.liveY ?? state.y);
  }

  /**
   * Write what Python sends to the state, once for each version of it.
   *
   * A rerun with a version that was written before changes nothing, so that it cannot move back a
   * code that the user is moving.
   *
   * @param {{modelHash: string, z: ArrayLike<number>, zVersion: number|string,
   *   pinnedId?: number|null, y?: number|null}} page
   * @returns {boolean} whether the state was written
   */
  function adopt(page, origin = "python") {
    const newModel = page.modelHash !== state.modelHash;
    if (!newModel && page.zVersion === seenVersion) return false;
    seenVersion = page.zVersion;
    set(
      {
        modelHash: page.modelHash,
        network: newModel ? null : state.network,
        z: Float32Array.from(page.z),
        pinnedId: page.pinnedId ?? null,
        y: page.y ?? null,
        live: null,
        liveY: null,
        hovered: null,
        ...(newModel ? { posterior: null } : {}),
      },
      origin,
    );
    return true;
  }

  return { get, set, subscribe, shown, label, adopt };
}

/** The store of a page that shows one model. */
export const store = createStore();

const others = new Map();

/**
 * Return the store of one of a page's models.
 *
 * @param {string|null} [side]  null for the store of a page that shows one model
 * @returns {ReturnType<typeof createStore>}
 */
export function storeOf(side = null) {
  if (side === null) return store;
  if (!others.has(side)) others.set(side, createStore());
  return others.get(side);
}
