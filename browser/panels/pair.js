/**
 * The decoded images of two models and their difference; links the two models while it is shown.
 *
 * @typedef {object} PairData
 * @property {[string, string]} names  of the models
 * @property {[string, string]} codes  addresses of the encoded sets
 * @property {import("../state/linking.js").By} linked  what the models share, besides a selection
 * @property {boolean} shared  whether both have encoded the same examples
 */
import { fetchBytes } from "../files/assets.js";
import { muOf, readPoints } from "../map/points.js";
import { createFollower } from "../model/decoding.js";
import { canDecode } from "../model/network.js";
import { comparable, link } from "../state/linking.js";
import { same, schedule, storeOf, unschedule } from "../state/store.js";
import { make } from "../ui/dom.js";
import { paint, paintChange } from "../ui/pixels.js";
import { code } from "../ui/words.js";

const SIDES = [null, "other"];
/** The change of a pixel that gets the full colour. */
const FULL = 0.5;
/** Why there is no difference to show, by what links the models. */
const NOTHING = { z: "", example: "Rest on an image or choose one", none: "These two models cannot be linked" };

/**
 * @param {HTMLElement} element
 * @param {PairData} data
 * @returns {import("../panel.js").Panel}
 */
export function mount(element, data) {
  const stores = SIDES.map((side) => storeOf(side));
  const sides = stores.map((store) => {
    const side = { store, mean: null, shape: null, ...createPicture("lx-picture") };
    side.follow = createFollower((mean, { imageShape }) => {
      Object.assign(side, { mean, shape: imageShape });
      fill(side.canvas, imageShape, (image) => paint(mean, imageShape, image));
      drawChange();
    });
    return side;
  });
  const change = createPicture("lx-picture lx-pair-change");
  change.canvas.setAttribute("aria-label", "Difference of the two images");
  change.title.textContent = "Difference (B − A)";
  change.words.append(
    make("span", {}, make("i", { class: "lx-less" }), "darker"),
    make("span", {}, make("i", { class: "lx-more" }), "brighter"));
  change.words.classList.add("lx-change-key");
  const unlike = make("p", { class: "lx-quiet lx-pair-note", hidden: true });
  change.figure.append(unlike);
  element.className = "lx-pair";
  element.append(sides[0].figure, change.figure, sides[1].figure);

  /** The encoded sets by store, while the models are linked by example. */
  const points = new Map();
  let linked = null;
  let unlink = () => {};
  let wantedSets = null;

  function codeOf(store, id) {
    const set = points.get(store);
    const n = set?.byId.get(id);
    return n === undefined ? null : Float32Array.from(muOf(set, n));
  }

  function connect() {
    const wanted = JSON.stringify([data.linked, data.shared]);
    if (wanted === linked) return;
    linked = wanted;
    unlink();
    unlink = link(...stores, { by: data.linked, shared: data.shared, codeOf });
  }

  function loadSets() {
    const addresses = data.linked === "example" ? data.codes : [];
    if (same(addresses, wantedSets)) return;
    wantedSets = addresses;
    points.clear();
    addresses.forEach((address, i) => {
      fetchBytes(address)
        .then((bytes) => {
          if (wantedSets === addresses) points.set(stores[i], readPoints(bytes));
        })
        .catch((error) => console.warn(error));
    });
  }

  /** Decode the picture of a model. */
  function drawSide(side) {
    const { network, live } = side.store.get();
    const z = side.store.shown();
    if (!canDecode(network, z)) return;
    side.follow(network, z, side.store.label());
    side.words.textContent = `${live ? "Preview" : "Selected point"}: ${code(z)}`;
    side.canvas.setAttribute("aria-label", `Decoded by ${side.title.textContent}`);
  }

  function draw() {
    sides.forEach(drawSide);
  }

  function drawChange() {
    const [first, second] = sides;
    if (first.mean === null || second.mean === null) return;
    const alike = same(first.shape, second.shape);
    const shown = alike && comparable(...stores, data.linked);
    fill(change.canvas, first.shape, (image) => {
      if (shown) paintChange(first.mean, second.mean, first.shape, image, FULL);
    });
    unlike.hidden = shown;
    unlike.textContent = alike ? NOTHING[data.linked ?? "none"] : "Their images differ in size";
  }

  function update(next) {
    data = next;
    sides.forEach(({ title }, i) => (title.textContent = data.names[i]));
    connect();
    loadSets();
    schedule(draw);
  }

  const unsubscribes = stores.map((store) => store.subscribe(() => schedule(draw)));
  update(data);

  return {
    update,
    destroy() {
      for (const unsubscribe of unsubscribes) unsubscribe();
      unlink();
      unschedule(draw);
      wantedSets = null;
      element.replaceChildren();
    },
  };
}

function createPicture(className) {
  const canvas = make("canvas", { class: "lx-pixels", role: "img" });
  const title = make("strong");
  const words = make("span", { class: "lx-quiet lx-number" });
  const figure = make("figure", { class: className }, canvas, make("figcaption", {}, title, words));
  return { figure, canvas, title, words };
}

/** Replace what a canvas shows by an image that `paint` fills. */
function fill(canvas, [, height, width], paint) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  paint(image);
  context.putImageData(image, 0, 0);
}
