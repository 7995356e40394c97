/** Draw pictures of equal size side by side on one canvas: pixels sharp, of tiny pictures smooth. */

import { paint } from "./pixels.js";

/** The largest side of a canvas, canvas pixels. */
const LARGEST_SIDE = 4096;
/** The largest side of pictures that are drawn smooth: of so few pixels, squares hide what they show. */
const SMOOTH_SIDE = 16;
/** The width of a hairline, as a share of a tile's side. */
const HAIRLINE = 1 / 24;
/** The widest that a hairline gets for a small screen, canvas pixels. */
const WIDEST_HAIRLINE = 4;

/**
 * Enlarge a picture by repeating its pixels.
 *
 * @param {Uint32Array} from (height * width,) RGBA, one number for each pixel
 * @param {number} width
 * @param {Uint32Array} to (height * times * width * times,) written
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
 * Create the tiles of a canvas.
 *
 * Each picture pixel gets a whole number of canvas pixels in both directions, at least as many as the
 * screen has. The browser then only scales down, which keeps edges sharp and even.
 *
 * @param {HTMLCanvasElement} canvas its CSS sets the size on the screen
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
  /** Both images, one number for each pixel. */
  let pixels = [];
  /** Canvas that holds a tiny picture, for the browser to enlarge. */
  const tiny = document.createElement("canvas");
  /** CSS pixels. Observed, since reading `clientWidth` while drawing would force a layout. */
  let width = 0;
  new ResizeObserver((sizes) => {
    width = sizes[sizes.length - 1].contentRect.width;
  }).observe(canvas);

  /**
   * Set the canvas's size to the number and the size of the tiles.
   *
   * @param {object} wanted
   * @param {number} wanted.columns
   * @param {number} [wanted.rows]
   * @param {import("./pixels.js").Shape} wanted.shape
   * @param {number} [wanted.shown] width on the screen in CSS pixels, for a canvas that is not there yet
   * @param {number} [wanted.gap] transparent picture pixels between neighbours
   * @param {string|null} [wanted.hairlines] colour of thin lines between neighbours, for pictures
   *   without a margin
   * @returns {boolean} whether the canvas is empty now, so that all tiles have to be drawn
   */
  function layOut({ columns: across, rows = 1, shape: wanted, shown, gap = 0, hairlines = null }) {
    const [, tall, wide] = wanted;
    const whole = { x: across * (wide + gap) - gap, y: rows * (tall + gap) - gap };
    if (!shown && !width) width = canvas.clientWidth;
    const onScreen = ((shown ?? width) * window.devicePixelRatio) / whole.x;
    const most = Math.floor(LARGEST_SIDE / Math.max(whole.x, whole.y));
    const needed = Math.max(1, Math.min(most, Math.ceil(onScreen - 0.01)));
    // Where the browser scales down, a line of one canvas pixel would be lost in places.
    const least = onScreen > 0 ? Math.min(WIDEST_HAIRLINE, Math.max(1, Math.round(needed / onScreen))) : 1;
    const hair = hairlines ? Math.max(least, Math.round(Math.max(wide, tall) * needed * HAIRLINE)) : 0;
    const next = [across, rows, wanted, gap, needed, hairlines, hair].join();
    if (next === layout) return false;
    layout = next;
    columns = across;
    times = needed;
    shape = wanted;
    pitch = { x: (wide + gap) * times + hair, y: (tall + gap) * times + hair };
    canvas.width = whole.x * times + (across - 1) * hair;
    canvas.height = whole.y * times + (rows - 1) * hair;
    if (hairlines) context.fillStyle = hairlines;
    for (let i = 1; i < across; i += 1) context.fillRect(i * pitch.x - hair, 0, hair, canvas.height);
    for (let i = 1; i < rows; i += 1) context.fillRect(0, i * pitch.y - hair, canvas.width, hair);
    small = new ImageData(wide, tall);
    large = times === 1 ? small : new ImageData(wide * times, tall * times);
    pixels = [small, large].map((image) => new Uint32Array(image.data.buffer));
    return true;
  }

  /**
   * Draw one tile.
   *
   * @param {number} index row by row
   * @param {(image: ImageData) => void} fill writes the picture's pixels
   */
  function put(index, fill) {
    const [x, y] = [(index % columns) * pitch.x, Math.floor(index / columns) * pitch.y];
    fill(small);
    if (times > 1 && Math.max(small.width, small.height) <= SMOOTH_SIDE) {
      [tiny.width, tiny.height] = [small.width, small.height];
      tiny.getContext("2d").putImageData(small, 0, 0);
      context.clearRect(x, y, large.width, large.height);
      context.drawImage(tiny, x, y, large.width, large.height);
      return;
    }
    if (times > 1) enlarge(pixels[0], small.width, pixels[1], times);
    context.putImageData(large, x, y);
  }

  /** Draw a decoded picture. @param {number} index @param {Float32Array} mean @param {boolean} [inverted] */
  function picture(index, mean, inverted = false) {
    put(index, (image) => paint(mean, shape, image, 0, 0, inverted));
  }

  function clear() {
    context.clearRect(0, 0, canvas.width, canvas.height);
  }

  return { layOut, put, picture, clear };
}
