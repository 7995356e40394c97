/**
 * Pictures of several codes: all in the frame that asks where that is quick, else one after another
 * in slices, so that the picture under the pointer stays prompt beside a slow network.
 */
import { decodeMany, pixelCount, work } from "./network.js";
import { inSlices } from "../ui/slices.js";

/** Multiplications that fit into a frame beside other panels, some 12 ms; and into one piece. */
const FRAME = 2e7;
const PIECE = 5e6;
const MOST = 8;

/**
 * @param {import("./network.js").Network} net
 * @returns {number} how many codes decode in a few milliseconds, 1 to 8
 */
export function codesAtOnce(net) {
  return Math.max(1, Math.min(MOST, Math.round(PIECE / work(net))));
}

/**
 * @param {import("./network.js").Network} net
 * @param {Float32Array} codes  (n, latent_dim)
 * @param {number|null} y
 * @param {(index: number, mean: Float32Array) => void} take  each picture in turn; its pixels are
 *   written over later
 * @returns {(() => void)|null} stops what is still to come; null when all is done
 */
export function decodeEach(net, codes, y, take) {
  const count = codes.length / net.latentDim;
  const pixels = pixelCount(net);
  const atOnce = count * work(net) <= FRAME ? count : Math.min(count, codesAtOnce(net));
  const means = new Float32Array(atOnce * pixels);
  let next = 0;

  function piece() {
    const first = next;
    next = Math.min(count, first + atOnce);
    const part = codes.subarray(first * net.latentDim, next * net.latentDim);
    decodeMany(net, part, y, means.subarray(0, (next - first) * pixels));
    for (let i = first; i < next; i++) take(i, means.subarray((i - first) * pixels, (i - first + 1) * pixels));
    return next >= count;
  }

  return atOnce === count && piece() ? null : inSlices(piece);
}
