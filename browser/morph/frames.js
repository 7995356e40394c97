/** A row of decoded pictures along a path, scrubbed by the pointer. */
import { decodeEach } from "../model/decoding.js";
import { make } from "../ui/dom.js";
import { createTiles } from "../ui/tiles.js";
import { frames } from "./paths.js";

/** Width of a picture, CSS pixels, and how many there are at least and at most. */
const WIDTH = 48;
const [FEWEST, MOST] = [7, 25];

/**
 * The position on the path under a pointer at x; 0 and 1 are the middles of the first and last picture.
 *
 * @param {number} x @param {{left: number, width: number}} box  of the row @param {number} count  of pictures
 */
export function positionUnder(x, { left, width }, count) {
  const half = 0.5 / count;
  return ((x - left) / width - half) / (1 - 2 * half);
}

/** @param {{grab: () => void, move: (position: number) => void, release: () => void}} on  pointer events */
export function createFrames({ grab, move, release }) {
  const canvas = make("canvas", {
    class: "lx-tiles", "aria-hidden": "true",
    pointerdown: (event) => {
      grab();
      canvas.setPointerCapture(event.pointerId);
      follow(event);
    },
    pointermove: (event) => canvas.hasPointerCapture(event.pointerId) && follow(event),
    pointerup: release, pointercancel: release,
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
    head.style.left = `${(100 * Math.round(position * (n - 1))) / n}%`;
    // The ends of slider and measures lie below the middles of the first and the last picture.
    canvas.parentElement.parentElement?.style.setProperty("--half", `${50 / n}%`);
    const fresh = tiles.layOut({ columns: n, shape: network.imageShape, gap: 1 });
    const wanted = `${network.hash} ${n} ${kind} ${ends.join(";")} ${y}`;
    if (!fresh && wanted === drawn) return;
    drawn = wanted;
    stop();
    const codes = Float32Array.from(frames(ends, n, kind).flatMap((z) => [...z]));
    stop = decodeEach(network, codes, y, (i, mean) => tiles.picture(i, mean)) ?? (() => {});
  }

  return {
    element: make("div", { class: "lx-stack" }, canvas, head),
    canvas, show,
    resize: () => (width = canvas.clientWidth),
    stop: () => stop(),
  };
}
