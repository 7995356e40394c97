/** What pinning a code means, for every panel alike. */

import { store as own } from "./store.js";

/**
 * Makes a code the pinned one and tells Python.
 *
 * @param {import("../panel.js").Emit} emit
 * @param {Float32Array} z
 * @param {object} [more]
 * @param {number | null} [more.pinnedId] the example whose code it is
 * @param {number | null} [more.y] the label that goes with it, else the one that is given already
 * @param {unknown} [more.origin]
 * @param {ReturnType<typeof import("./store.js").createStore>} [more.store] of another model's side
 */
export function pin(emit, z, { pinnedId = null, origin = null, store = own, y = store.get().y } = {}) {
  const code = Float32Array.from(z);
  store.set({ z: code, pinnedId, y, live: null }, origin);
  emit.state("pin", { z: Array.from(code), pinned_id: pinnedId, y });
}
