/** Equal pictures side by side on one canvas, their pixels sharp at every size. */

import { paint } from "./pixels.js";

const LARGEST_SIDE = 4096;

/**
 * The canvas holds each picture pixel as a whole number of its own pixels, at least as many as the
 * screen shows; the browser then only ever scales down, which keeps the edges sharp and even.
 *
 * @param {HTMLCanvasElement} canvas its CSS decides how large it is shown
 */
export function createTiles(canvas) {
  const context = canvas.getContext("2d");
  const source = document.createElement("canvas");
  const sourceContext = source.getContext("2d", { willReadFrequently: true });
  let columns = 0;
  let gap = 0;
  let shape = null;
  let tile = null;
  let enlargement = 1;

  /**
   * Makes room; what was drawn stays if only the shown size changed.
   *
   * @param {object} wanted
   * @param {number} wanted.columns
   * @param {number} [wanted.rows]
   * @param {import("./pixels.js").Shape} wanted.shape
   * @param {number} wanted.shown width on screen in CSS pixels
   * @param {number} [wanted.gap] clear picture pixels between neighbours
   * @returns {boolean} whether it is empty now
   */
  function layOut(wanted) {
    const [, height, width] = wanted.shape;
    columns = wanted.columns;
    gap = wanted.gap ?? 0;
    const rows = wanted.rows ?? 1;
    const sourceWidth = columns * (width + gap) - gap;
    const sourceHeight = rows * (height + gap) - gap;
    const fresh = source.width !== sourceWidth || source.height !== sourceHeight || !shape
      || shape.some((size, i) => size !== wanted.shape[i]);
    shape = wanted.shape;
    if (fresh) {
      source.width = sourceWidth;
      source.height = sourceHeight;
      tile = new ImageData(width, height);
    }
    const onScreen = (wanted.shown * window.devicePixelRatio) / sourceWidth;
    const most = Math.floor(LARGEST_SIDE / Math.max(sourceWidth, sourceHeight));
    const needed = Math.max(1, Math.min(most, Math.ceil(onScreen - 0.01)));
    if (fresh || needed !== enlargement) {
      enlargement = needed;
      canvas.width = sourceWidth * enlargement;
      canvas.height = sourceHeight * enlargement;
      context.imageSmoothingEnabled = false;
      if (!fresh) copy(0, 0, sourceWidth, sourceHeight);
    }
    return fresh;
  }

  function copy(x, y, width, height) {
    context.clearRect(x * enlargement, y * enlargement, width * enlargement, height * enlargement);
    context.drawImage(
      source, x, y, width, height,
      x * enlargement, y * enlargement, width * enlargement, height * enlargement,
    );
  }

  /**
   * Draws one tile by a function that fills its pixels, as `paint` does.
   *
   * @param {number} index row by row
   * @param {(image: ImageData) => void} fill
   */
  function put(index, fill) {
    const [, height, width] = shape;
    const x = (index % columns) * (width + gap);
    const y = Math.floor(index / columns) * (height + gap);
    fill(tile);
    sourceContext.putImageData(tile, x, y);
    copy(x, y, width, height);
  }

  /** @param {number} index @param {Float32Array} mean @param {boolean} [inverted] */
  function picture(index, mean, inverted = false) {
    put(index, (image) => paint(mean, shape, image, 0, 0, inverted));
  }

  function clear() {
    sourceContext.clearRect(0, 0, source.width, source.height);
    context.clearRect(0, 0, canvas.width, canvas.height);
  }

  return { layOut, put, picture, clear, source };
}
