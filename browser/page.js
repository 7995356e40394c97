/**
 * What all panels of a page are given alike: the model, the pinned code, the plane.
 *
 * `open` puts it into the store and fetches the network once. Streamlit's entry (panel.js) and an
 * exported file call it before they mount or update a panel.
 *
 * @typedef {object} PageData  the part of a panel's data that is the same for all of them
 * @property {{hash: string, decoder: import("./files/assets.js").Source,
 *   encoder?: import("./files/assets.js").Source|null}} model
 * @property {number[]} z
 * @property {number|string} z_version
 * @property {number|null} [pinned_id]
 * @property {[number, number]} [dims]
 * @property {number} [seed]
 * @property {number|null} [y]
 * @property {string|null} [side]  which of a page's models, where it shows two
 * @property {{mu: number[], logvar: number[]}|null} [posterior]  of an uploaded picture; panels that
 *   do not outline it leave it out
 */
import { fetchBytes } from "./files/assets.js";
import { join, load } from "./model/network.js";
import { storeOf } from "./state/store.js";

const opening = new Map();
/** Networks held ready, so that going back and forth between models costs nothing. */
const HELD = 8;
/** The upload's posterior that each store was given, as it was sent and as it is. */
const outlines = new WeakMap();

/**
 * Takes over an upload's posterior once, and takes it away when the upload is gone: a drawing that
 * follows it is not undone by a rerun.
 */
function adoptPosterior(store, posterior, modelHash) {
  const before = outlines.get(store) ?? { seen: "", given: null };
  const seen = JSON.stringify([modelHash, posterior]);
  if (posterior === undefined || seen === before.seen) return;
  outlines.set(store, { ...before, seen });
  if (posterior === null && store.get().posterior !== before.given) return;
  const given = posterior && { mu: Float32Array.from(posterior.mu), logvar: Float32Array.from(posterior.logvar) };
  outlines.set(store, { seen, given });
  store.set({ posterior: given }, "python");
}

/** The network of `model` with the parts that were asked for, read once for each content hash. */
function network(model) {
  const sources = [model.decoder, model.encoder].filter((source) => source != null);
  const key = `${model.hash}:${sources.length}`;
  if (!opening.has(key)) {
    const reading = Promise.all(sources.map((source) => fetchBytes(source).then(load))).then(join);
    reading.catch(() => opening.delete(key));
    opening.set(key, reading);
    if (opening.size > HELD) opening.delete(opening.keys().next().value);
  }
  return opening.get(key);
}

/**
 * @param {PageData} data
 * @returns {Promise<void>} when the network that `data` names can run
 */
export async function open(data) {
  if (!data.model) return;
  const store = storeOf(data.side);
  store.adopt({
    modelHash: data.model.hash,
    z: data.z,
    zVersion: data.z_version,
    pinnedId: data.pinned_id,
    y: data.y,
  });
  store.set({ dims: data.dims ?? store.get().dims, seed: data.seed ?? store.get().seed }, "python");
  adoptPosterior(store, data.posterior, data.model.hash);
  const ready = await network(data.model);
  const state = store.get();
  if (state.modelHash !== data.model.hash) return;
  // Panels ask for different parts: what one has brought stays when another asks for less.
  store.set({ network: state.network === null ? ready : join([state.network, ready]) }, "python");
}
