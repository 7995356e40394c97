/** Pictures of a code with one dimension at several values, and the pixels that it changes. */
import { decodeEach } from "../model/decoding.js";
import { pixelCount } from "../model/network.js";
import { make } from "../ui/dom.js";
import { largestChange, paintChange } from "../ui/pixels.js";
import { createTiles } from "../ui/tiles.js";
import { dimension, number } from "../ui/words.js";
import { FRAMES, shareOnFrames, traversalValues } from "./ranges.js";

/** Write an end of a range with one decimal at most. */
const end = (value) => number(value, Number.isInteger(Number(value.toFixed(1))) ? 0 : 1);

/** The codes with one dimension at each value. @param {Float32Array} z @returns {Float32Array} (n · latent_dim) */
export function traverse(z, dim, values) {
  const codes = new Float32Array(values.length * z.length);
  values.forEach((value, row) => {
    codes.set(z, row * z.length);
    codes[row * z.length + dim] = value;
  });
  return codes;
}

/** @param {{choose: (value: number) => void, redraw: () => void}} on  `redraw`: the code may have moved meanwhile */
export function createTraversal({ choose, redraw }) {
  const canvas = make("canvas", { class: "lx-tiles", role: "img", click: (event) => choose(valueUnder(event)) });
  const change = make("canvas", { class: "lx-tiles lx-change", role: "img" });
  const marker = make("div", { class: "lx-traversal-marker", "aria-hidden": "true" });
  const title = make("span", { class: "lx-traversal-title" });
  const extent = make("span", { class: "lx-quiet" });
  const element = make("div", { class: "lx-traversal" },
    make("figure", {},
      make("figcaption", {}, title, extent),
      make("div", { class: "lx-traversal-frames" }, canvas, marker)),
    make("figure", {},
      make("figcaption", {}, "Change"),
      change,
      make("span", { class: "lx-quiet lx-change-key" },
        make("span", {}, make("i", { class: "lx-less" }), "darker"),
        make("span", {}, make("i", { class: "lx-more" }), "lighter"))));
  const tiles = createTiles(canvas);
  const changeTiles = createTiles(change);
  let drawn = "";
  let values = [];
  /** Pictures that are still being decoded; the next ones wait for them. */
  let pending = null;

  function valueUnder(event) {
    const { left, width } = canvas.getBoundingClientRect();
    const i = Math.floor(((event.clientX - left) / width) * FRAMES);
    return values[Math.min(FRAMES - 1, Math.max(0, i))];
  }

  function show(dim, z, network, y, range) {
    const share = shareOnFrames(z[dim], range);
    marker.hidden = share === null;
    marker.style.left = `${100 * share}%`;
    const shape = network.imageShape;
    const fresh = [tiles.layOut({ columns: FRAMES, shape, gap: 1 }), changeTiles.layOut({ columns: 1, shape })].some(Boolean);
    const wanted = `${network.hash} ${dim} ${z.map((value, i) => (i === dim ? 0 : value))} ${y}`;
    if (!fresh && (wanted === drawn || pending?.network === network)) return;
    stop();
    drawn = wanted;
    values = traversalValues(range);
    const low = new Float32Array(pixelCount(network));
    const stopDecoding = decodeEach(network, traverse(z, dim, values), y, (i, mean) => {
      tiles.picture(i, mean);
      if (i === 0) low.set(mean);
      if (i < FRAMES - 1) return;
      showChange(dim, range, [low, mean], shape);
      if (pending) redraw();
      pending = null;
    });
    pending = stopDecoding && { network, stop: stopDecoding };
  }

  function showChange(dim, [lowest, highest], [low, high], shape) {
    const full = Math.max(0.05, largestChange(low, high));
    changeTiles.put(0, (image) => paintChange(low, high, shape, image, full));
    const name = dimension(dim);
    title.textContent = name;
    extent.textContent = ` from ${end(lowest)} to ${end(highest)}, others fixed`;
    canvas.setAttribute("aria-label", `Images with ${name} from ${end(lowest)} to ${end(highest)}`);
    change.setAttribute("aria-label", `Pixels that ${name} changes, by up to ${Math.round(100 * full)} percent`);
  }

  function stop() {
    pending?.stop();
    pending = null;
  }

  return { element, show, stop, clear: () => (drawn = "") };
}
