/** Pin a code. */

import { store as own } from "./store.js";

/** Significant digits of a code in the page's address, which opens to the same picture. */
const DIGITS = 4;

/**
 * Write a code to the store as the pinned one, and send it to Python.
 *
 * @param {import("../panel.js").Emit} emit
 * @param {Float32Array} z  rounded to the address's digits, unless it is an example's
 * @param {object} [more]
 * @param {number | null} [more.pinnedId] the example whose code it is
 * @param {number | null} [more.y] the label to decode it with; by default the store's label stays
 * @param {unknown} [more.origin] names the panel in the store's change
 * @param {ReturnType<typeof import("./store.js").createStore>} [more.store] by default the page's
 */
export function pin(emit, z, { pinnedId = null, origin = null, store = own, y = store.get().y } = {}) {
  const code = Float32Array.from(z, (v) => (pinnedId === null ? Number(v.toPrecision(DIGITS)) : v));
  store.set({ z: code, pinnedId, y, live: null }, origin);
  emit.state("pin", { z: Array.from(code), pinned_id: pinnedId, y });
}
