/** Write PNG files for print. */
import { crc32 } from "./checksums.js";

/** Bytes of the signature and of the chunk IHDR. */
const START = 8 + 25;
const INCHES_PER_METRE = 39.37007874;

/**
 * Add the resolution (chunk pHYs), which a canvas does not write, to a PNG file.
 *
 * @param {Uint8Array} png as a canvas writes it: IHDR first, no pHYs
 * @param {number} dpi pixels per inch
 * @returns {Uint8Array} the file
 */
export function withResolution(png, dpi) {
  const chunk = new Uint8Array(21);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, 9);
  chunk.set([0x70, 0x48, 0x59, 0x73], 4);
  view.setUint32(8, Math.round(dpi * INCHES_PER_METRE));
  view.setUint32(12, Math.round(dpi * INCHES_PER_METRE));
  chunk[16] = 1;
  view.setUint32(17, crc32(chunk.subarray(4, 17)));
  const whole = new Uint8Array(png.length + chunk.length);
  whole.set(png.subarray(0, START));
  whole.set(chunk, START);
  whole.set(png.subarray(START), START + chunk.length);
  return whole;
}

/**
 * Write a small picture as a PNG file, enlarged by a whole number without smoothing.
 *
 * @param {HTMLCanvasElement} picture
 * @param {{least?: number, dpi?: number}} [options] the least number of pixels of the longer side; the
 *   resolution in pixels per inch
 * @returns {Promise<Uint8Array>} the file
 * @throws {Error} if the browser cannot make the image
 */
export async function printPng(picture, { least = 2400, dpi = 300 } = {}) {
  const scale = Math.max(1, Math.ceil(least / Math.max(picture.width, picture.height)));
  const canvas = document.createElement("canvas");
  canvas.width = picture.width * scale;
  canvas.height = picture.height * scale;
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error(`the browser made no PNG of ${canvas.width} x ${canvas.height} pixels`);
  return withResolution(new Uint8Array(await blob.arrayBuffer()), dpi);
}
