/**
 * The entry of a page of codes alone: the map, the nearest examples and the selected ones.
 *
 * vae_core/formats/html.py writes the page. Its elements: `facts` (JSON), the bundles `codes` and, with
 * pictures, `sprite` (gzip in base64), and one for each panel. There is no network: nothing is decoded.
 *
 * @typedef {object} Facts
 * @property {string} hash  content hash of the codes
 * @property {number} latent_dim
 * @property {string[]} classes
 * @property {number[]} start  the code at first
 * @property {number} start_id  the example whose code it is
 * @property {[number, number]} dims  the latent plane at first
 * @property {string[]} projections  the maps, first the one to begin with
 */
import { mount as mountGallery } from "../panels/gallery.js";
import { mount as mountMap } from "../panels/latent_map.js";
import { store } from "../state/store.js";
import { createChooser } from "./chooser.js";
import { byId, notify, run, unpack } from "./content.js";
import { mount as mountNeighbours } from "./neighbours.js";

/** The panels by the ids of their elements. */
const MOUNT = { map: mountMap, neighbours: mountNeighbours, gallery: mountGallery };
const MAP_HEIGHT = 560;

const MEANINGS = {
  raw: "Each point is the code of an example. Beside the map are the examples nearest to the place under the pointer; a click or Enter selects.",
  pca: "The plane of greatest variance. Beside the map are the examples nearest to the place under the pointer; a click or Enter selects.",
  tsne: "Neighbours stay together; distances mean little. Empty space stands for the nearest example.",
};

async function start() {
  /** @type {Facts} */
  const facts = JSON.parse(byId("facts").textContent);
  const [codes, sprite] = await Promise.all([unpack("codes"), byId("sprite") && unpack("sprite")]);
  const view = { projection: facts.projections[0], dims: facts.dims };
  const panels = new Map();
  const chooser = createChooser(byId("chooser"), facts, choose);

  const data = () => ({
    model: { hash: facts.hash },
    codes, sprite, classes: facts.classes, decodes: false, tools: true, colour: "label", height: MAP_HEIGHT, ...view,
  });

  function choose(change) {
    Object.assign(view, change);
    show();
  }

  function show() {
    store.set({ dims: view.dims }, "python");
    for (const panel of panels.values()) panel.update(data());
    chooser.show(view);
    byId("meaning").textContent = MEANINGS[view.projection];
  }

  store.adopt({ modelHash: facts.hash, z: facts.start, zVersion: 0, pinnedId: facts.start_id, y: null });
  show();
  const emit = { state() {}, trigger() {} };
  for (const kind of Object.keys(MOUNT)) {
    if (byId(kind)) panels.set(kind, MOUNT[kind](byId(kind), data(), emit));
  }
  store.subscribe((state, changed) => {
    const gallery = byId("selected");
    if (changed.has("selected") && gallery) gallery.hidden = !state.selected?.size;
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  notify(null);
}

run(start);
