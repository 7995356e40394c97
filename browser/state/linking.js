/**
 * Two models beside each other: what happens to one happens to the other. No DOM.
 *
 * They are linked by the code where both have as many latent dimensions, or by the example where
 * both have encoded the same set. Examples are known by their ids, never by their places.
 *
 * @typedef {ReturnType<typeof import("./store.js").createStore>} Store
 * @typedef {"z" | "example" | null} By
 */

/**
 * Links two stores until the returned function is called, which also ends what moved.
 *
 * @param {Store} first
 * @param {Store} second
 * @param {object} how
 * @param {By} how.by  what they share; null for nothing but the selection
 * @param {boolean} how.shared  whether they know the same examples
 * @param {(store: Store, id: number) => Float32Array|null} how.codeOf  a model's mean code of an
 *   example, null while it is not known
 * @returns {() => void}
 */
export function link(first, second, { by, shared, codeOf }) {
  const origin = Symbol("link");

  /** What `to` takes over from a state in which these keys have changed. */
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
        patch.live = state.hovered === null ? null : codeOf(to, state.hovered);
        patch.hovered = patch.live && state.hovered;
      }
      const pinned = changed.has("pinnedId") && state.pinnedId !== null;
      const z = pinned ? codeOf(to, state.pinnedId) : null;
      if (z) Object.assign(patch, { z, pinnedId: state.pinnedId });
    }
    return patch;
  }

  // Python tells both models what it has to tell.
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
 * Whether two models show what can be held against each other: the same code, or the same example.
 *
 * @param {Store} first @param {Store} second @param {By} by
 */
export function comparable(first, second, by) {
  if (by === "z") return first.shown().length === second.shown().length;
  const example = ({ live, hovered, pinnedId }) => (live === null ? pinnedId : hovered);
  const [one, other] = [first, second].map((store) => example(store.get()));
  return by === "example" && one !== null && one === other;
}
