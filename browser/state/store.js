/**
 * The page's one explorer state: every panel reads it and writes it, none owns it.
 *
 * All panels of a page import this module by the same address, so they share `store` and a change
 * made by one is seen by the others in the same animation frame. There is no DOM in here. A page
 * that shows two models has a store for each of them: `storeOf(side)`.
 *
 * The code that pictures show is `live ?? z`: `z` is pinned, `live` follows a pointer, a slider or
 * a pen and is null when nothing moves.
 *
 * @typedef {object} ExplorerState
 * @property {string|null} modelHash  content hash of the model that every code belongs to
 * @property {import("../model/network.js").Network|null} network  ready to run, null until it has arrived
 * @property {Float32Array} z  the pinned code (latent_dim)
 * @property {Float32Array|null} live  the code under the pointer, slider or pen
 * @property {[number, number]} dims  the two latent dimensions of the map's plane
 * @property {number|null} hovered  id of the example under the pointer
 * @property {number|null} pinnedId  id of the example whose code is pinned
 * @property {number|null} y  label given to a conditional model
 * @property {number|null} liveY  label of the example whose code is `live`, null for any other code
 * @property {{mu: Float32Array, logvar: Float32Array}|null} posterior  of a drawing or an upload
 * @property {Set<number>|null} selected  ids of the examples that are selected, null for no selection
 * @property {number} seed
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
    seed: 0,
  };
}

function isList(value) {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}

/** Equal by value for codes and dimension pairs, by identity for everything else. */
export function same(a, b) {
  if (Object.is(a, b)) return true;
  if (!isList(a) || !isList(b) || a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}

/** Calls `fn` before the next paint; in a process without frames, soon. */
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
 * Runs `fn` once in the next animation frame, however often it is asked for before that.
 * Panels draw through this and nothing else, so a pointer move costs one draw of each panel.
 *
 * @param {(now: number) => void} fn
 */
export function schedule(fn) {
  due.add(fn);
  if (framePending) return;
  framePending = true;
  nextFrame(runDue);
}

/** Takes back a `schedule(fn)` that has not run yet. */
export function unschedule(fn) {
  due.delete(fn);
}

/** A store of its own: the page has one for each model that it shows, tests make more. */
export function createStore() {
  let state = initial();
  let seenVersion;
  const listeners = new Set();

  function get() {
    return state;
  }

  /**
   * Merges `patch` and tells the listeners which keys really changed.
   *
   * @param {Partial<ExplorerState>} patch
   * @param {unknown} [origin]  whoever makes the change, so that a listener can skip its own
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
   * @param {(state: ExplorerState, changed: Set<string>, origin: unknown) => void} listener
   * @returns {() => void} call it to stop listening
   */
  function subscribe(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** The code that pictures show. @returns {Float32Array} */
  function shown() {
    return state.live ?? state.z;
  }

  /** The label that pictures are given with that code: an example's own. @returns {number|null} */
  function label() {
    return state.live === null ? state.y : (state.liveY ?? state.y);
  }

  /**
   * Takes over what Python sends, once for each version of it: a rerun that carries a version
   * already seen changes nothing, so it cannot snap a point back that the user is moving.
   *
   * @param {{modelHash: string, z: ArrayLike<number>, zVersion: number|string,
   *   pinnedId?: number|null, y?: number|null}} page
   * @returns {boolean} whether the page's code was taken
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

/** The state that every panel of this page shares. */
export const store = createStore();

const others = new Map();

/**
 * The state of one of the models that a page shows.
 *
 * @param {string|null} [side]  null or nothing for the page's own model
 * @returns {ReturnType<typeof createStore>}
 */
export function storeOf(side = null) {
  if (side === null) return store;
  if (!others.has(side)) others.set(side, createStore());
  return others.get(side);
}
