/** A row of decoded pictures along a path, scrubbed by the pointer. */
import { decodeEach } from "../model/decoding.js";
import { make } from "../ui/dom.js";
import { createTiles } from "../ui/tiles.js";
import { frames } from "./paths.js";

/** Width of a picture, CSS pixels, and how many there are at least and at most. */
const WIDTH = 44;
const [FEWEST, MOST] = [7, 25];

/**
 * The position on the path under a pointer; each end of the path is the middle of a picture.
 *
 * @param {number} x  of the pointer
 * @param {{left: number, width: number}} box  of the row
 * @param {number} count  pictures in it
 * @returns {number} 0 to 1 on the path, else beyond its ends
 */
export function positionUnder(x, { left, width }, count) {
  const half = 0.5 / count;
  return ((x - left) / width - half) / (1 - 2 * half);
}

/**
 * @param {object} on
 * @param {() => void} on.grab  the pointer is pressed
 * @param {(position: number) => void} on.move
 * @param {() => void} on.release
 */
export function createFrames({ grab, move, release }) {
  const canvas = make("canvas", {
    class: "lx-tiles", "aria-hidden": "true",
    pointerdown: (event) => {
      grab();
      canvas.setPointerCapture(event.pointerId);
      follow(event);
    },
    pointermove: (event) => canvas.hasPointerCapture(event.pointerId) && follow(event),
    pointerup: release,
  });
  const head = make("div", { class: "lx-playhead", "aria-hidden": "true" });
  const tiles = createTiles(canvas);
  let width = 0;
  let drawn = "";
  let stop = () => {};

  const count = () => Math.min(MOST, Math.max(FEWEST, Math.floor((width || 480) / WIDTH)));
  const follow = (event) => move(positionUnder(event.clientX, canvas.getBoundingClientRect(), count()));

  function show({ network, ends, kind, y }, position) {
    const n = count();
    head.style.width = `${100 / n}%`;
    head.style.left = `${(100 * position * (n - 1)) / n}%`;
    const fresh = tiles.layOut({ columns: n, shape: network.imageShape, gap: 1 });
    const wanted = `${network.hash} ${n} ${kind} ${ends.join(";")} ${y}`;
    if (!fresh && wanted === drawn) return;
    drawn = wanted;
    stop();
    stop = decodeEach(network, joined(frames(ends, n, kind)), y, (i, mean) => tiles.picture(i, mean)) ?? (() => {});
  }

  return {
    element: make("div", { class: "lx-stack" }, canvas, head),
    canvas, show,
    resize: () => (width = canvas.clientWidth),
    stop: () => stop(),
  };
}

/** @param {Float32Array[]} codes @returns {Float32Array} (n · latent_dim) */
function joined(codes) {
  const all = new Float32Array(codes.length * codes[0].length);
  codes.forEach((z, i) => all.set(z, i * z.length));
  return all;
}
