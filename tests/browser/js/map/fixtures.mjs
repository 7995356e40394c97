import { Keyboard } from "../../../../browser/map/keyboard.js";
import { Pointer } from "../../../../browser/map/pointer.js";
import { EncodedSet } from "../../../../browser/map/set.js";
import { createState } from "../../../../browser/map/state.js";
import { createStore } from "../../../../browser/state/store.js";

/** Create an encoded set from ids and `mu` (n, d), without labels; `more` replaces properties. */
export const points = (ids, mu, more = {}) => ({
  count: ids.length, latentDim: mu.length / ids.length, ids: Int32Array.from(ids),
  byId: new Map(ids.map((id, i) => [id, i])), mu: Float32Array.from(mu),
  sigma: new Float32Array(mu.length).fill(0.5), labels: null, projections: {}, pca: null, ...more,
});

/** Examples 10 to 13 on the corners of a square of side 2 around the origin, labels 0, 0, 1, 1. */
export const square = (more = {}) =>
  points([10, 11, 12, 13], [-1, -1, 1, -1, 1, 1, -1, 1], { labels: Int16Array.of(0, 0, 1, 1), ...more });

/** The same with a t-SNE plane, ten times as large. */
export const squareWithoutInverse = () =>
  square({ projections: { tsne: Float32Array.of(-10, -10, 10, -10, 10, 10, -10, 10) } });

/**
 * Create a map without elements: 400 × 400 CSS pixels of 0.01 data units around the origin, or of 0.1 on
 * t-SNE. `sent` lists the values that Python receives, `calls` those of card, speaker and layers.
 */
export function createMap(set = square(), { projection = "raw", z = [0, 0], y = null } = {}) {
  const sent = [];
  const calls = [];
  const note = (name) => (...values) => calls.push([name, ...values]);
  const store = createStore();
  store.set({ z: Float32Array.from(z), y });
  const links = { store, origin: "this map", emit: { state: (name, value) => sent.push([name, value]) } };
  const data = { projection, dims: [0, 1], classes: ["nought", "one"], hidden: [] };
  const state = createState(data, {}, links, { moved: note("moved"), selected: note("selected") });
  state.set = new EncodedSet(set, projection, data.dims);
  state.selection.setPoints(set);
  state.camera.resize({ width: 400, height: 400 }, 1);
  state.camera.setBounds(state.set.bounds, true);
  state.camera.adopt({ x: 0, y: 0, height: projection === "raw" ? 4 : 40 }, 1);
  const card = { over: note("card over"), leave: note("card leave"), stay: note("card stay"), hide: note("card hide") };
  const pointer = new Pointer(state, links, { card, speaker: { say: note("say") }, redraw: note("redraw") });
  const keyboard = new Keyboard(state, pointer, store);
  calls.length = 0;
  return { state, store, links, sent, calls, pointer, keyboard, gestures: pointer.handlers() };
}
