/** Decoding of several codes, in slices where it takes longer than a frame. */
import { inSlices } from "../ui/slices.js";
import { decodeMany, pixelCount, work } from "./network.js";

/** Multiplications that take about 12 ms, which leaves a frame time for other panels. */
const FRAME = 2e7;
/** Multiplications of one slice, and the most codes in it. */
const SLICE = 5e6;
const MOST = 8;

/** How many codes decode in a few milliseconds, 1 to 8. @param {import("./network.js").Network} net */
export function codesAtOnce(net) {
  return Math.max(1, Math.min(MOST, Math.round(SLICE / work(net))));
}

/**
 * Decode codes slice by slice.
 *
 * @param {import("./network.js").Network} net
 * @param {Float32Array} codes  (n · latent_dim)
 * @param {number | null} y
 * @param {(index: number, mean: Float32Array) => void} take  receives each picture (c · h · w) in
 *   order; the array is reused
 * @returns {() => void} stops the work
 */
export function decodeInSlices(net, codes, y, take) {
  return inSlices(slicesOf(net, codes, y, take, codesAtOnce(net)));
}

/** Decode codes at once where that fits into a frame, else in slices. @returns {(() => void) | null} null when all is done */
export function decodeEach(net, codes, y, take) {
  const count = codes.length / net.latentDim;
  if (count * work(net) > FRAME) return decodeInSlices(net, codes, y, take);
  slicesOf(net, codes, y, take, count)();
  return null;
}

/** A function that decodes the next `atOnce` codes, and returns whether all are decoded. */
function slicesOf(net, codes, y, take, atOnce) {
  const count = codes.length / net.latentDim;
  const pixels = pixelCount(net);
  const means = new Float32Array(Math.min(count, atOnce) * pixels);
  let next = 0;
  return () => {
    const first = next;
    next = Math.min(count, first + atOnce);
    const part = codes.subarray(first * net.latentDim, next * net.latentDim);
    decodeMany(net, part, y, means.subarray(0, (next - first) * pixels));
    for (let i = first; i < next; i++) take(i, means.subarray((i - first) * pixels, (i - first + 1) * pixels));
    return next >= count;
  };
}
