/** A path as an animated GIF that goes there and back. No DOM. */
import { colourIndex, colourPalette, encodeGif, greyPalette } from "../files/gif.js";
import { enlarge } from "../ui/tiles.js";

/** The least side of a frame, pixels. */
const SIDE = 196;
/** Milliseconds for each frame. */
const DELAY = 70;

/**
 * Encode pictures as a GIF, each pixel enlarged by a whole number.
 *
 * @param {Float32Array[]} means  (c · h · w) each, in [0, 1]
 * @param {import("../ui/pixels.js").Shape} shape
 * @returns {Uint8Array} the file
 */
export function encodeAnimation(means, [channels, height, width]) {
  const scale = Math.max(1, Math.round(SIDE / Math.max(width, height)));
  const there = means.map((mean) => {
    const frame = new Uint8Array(width * height * scale * scale);
    enlarge(indices(mean, channels), width, frame, scale);
    return frame;
  });
  return encodeGif({
    width: width * scale,
    height: height * scale,
    frames: [...there, ...there.slice(1, -1).reverse()],
    palette: channels === 3 ? colourPalette() : greyPalette(),
    delay: DELAY,
  });
}

/** The palette index of each pixel. */
function indices(mean, channels) {
  if (channels === 1) return Uint8Array.from(mean, (value) => Math.round(255 * value));
  const plane = mean.length / 3;
  return Uint8Array.from({ length: plane }, (_, i) =>
    colourIndex(255 * mean[i], 255 * mean[plane + i], 255 * mean[2 * plane + i]));
}
