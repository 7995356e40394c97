/**
 * The pictures of two models side by side, and what differs between them. Links the two models for
 * as long as it is shown.
 *
 * Data besides the page's (app/components/pairs.py, `pair`): `names` of both models, `linked`,
 * `shared`, `codes` of both.
 */
import { fetchBytes } from "../files/assets.js";
import { make } from "../ui/dom.js";
import { comparable, link } from "../state/linking.js";
import { decode, pixelCount } from "../model/network.js";
import { paint, paintChange } from "../ui/pixels.js";
import { muOf, readPoints } from "../map/points.js";
import { same, schedule, storeOf, unschedule } from "../state/store.js";
import { code } from "../ui/words.js";

const SIDES = [null, "other"];
/** The change of a pixel that gets the full colour. */
const FULL = 0.5;
const NOTHING = { z: "", example: "Rest on an example or pin one", none: "Nothing links these two" };

/**
 * @param {HTMLElement} element
 * @param {any} data
 * @returns {import("../panel.js").Panel}
 */
export function mount(element, data) {
  const stores = SIDES.map(storeOf);
  const sides = stores.map((store) => ({ store, mean: new Float32Array(0), ...view("lx-picture") }));
  const change = view("lx-picture lx-pair-change");
  change.canvas.setAttribute("aria-label", "What differs between the two pictures");
  change.title.textContent = "Second − first";
  change.words.append(
    make("span", {}, make("i", { class: "lx-less" }), "darker"),
    make("span", {}, make("i", { class: "lx-more" }), "brighter"),
  );
  change.words.classList.add("lx-change-key");
  const unlike = make("p", { class: "lx-quiet lx-pair-note", hidden: true });
  change.figure.append(unlike);
  element.className = "lx-pair";
  element.append(sides[0].figure, change.figure, sides[1].figure);

  /** Codes of the encoded sets by store, while they are needed. */
  const points = new Map();
  let linked = null;
  let unlink = () => {};
  let asked = null;

  function view(className) {
    const canvas = make("canvas", { class: "lx-pixels", role: "img" });
    const title = make("strong", {});
    const words = make("span", { class: "lx-quiet lx-number" });
    const caption = make("figcaption", {}, title, words);
    return { figure: make("figure", { class: className }, canvas, caption), canvas, title, words };
  }

  function codeOf(store, id) {
    const set = points.get(store);
    const n = set?.byId.get(id);
    return n === undefined ? null : Float32Array.from(muOf(set, n));
  }

  function connect() {
    const wanted = JSON.stringify([data.linked, data.shared]);
    if (wanted !== linked) {
      linked = wanted;
      unlink();
      unlink = link(...stores, { by: data.linked, shared: data.shared, codeOf });
    }
    const addresses = data.linked === "example" ? data.codes : [];
    if (same(addresses, asked)) return;
    asked = addresses;
    points.clear();
    addresses.forEach((address, i) => {
      fetchBytes(address)
        .then((bytes) => {
          if (asked === addresses) points.set(stores[i], readPoints(bytes));
        })
        .catch((error) => console.warn(error));
    });
  }

  function makeRoom(canvas, [, height, width]) {
    if (canvas.width === width && canvas.height === height) return;
    Object.assign(canvas, { width, height });
  }

  function put({ canvas }, shape, fill) {
    makeRoom(canvas, shape);
    const context = canvas.getContext("2d");
    const image = context.createImageData(canvas.width, canvas.height);
    fill(image);
    context.putImageData(image, 0, 0);
  }

  /** @returns {boolean} whether there is a picture */
  function drawSide(side) {
    const { network, live } = side.store.get();
    const z = side.store.shown();
    if (!network?.decoder || z.length !== network.latentDim) return false;
    if (side.mean.length !== pixelCount(network)) side.mean = new Float32Array(pixelCount(network));
    decode(network, z, side.store.label(), side.mean);
    put(side, network.imageShape, (image) => paint(side.mean, network.imageShape, image));
    side.words.textContent = `${live ? "live" : "pinned"}, ${code(z)}`;
    side.canvas.setAttribute("aria-label", `Decoded by ${side.title.textContent}`);
    return true;
  }

  function draw() {
    if (!sides.map(drawSide).every(Boolean)) return;
    const shapes = stores.map((store) => store.get().network.imageShape);
    const alike = same(...shapes);
    const shown = alike && comparable(...stores, data.linked);
    put(change, shapes[0], (image) => {
      if (shown) paintChange(sides[0].mean, sides[1].mean, shapes[0], image, FULL);
    });
    unlike.hidden = shown;
    unlike.textContent = alike ? NOTHING[data.linked ?? "none"] : "Their pictures differ in size";
  }

  function configure() {
    sides.forEach((side, i) => {
      side.title.textContent = data.names[i];
    });
    connect();
    schedule(draw);
  }

  const stops = stores.map((store) => store.subscribe(() => schedule(draw)));
  configure();

  return {
    update(next) {
      data = next;
      configure();
    },
    destroy() {
      for (const stop of stops) stop();
      unlink();
      unschedule(draw);
      asked = null;
      element.replaceChildren();
    },
  };
}
