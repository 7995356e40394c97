/** What a page does with the views of a teacher. No DOM. */

/**
 * @typedef {object} View
 * @property {string} page
 * @property {Record<string, string>} parameters  of the page's address
 * @property {{model: string, z: number[], pinned_id: number|null, y: number|null, look?: Record<string, unknown>|null}|null} pin
 *   what panels show of the view without the server; null for a model without codes
 */

/** Parameters of the pinned code, which panels show without the server. */
const PINNED = new Set(["z", "id", "y"]);

/**
 * Show the pinned code of a view at once, and how the map is drawn, if the page shows its model.
 *
 * @param {ReturnType<typeof import("../state/store.js").createStore>} store
 * @param {View} view
 * @returns {boolean} whether the code is shown
 */
export function showPin(store, { pin }) {
  const { modelHash, z } = store.get();
  if (pin === null || pin.model !== modelHash || pin.z.length !== z.length) return false;
  store.set(
    { z: Float32Array.from(pin.z), pinnedId: pin.pinned_id, y: pin.y, live: null, liveY: null, hovered: null },
    "python",
  );
  const { look = null } = pin;
  if (JSON.stringify(look) !== JSON.stringify(store.get().look)) store.set({ look }, "python");
  return true;
}

/** Return whether two views differ in the pinned code alone. @param {View|null} before @param {View} view */
export function movesPinOnly(before, view) {
  if (before === null || before.page !== view.page) return false;
  const names = new Set([...Object.keys(before.parameters), ...Object.keys(view.parameters)]);
  return [...names].every((name) => PINNED.has(name) || before.parameters[name] === view.parameters[name]);
}
