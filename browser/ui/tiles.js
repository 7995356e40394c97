/** Equal pictures side by side on one canvas, their pixels sharp at every size. */

import { paint } from "./pixels.js";

const LARGEST_SIDE = 4096;
/** A hairline's share of a tile. */
const HAIRLINE = 1 / 24;

/**
 * Enlarges a picture by repeating its pixels.
 *
 * @param {Uint32Array} from (height * width,) RGBA in one number each
 * @param {number} width
 * @param {Uint32Array} to (height * times * width * times,) filled
 * @param {number} times
 */
export function enlarge(from, width, to, times) {
  const wide = width * times;
  for (let start = 0, at = 0; start < from.length; start += width) {
    const row = at;
    for (let column = 0; column < width; column += 1) {
      const pixel = from[start + column];
      for (let k = 0; k < times; k += 1) to[at++] = pixel;
    }
    for (let k = 1; k < times; k += 1, at += wide) to.copyWithin(at, row, row + wide);
  }
}

/**
 * The canvas holds each picture pixel as a whole number of its own pixels, at least as many as the
 * screen shows; the browser then only ever scales down, which keeps the edges sharp and even.
 *
 * @param {HTMLCanvasElement} canvas its CSS decides how large it is shown
 */
export function createTiles(canvas) {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  let layout = "";
  let columns = 1;
  let pitch = { x: 0, y: 0 };
  let times = 1;
  let shape = null;
  let small = null;
  let large = null;
  /** Observed, since asking for it in a frame that has changed the page makes the browser lay it out. */
  let width = 0;
  new ResizeObserver((sizes) => {
    width = sizes[sizes.length - 1].contentRect.width;
  }).observe(canvas);

  /**
   * Makes room.
   *
   * @param {object} wanted
   * @param {number} wanted.columns
   * @param {number} [wanted.rows]
   * @param {import("./pixels.js").Shape} wanted.shape
   * @param {number} [wanted.shown] width on screen in CSS pixels, where the canvas is not on it yet
   * @param {number} [wanted.gap] clear picture pixels between neighbours
   * @param {string|null} [wanted.hairlines] colour of thin lines between neighbours, where pictures run
   *   into one another
   * @returns {boolean} whether it is empty now, so that all has to be drawn
   */
  function layOut({ columns: across, rows = 1, shape: wanted, shown, gap = 0, hairlines = null }) {
    const [, tall, wide] = wanted;
    const whole = { x: across * (wide + gap) - gap, y: rows * (tall + gap) - gap };
    if (!shown && !width) width = canvas.clientWidth;
    const onScreen = ((shown ?? width) * window.devicePixelRatio) / whole.x;
    const most = Math.floor(LARGEST_SIDE / Math.max(whole.x, whole.y));
    const needed = Math.max(1, Math.min(most, Math.ceil(onScreen - 0.01)));
    const next = [across, rows, wanted, gap, needed, hairlines].join();
    if (next === layout) return false;
    layout = next;
    columns = across;
    times = needed;
    shape = wanted;
    const hair = hairlines ? Math.max(1, Math.round(Math.max(wide, tall) * times * HAIRLINE)) : 0;
    pitch = { x: (wide + gap) * times + hair, y: (tall + gap) * times + hair };
    canvas.width = whole.x * times + (across - 1) * hair;
    canvas.height = whole.y * times + (rows - 1) * hair;
    if (hairlines) context.fillStyle = hairlines;
    for (let i = 1; i < across; i += 1) context.fillRect(i * pitch.x - hair, 0, hair, canvas.height);
    for (let i = 1; i < rows; i += 1) context.fillRect(0, i * pitch.y - hair, canvas.width, hair);
    small = new ImageData(wide, tall);
    large = new ImageData(wide * times, tall * times);
    return true;
  }

  /**
   * Draws one tile by a function that fills its pixels, as `paint` does.
   *
   * @param {number} index row by row
   * @param {(image: ImageData) => void} fill
   */
  function put(index, fill) {
    fill(small);
    enlarge(new Uint32Array(small.data.buffer), small.width, new Uint32Array(large.data.buffer), times);
    context.putImageData(large, (index % columns) * pitch.x, Math.floor(index / columns) * pitch.y);
  }

  /** @param {number} index @param {Float32Array} mean @param {boolean} [inverted] */
  function picture(index, mean, inverted = false) {
    put(index, (image) => paint(mean, shape, image, 0, 0, inverted));
  }

  function clear() {
    context.clearRect(0, 0, canvas.width, canvas.height);
  }

  return { layOut, put, picture, clear };
}
