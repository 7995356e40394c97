/**
 * The page of a model without a server: the app's panels over bundles that a page holds.
 *
 * vae_core/formats/html.py writes its elements (model.html), one for each panel, and its facts. The
 * address holds what is pinned, the colour and the filter.
 *
 * @typedef {object} Facts
 * @property {string} name
 * @property {string} hash  content hash of the model
 * @property {number} latent_dim
 * @property {string[]} classes
 * @property {string[]} given  names of the labels of a conditional model; none for other models
 * @property {number[] | null} kl  nats of each dimension; null where there is no rate
 * @property {number} unused_below  nats below which a dimension is unused
 * @property {[number, number][]} [ranges]  of each dimension
 * @property {number[]} [start]  the code at first
 * @property {[number, number]} dims  the latent plane at first
 * @property {string[]} projections  the maps, first the one to begin with
 * @property {[string, string][]} [colours]  keys and names of what colours the map; none for labels alone
 * @property {boolean} [drawn]  whether codes were drawn from the prior, of a decoder without an encoder
 * @property {number} epochs  of the training
 * @property {import("../pad/centring.js").Frame | null} frame  how drawings are placed; null without a pad
 *
 * @typedef {object} Content  the bundles
 * @property {Uint8Array} network
 * @property {Uint8Array} codes
 * @property {Uint8Array | null} columns
 * @property {import("../replay/frames.js").Replay | null} replay
 */
import { open } from "../page.js";
import { mount as mountLabels } from "../panels/labels.js";
import { mount as mountMap } from "../panels/latent_map.js";
import { mount as mountManifold } from "../panels/manifold.js";
import { mount as mountPad } from "../panels/pad.js";
import { mount as mountPicture } from "../panels/picture.js";
import { mount as mountReplay } from "../panels/replay.js";
import { mount as mountSliders } from "../panels/sliders.js";
import { store } from "../state/store.js";
import { connectCell } from "./cell.js";
import { createChooser } from "./chooser.js";
import { byId, notify } from "./content.js";
import { readFragment, writeFragment } from "./fragment.js";

/** The panels by the ids of their elements. */
const MOUNT = {
  map: mountMap,
  picture: mountPicture,
  labels: mountLabels,
  replay: mountReplay,
  sliders: mountSliders,
  manifold: mountManifold,
  pad: mountPad,
};
const MAP_HEIGHT = 620;
const PICTURE_SIZE = 480;
const GRID_SIDE = 20;

/** The meaning of points of a decoder alone. */
const DRAWN = "Each point is a code drawn from N(0, I). Move to decode any point; click to keep it.";
const MEANINGS = {
  raw: "Each point is a test image, placed at its encoded mean. Move to decode any point; click to keep it.",
  pca: "Each point is a test image on the plane of greatest variance (PCA). On a point its own code is decoded, elsewhere the point on the PCA plane. Click to keep a point.",
  tsne: "Each point is a test image. Neighbours stay together; distances mean little. t-SNE cannot be decoded; showing the nearest image.",
};

/** What the page shows, kept in its address. @param {Facts} facts */
function createView(facts) {
  const colours = (facts.colours ?? []).map(([key]) => key);
  const model = { latentDim: facts.latent_dim, projections: facts.projections, labels: facts.given.length, colours };
  const first = {
    z: facts.start ?? new Array(facts.latent_dim).fill(0),
    y: facts.given.length > 0 ? 0 : null,
    projection: facts.projections[0],
    dims: facts.dims,
    colour: colours[0] ?? "label",
    search: null,
    filter: null,
  };
  const view = { now: first, version: 0, read, change, write };

  /** Take over the address; what it leaves out is as at first. */
  function read() {
    const { view: wanted, ignored } = readFragment(location.hash, model);
    const stated = Object.entries(wanted).filter(([, value]) => value !== null);
    view.now = { ...first, ...Object.fromEntries(stated) };
    view.version += 1;
    notify(ignored.length > 0 ? `Ignored in the address, since it does not fit this model: ${ignored.join(", ")}.` : null);
  }

  function change(patch) {
    const { z, y } = store.get();
    view.now = { ...view.now, z, y, ...patch };
  }

  function write() {
    const { z, y } = store.get();
    const map = facts.latent_dim > 2 ? view.now : { projection: null, dims: null };
    const { colour, search, filter } = view.now;
    const columns = { colour: colour === first.colour ? null : colour, search, filter };
    // In a notebook's cell the page is a frame without an address of its own.
    if (location.protocol === "about:") return;
    history.replaceState(null, "", `#${writeFragment({ ...map, ...columns, z, y })}`);
  }

  return view;
}

/** The data of each panel besides the page's. */
function extrasOf(facts, { codes, columns, replay }, { projection, colour, filter, search }, version) {
  return {
    map: {
      codes, columns, sprite: null, classes: facts.classes, projection, colour, height: MAP_HEIGHT, tools: true,
      filters: true, filter: filter ?? [], search: search ?? "", filter_version: version,
    },
    picture: { size: PICTURE_SIZE },
    labels: { names: facts.given },
    sliders: { kl: facts.kl, ranges: facts.ranges, unused_below: facts.unused_below },
    manifold: { n: GRID_SIDE, model_name: facts.name },
    pad: { frame: facts.frame },
    replay: replay && { ...replay.description, read: replay.frames, classes: facts.classes, epochs: facts.epochs, live: false },
  };
}

/**
 * Show the model.
 *
 * @param {Facts} facts
 * @param {Content} content
 * @returns {Promise<void>} when it can run
 */
export async function explore(facts, { network, codes, columns, replay }) {
  const view = createView(facts);
  view.read();
  const kinds = Object.keys(MOUNT).filter((kind) => byId(kind) !== null && (kind !== "labels" || facts.given.length > 0));
  const panels = new Map();
  const choose = (change) => {
    view.change(change);
    show();
    view.write();
  };
  const chooser = createChooser(byId("chooser"), facts, choose);

  const dataOf = (kind) => ({
    model: { hash: facts.hash, decoder: network },
    z: view.now.z,
    y: view.now.y,
    z_version: view.version,
    dims: view.now.dims,
    ...extrasOf(facts, { codes, columns, replay }, view.now, view.version)[kind],
  });

  /** @returns {Promise<void>} when the model can run */
  function show() {
    const opened = open(dataOf("picture"));
    for (const [kind, panel] of panels) panel.update(dataOf(kind));
    chooser.show(view.now);
    const drawn = facts.drawn && view.now.projection === "raw";
    byId("meaning").textContent = drawn ? DRAWN : MEANINGS[view.now.projection];
    return opened;
  }

  const opened = show();
  const emit = {
    state(name, value) {
      if (name !== "filter" && name !== "search") return;
      view.change({ [name]: value });
      view.write();
    },
    trigger() {},
  };
  for (const kind of kinds) panels.set(kind, MOUNT[kind](byId(kind), dataOf(kind), emit));
  let writing = 0;
  store.subscribe((_, changed, by) => {
    if (!(changed.has("z") || changed.has("y")) || by === "python") return;
    clearTimeout(writing);
    writing = setTimeout(view.write, 0);
  });
  addEventListener("hashchange", () => {
    view.read();
    show();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  await opened;
  connectCell({ latentDim: facts.latent_dim, labels: facts.given.length }, (z, y) => {
    view.now = { ...view.now, z, y };
    view.version += 1;
    show();
  });
}
