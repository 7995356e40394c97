/**
 * The entry of an exported page: the app's panels over a model that lies in the page itself.
 *
 * vae_core/standalone.py writes the page. Its elements: `facts` (JSON), `network`, `codes` and, where
 * there is a replay, `film` (bundles, as gzip in base64), and a place for each panel. The address keeps what is pinned.
 *
 * @typedef {object} Facts
 * @property {string} name
 * @property {string} hash  content hash of the model
 * @property {number} latent_dim
 * @property {string[]} classes
 * @property {string[]} given  names of the labels that the model is given one of; else none
 * @property {number[]} kl  nats of each dimension
 * @property {[number, number]} dims  the plane to begin with
 * @property {string[]} projections  the maps that there are, the first one first
 * @property {number} epochs  of the training
 * @property {import("../pad/centring.js").Frame|null} frame  how drawings are placed; null without a pad
 */
import { make } from "../ui/dom.js";
import { readFragment, writeFragment } from "./fragment.js";
import { mount as mountLabels } from "../panels/labels.js";
import { mount as mountManifold } from "../panels/manifold.js";
import { mount as mountMap } from "../panels/latent_map.js";
import { mount as mountPad } from "../panels/pad.js";
import { open } from "../page.js";
import { mount as mountPicture } from "../panels/picture.js";
import { mount as mountReplay } from "../panels/replay.js";
import { mount as mountSliders } from "../panels/sliders.js";
import { store } from "../state/store.js";
import { readReplay } from "../replay/frames.js";
import { dimension } from "../ui/words.js";

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

const NAMES = { raw: "Latent plane", pca: "PCA", tsne: "t-SNE" };
const MEANINGS = {
  raw: "Each point is the mean code of a test picture. Empty space is decoded as you move; a click or Enter pins.",
  pca: "The plane of greatest variance. Empty space is decoded through its inverse; a click or Enter pins.",
  tsne: "Neighbours stay together, distances mean little, and there is no way back to a code: empty space shows the nearest real one.",
};

const place = (name) => document.getElementById(name);

/** A bundle that lies in the page. @param {string} name @returns {Promise<Uint8Array>} */
async function unpack(name) {
  const packed = await fetch(`data:application/gzip;base64,${place(name).textContent.trim()}`);
  const bytes = packed.body.pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(bytes).arrayBuffer());
}

/** Says something above everything else; null says nothing. */
function notice(text) {
  place("notice").textContent = text ?? "";
  place("notice").hidden = text === null;
}

/**
 * Buttons for the maps and two lists for the latent plane, for models of more than two dimensions.
 *
 * @param {Facts} facts
 * @param {(change: {projection?: string, dims?: [number, number]}) => void} choose
 */
function createChooser(facts, choose) {
  const buttons = new Map(facts.projections.map((projection) => [
    projection,
    make("button", { type: "button", click: () => choose({ projection }) }, NAMES[projection]),
  ]));
  const axis = (word, which) => {
    const options = facts.kl.map((_, dim) => make("option", { value: dim }, dimension(dim)));
    const list = make("select", { change: () => take(which, Number(list.value)) }, ...options);
    return { list, label: make("label", {}, `${word} `, list) };
  };
  const axes = [axis("Plane: across", 0), axis("up", 1)];
  let shown = facts.dims;

  /** The same dimension twice is no plane: the two change places. */
  function take(which, dim) {
    const other = shown[1 - which];
    const kept = other === dim ? shown[which] : other;
    choose({ dims: which === 0 ? [dim, kept] : [kept, dim] });
  }

  place("chooser").append(
    make("div", { class: "lx-group", role: "group", "aria-label": "Map" }, ...buttons.values()),
    ...axes.map(({ label }) => label),
  );
  place("chooser").hidden = false;
  return {
    show({ projection, dims }) {
      shown = dims;
      for (const [name, button] of buttons) button.setAttribute("aria-pressed", String(name === projection));
      axes.forEach(({ list }, which) => (list.value = dims[which]));
    },
  };
}

async function start() {
  if (!("DecompressionStream" in window)) return; // the page says so itself
  /** @type {Facts} */
  const facts = JSON.parse(place("facts").textContent);
  const fits = { latentDim: facts.latent_dim, projections: facts.projections, labels: facts.given.length };
  const origin = {
    z: new Array(facts.latent_dim).fill(0),
    y: facts.given.length > 0 ? 0 : null,
    projection: facts.projections[0],
    dims: facts.dims,
  };
  let view = origin;
  let version = 0;

  /** Takes over what the address says; the rest is as in the beginning. */
  function readAddress() {
    const { view: asked, ignored } = readFragment(location.hash, fits);
    const given = Object.entries(asked).filter(([, value]) => value !== null);
    view = { ...origin, ...Object.fromEntries(given) };
    version += 1;
    const list = ignored.join(", ");
    notice(ignored.length > 0 ? `The address holds what does not fit this model, and is ignored: ${list}.` : null);
  }

  readAddress();
  const [network, codes, film] = await Promise.all([
    unpack("network"), unpack("codes"), place("replay") && unpack("film").then(readReplay),
  ]);
  const extras = {
    map: () => ({ codes, sprite: null, classes: facts.classes, projection: view.projection, colour: "label", height: MAP_HEIGHT, tools: true }),
    picture: () => ({ size: PICTURE_SIZE }),
    labels: () => ({ names: facts.given }),
    sliders: () => ({ kl: facts.kl }),
    manifold: () => ({ n: GRID_SIDE, model_name: facts.name }),
    pad: () => ({ frame: facts.frame }),
    replay: () => ({ ...film.description, read: film.frames, classes: facts.classes, epochs: facts.epochs, live: false }),
  };
  const dataOf = (kind) => ({
    model: { hash: facts.hash, decoder: network },
    z: view.z,
    y: view.y,
    z_version: version,
    dims: view.dims,
    ...extras[kind](),
  });
  const emit = { state() {}, trigger() {} };
  const kinds = Object.keys(MOUNT).filter((kind) => place(kind) !== null && (kind !== "labels" || facts.given.length > 0));
  const chooser = facts.latent_dim > 2 ? createChooser(facts, choose) : null;

  function choose(change) {
    const { z, y } = store.get();
    view = { ...view, z, y, ...change };
    show();
    writeAddress();
  }

  /** @returns {Promise<void>} when the model can run */
  function show() {
    const opened = open(dataOf("picture"));
    for (const kind of kinds) panels.get(kind)?.update(dataOf(kind));
    chooser?.show(view);
    place("meaning").textContent = MEANINGS[view.projection];
    return opened;
  }

  function writeAddress() {
    const { z, y } = store.get();
    const changed = facts.latent_dim > 2 ? view : { projection: null, dims: null };
    history.replaceState(null, "", `#${writeFragment({ ...changed, z, y })}`);
  }

  const panels = new Map();
  const opened = show();
  for (const kind of kinds) panels.set(kind, MOUNT[kind](place(kind), dataOf(kind), emit));
  let writing = 0;
  store.subscribe((_, changed, by) => {
    if (!(changed.has("z") || changed.has("y")) || by === "python") return;
    clearTimeout(writing);
    writing = setTimeout(writeAddress, 0);
  });
  addEventListener("hashchange", () => {
    readAddress();
    show();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  await opened;
}

start().catch((error) => {
  notice(`This page could not be shown: ${error.message ?? error}`);
  console.warn(error);
});
