/**
 * Open the model of a page, with the data that all of its panels share.
 *
 * `open` writes the data to the store and fetches the network once. The Streamlit component
 * (panel.js) and an exported page call it before they mount or update a panel.
 *
 * @typedef {object} PageData  the part of a panel's data that all panels have
 * @property {{hash: string, decoder: import("./files/assets.js").Source,
 *   encoder?: import("./files/assets.js").Source|null, server?: string|null}} model
 * @property {number[]} z
 * @property {number|string} z_version
 * @property {number|null} [pinned_id]
 * @property {[number, number]} [dims]
 * @property {number} [seed]
 * @property {number|null} [y]
 * @property {string|null} [side]  the model's side, on a page that shows two models
 * @property {{mu: number[], logvar: number[]}|null} [posterior]  of an uploaded picture; missing in
 *   the data of panels that do not draw it
 */
import { fetchBytes } from "./files/assets.js";
import { join, load } from "./model/network.js";
import { storeOf } from "./state/store.js";

/** Promises of networks, by hash and number of parts; the oldest is dropped first. */
const networks = new Map();
const MAX_NETWORKS = 8;
/** For each store, the posterior of the last upload: as JSON, and as written to the store. */
const uploads = new WeakMap();

/**
 * Write an upload's posterior to the store once, and remove it when the upload is removed. A rerun
 * with the same upload does not replace the posterior of a drawing that was made since.
 */
function adoptPosterior(store, posterior, modelHash) {
  const before = uploads.get(store) ?? { json: "", written: null };
  const json = JSON.stringify([modelHash, posterior]);
  if (posterior === undefined || json === before.json) return;
  uploads.set(store, { ...before, json });
  if (posterior === null && store.get().posterior !== before.written) return;
  const written = posterior && { mu: Float32Array.from(posterior.mu), logvar: Float32Array.from(posterior.logvar) };
  uploads.set(store, { json, written });
  store.set({ posterior: written }, "python");
}

/** Fetch the network of `model` with the parts that it names, once for each content hash. */
function fetchNetwork(model) {
  const sources = [model.decoder, model.encoder].filter((source) => source != null);
  const key = `${model.hash}:${sources.length}`;
  if (!networks.has(key)) {
    const network = Promise.all(sources.map((source) => fetchBytes(source).then(load)))
      .then((parts) => (model.server ? { ...join(parts), server: model.server } : join(parts)));
    network.catch(() => networks.delete(key));
    networks.set(key, network);
    if (networks.size > MAX_NETWORKS) networks.delete(networks.keys().next().value);
  }
  return networks.get(key);
}

/**
 * Write a page's data to the store, and its network when it has been fetched.
 *
 * @param {PageData} data
 * @returns {Promise<void>} resolves when the network is in the store
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
  const fetched = await fetchNetwork(data.model);
  const state = store.get();
  if (state.modelHash !== data.model.hash) return;
  // Panels name different parts of the network: keep those that are there already.
  store.set({ network: state.network === null ? fetched : join([state.network, fetched]) }, "python");
}
