/**
 * Link the stores of two models that a page compares. No DOM.
 *
 * Models with the same number of latent dimensions are linked by code, models that encode the same
 * set by example id.
 *
 * @typedef {ReturnType<typeof import("./store.js").createStore>} Store
 * @typedef {"z" | "example" | null} By  what two stores share; null for the selection alone
 */

/**
 * Copy changes of either store to the other one, until the returned function is called.
 *
 * @param {Store} first
 * @param {Store} second
 * @param {object} how
 * @param {By} how.by
 * @param {boolean} how.shared  whether both models encode the same examples
 * @param {(store: Store, id: number) => Float32Array|null} how.codeOf  returns a model's mean code of
 *   an example, or null until it has been fetched
 * @returns {() => void} unlinks, and clears live codes and the second store's selection
 */
export function link(first, second, { by, shared, codeOf }) {
  const origin = Symbol("link");

  /** Return the changes of `to` that follow from a state in which these keys have changed. */
  function patchOf(state, changed, to) {
    const patch = {};
    if (shared && changed.has("selected")) patch.selected = state.selected;
    const labelled = state.y !== null && to.get().y !== null;
    if (shared && by !== null && labelled && changed.has("y")) patch.y = state.y;
    if (shared && by !== null && labelled && changed.has("liveY")) patch.liveY = state.liveY;
    if (by === "z") {
      const fits = (z) => (z?.length === to.get().z.length ? z : null);
      if (changed.has("live")) patch.live = fits(state.live);
      if (changed.has("z") && fits(state.z)) Object.assign(patch, { z: state.z, pinnedId: null });
    }
    if (by === "example") {
      if (changed.has("hovered") || changed.has("live")) {
        // A pinned example stays under the pointer, and is live no more.
        patch.live = state.hovered === null || state.live === null ? null : codeOf(to, state.hovered);
        patch.hovered = patch.live && state.hovered;
      }
      const pinned = changed.has("pinnedId") && state.pinnedId !== null;
      const z = pinned ? codeOf(to, state.pinnedId) : null;
      if (z) Object.assign(patch, { z, pinnedId: state.pinnedId });
    }
    return patch;
  }

  // Python writes to both stores itself.
  const follow = (to) => (state, changed, from) => {
    if (from !== origin && from !== "python") to.set(patchOf(state, changed, to), origin);
  };
  const stops = [first.subscribe(follow(second)), second.subscribe(follow(first))];
  if (shared) {
    const selected = first.get().selected ?? second.get().selected;
    for (const store of [first, second]) store.set({ selected }, origin);
  }

  return () => {
    for (const stop of stops) stop();
    for (const store of [first, second]) store.set({ live: null, liveY: null, hovered: null }, origin);
    second.set({ selected: null }, origin);
  };
}

/**
 * Return whether two models show the same code, or the same example, so that pictures can be compared.
 *
 * @param {Store} first @param {Store} second @param {By} by
 */
export function comparable(first, second, by) {
  if (by === "z") return first.shown().length === second.shown().length;
  const example = ({ live, hovered, pinnedId }) => (live === null ? pinnedId : hovered);
  const [one, other] = [first, second].map((store) => example(store.get()));
  return by === "example" && one !== null && one === other;
}
