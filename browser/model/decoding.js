/**
 * Decoding of several codes: at once where that fits into a frame, else in a worker, or in slices on
 * a page that cannot have one. What a browser cannot run, the server decodes.
 */
import { inSlices } from "../ui/slices.js";
import { connect } from "./connection.js";
import { KERNEL } from "./kernel.js";
import { decodeMany, encode, isServed, pixelCount, work } from "./network.js";
import { encodeThere, onServer } from "./server.js";

/** Multiplications that take some 8 ms, which leaves a frame time for other panels; in JavaScript, and by the kernel. */
const FRAME = KERNEL === null ? 1.5e7 : 6e7;
/** Multiplications of one slice on the page, and the most codes in it. */
const SLICE = FRAME / 4;
const MOST = 8;

/**
 * @callback Take
 * @param {number} index
 * @param {Float32Array} mean  a picture (c · h · w); the array is reused
 * @returns {void}
 */

/** How many codes decode in a few milliseconds, 1 to 8. @param {import("./network.js").Network} net */
export function codesAtOnce(net) {
  return Math.max(1, Math.min(MOST, Math.round(SLICE / work(net))));
}

/**
 * Decode codes beside the page's own work.
 *
 * @param {import("./network.js").Network} net
 * @param {Float32Array} codes  (n · latent_dim)
 * @param {number | null} y
 * @param {Take} take  receives the pictures in order
 * @param {() => void} [fail]  called if the server cannot decode them
 * @returns {() => void} stops the work
 */
export function decodeLater(net, codes, y, take, fail = () => {}) {
  const request = { net, codes, y, take, fail, next: 0, stop: () => {} };
  (isServed(net.decoder) ? onServer : decoder).decode(request);
  return () => request.stop();
}

/** Decode codes at once where that fits into a frame, else later. @returns {(() => void) | null} null when all is done */
export function decodeEach(net, codes, y, take) {
  const count = codes.length / net.latentDim;
  if (!fits(net, count)) return decodeLater(net, codes, y, take);
  slicesOf({ net, codes, y, take, next: 0 }, count)();
  return null;
}

/**
 * Decode codes with a label each, as `decodeEach` does.
 *
 * @param {import("./network.js").Network} net
 * @param {ArrayLike<number>[]} codes
 * @param {(number | null)[]} labels
 * @param {Take} take  receives the pictures label by label
 * @returns {() => void} stops the work
 */
export function decodeLabelled(net, codes, labels, take) {
  const decode = fits(net, codes.length) ? decodeEach : decodeLater;
  const stops = [...new Set(labels)].map((label) => {
    const indices = labels.flatMap((one, i) => (one === label ? [i] : []));
    const some = Float32Array.from(indices.flatMap((i) => Array.from(codes[i])));
    return decode(net, some, label, (i, mean) => take(indices[i], mean));
  });
  return () => stops.forEach((stop) => stop?.());
}

/**
 * Return a function that decodes the code it is called with: at once where that fits into a frame,
 * else later, where the newest code waits for the one that is being decoded.
 *
 * @param {(mean: Float32Array, net: import("./network.js").Network) => void} take  the array is not reused
 */
export function createFollower(take) {
  let stop = null;
  let waiting = null;

  function follow(net, z, y) {
    if (fits(net, 1)) {
      stop?.();
      stop = waiting = null;
      decodeEach(net, Float32Array.from(z), y, (_, mean) => take(mean, net));
    } else if (stop !== null) waiting = [net, z, y];
    else {
      stop = decodeLater(net, Float32Array.from(z), y, (_, mean) => {
        stop = null;
        take(mean, net);
        goOn();
      }, () => {
        stop = null;
        goOn();
      });
    }
  }

  function goOn() {
    if (waiting === null) return;
    const next = waiting;
    waiting = null;
    follow(...next);
  }

  return follow;
}

/**
 * Encode a picture: at once, or on the server.
 *
 * @param {import("./network.js").Network} net
 * @param {Float32Array} x  (c · h · w) in [0, 1]
 * @param {number | null} y
 * @param {(posterior: {mu: Float32Array, logvar: Float32Array}) => void} take
 * @returns {() => void} stops the work
 */
export function encodeEach(net, x, y, take) {
  if (isServed(net.encoder)) return encodeThere(net, x, y, take);
  take(encode(net, x, y));
  return () => {};
}

/** Whether so many codes decode within a frame. */
function fits(net, count) {
  return count * work(net) <= FRAME;
}

/** A function that decodes the next `atOnce` codes of a request, and returns whether all are decoded. */
function slicesOf(request, atOnce) {
  const { net, codes, y, take } = request;
  const count = codes.length / net.latentDim;
  const pixels = pixelCount(net);
  const means = new Float32Array(Math.min(count, atOnce) * pixels);
  return () => {
    const first = request.next;
    request.next = Math.min(count, first + atOnce);
    const part = codes.subarray(first * net.latentDim, request.next * net.latentDim);
    decodeMany(net, part, y, means.subarray(0, (request.next - first) * pixels));
    for (let i = first; i < request.next; i++) take(i, means.subarray((i - first) * pixels, (i - first + 1) * pixels));
    return request.next >= count;
  };
}

/** What decodes on the page itself. */
const onPage = {
  decode(request) {
    request.stop = inSlices(slicesOf(request, codesAtOnce(request.net)));
  },
};

/** What decodes later: the page, or the worker that it has. */
let decoder = onPage;

/** Decode in a worker from now on, where one can be made. @param {() => Worker} make  of worker.js */
export function useWorker(make) {
  let started = null;
  const fail = (reason, unfinished) => {
    console.info(`Pictures are decoded without a worker: ${reason}`);
    decoder = onPage;
    for (const request of unfinished) onPage.decode(request);
    return onPage;
  };
  // Most pages never need one.
  const start = () => (started ??= connect(make, fail));
  decoder = { start, decode: (request) => start().decode(request) };
}

/** Start the worker, if there is one, on a page that soon decodes much. */
export function startWorker() {
  decoder.start?.();
}
