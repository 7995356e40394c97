/**
 * The examples whose codes are nearest to the code that is shown: their pictures, classes and distances.
 *
 * Resting on one shows where it is on the map; a click selects it.
 *
 * @typedef {object} NeighboursData
 * @property {import("../files/assets.js").Source} codes  the encoded set
 * @property {import("../files/assets.js").Source|null} sprite  pictures; without them those
 *   that the page's model decodes, or names alone
 * @property {string[]} classes
 */
import { classOf } from "../map/example.js";
import { SetLoader } from "../map/loader.js";
import { muOf } from "../map/points.js";
import { decodeLabelled } from "../model/decoding.js";
import { nearestCodes } from "../map/reading.js";
import { pin } from "../state/pinning.js";
import { schedule, store, unschedule } from "../state/store.js";
import { make } from "../ui/dom.js";
import { paint } from "../ui/pixels.js";
import { number } from "../ui/words.js";

/** Examples that are shown. */
const SHOWN = 12;

/**
 * @param {HTMLElement} element
 * @param {NeighboursData} data
 * @param {import("../panel.js").Emit} emit
 * @returns {import("../panel.js").Panel}
 */
export function mount(element, data, emit) {
  const origin = {};
  const found = { points: null, sprite: null };
  let decoded = "";
  let stop = () => {};
  const which = make("p", { class: "lx-quiet" });
  const entries = Array.from({ length: SHOWN }, () => createEntry({
    look: (example) => look(example),
    choose: (example) => choose(example),
  }));
  const list = make("div", { class: "neighbours" }, ...entries.map((entry) => entry.element));
  element.append(which, list);
  const loader = new SetLoader({
    request: () => {},
    points: (points) => take({ points }),
    sprite: (sprite) => take({ sprite }),
    error: (error) => (which.textContent = `The examples could not be loaded. ${error.message}`),
  });

  function take(part) {
    Object.assign(found, part);
    schedule(draw);
  }

  /** Show an example on the map, or none. @param {number|null} example */
  function look(example) {
    if (example === null) store.set({ hovered: null }, origin);
    else store.set({ hovered: found.points.ids[example] }, origin);
  }

  function choose(example) {
    pin(emit, muOf(found.points, example), { pinnedId: found.points.ids[example], origin, store });
  }

  function nameOf(example) {
    const name = classOf(found.points, example, data.classes);
    const id = found.points.ids[example];
    return name === null ? `Example ${id}` : `${name} · ${id}`;
  }

  function draw() {
    const { points, sprite } = found;
    const { live, pinnedId } = store.get();
    const z = store.shown();
    if (points === null || z.length !== points.latentDim) return;
    const own = live === null ? points.byId.get(pinnedId) : undefined;
    const where = live !== null ? "Preview" : own === undefined ? "Selected place" : "Selected";
    which.textContent = own === undefined ? where : `${where}: ${nameOf(own)}`;
    const nearest = nearestCodes(points, z, SHOWN);
    entries.forEach((entry, place) => {
      const example = nearest[place];
      if (example === undefined) return entry.hide();
      const distance = Math.hypot(...muOf(points, example).map((value, dim) => value - z[dim]));
      entry.show(example, { name: nameOf(example), distance, id: points.ids[example], sprite });
    });
    element.classList.add("lx-ready");
    if (sprite === null) decodeAll(nearest);
  }

  /** Decode the codes of examples, where the page has a model. */
  function decodeAll(nearest) {
    const { network, y } = store.get();
    const wanted = `${network?.hash} ${nearest.join()}`;
    if (!network?.decoder || wanted === decoded) return;
    decoded = wanted;
    stop();
    const shown = Array.from(nearest);
    const labels = shown.map((example) => (y === null ? null : (found.points.labels?.[example] ?? y)));
    stop = decodeLabelled(network, shown.map((example) => muOf(found.points, example)), labels, (i, mean) => entries[i].paint(mean, network.imageShape));
  }

  const unsubscribe = store.subscribe((_, changed) => {
    if (["z", "live", "pinnedId", "network"].some((key) => changed.has(key))) schedule(draw);
  });
  loader.request(data);

  return {
    update(next) {
      data = next;
      loader.request(data);
      schedule(draw);
    },
    destroy() {
      loader.stop();
      stop();
      unsubscribe();
      unschedule(draw);
      element.replaceChildren();
    },
  };
}

/** Create an entry of the list. @param {{look: (example: number|null) => void, choose: (example: number) => void}} on */
function createEntry(on) {
  const canvas = make("canvas", { class: "lx-pixels", width: 1, height: 1, hidden: true, "aria-hidden": "true" });
  const name = make("span", {});
  const far = make("span", { class: "lx-number lx-quiet" });
  let example = -1;
  const element = make("button", {
    type: "button", hidden: true,
    click: () => on.choose(example),
    pointerenter: () => on.look(example), pointerleave: () => on.look(null),
    focus: () => on.look(example), blur: () => on.look(null),
  }, canvas, name, far);

  function show(next, { name: text, distance, id, sprite }) {
    example = next;
    element.hidden = false;
    if (sprite !== null) canvas.hidden = !sprite.has(id);
    name.textContent = text;
    far.textContent = number(distance);
    if (canvas.hidden || sprite === null) return;
    if (canvas.width !== sprite.size.width) canvas.width = sprite.size.width;
    if (canvas.height !== sprite.size.height) canvas.height = sprite.size.height;
    sprite.draw(canvas.getContext("2d"), id);
  }

  /** Show a decoded picture. @param {Float32Array} mean @param {number[]} shape */
  function draw(mean, shape) {
    const [, height, width] = shape;
    Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    const image = context.createImageData(width, height);
    paint(mean, shape, image);
    context.putImageData(image, 0, 0);
    canvas.hidden = false;
  }

  return { element, show, paint: draw, hide: () => (element.hidden = true) };
}
