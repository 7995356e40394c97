/** What pinning a code means, for every panel alike. */

import { store } from "./store.js";

/**
 * Makes a code the pinned one and tells Python.
 *
 * @param {import("./panel.js").Emit} emit
 * @param {Float32Array} z
 * @param {object} [more]
 * @param {number | null} [more.pinnedId] the example whose code it is
 * @param {unknown} [more.origin]
 */
export function pin(emit, z, { pinnedId = null, origin = null } = {}) {
  const code = Float32Array.from(z);
  store.set({ z: code, pinnedId, live: null }, origin);
  emit.state("pin", { z: Array.from(code), pinned_id: pinnedId });
}
