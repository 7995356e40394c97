/**
 * Decodes for a page, in a worker. No DOM.
 *
 * The page sends networks, requests and what is no longer wanted; pictures go back in slices, of one
 * request after another, so that a request is never more than a slice away from its end.
 *
 * @typedef {object} Request
 * @property {number} request  its number
 * @property {number} network  number of a network that was sent before
 * @property {Float32Array} codes  (n · latent_dim)
 * @property {number | null} y
 *
 * @typedef {{network: number, description: import("./network.js").Network} | {forget: number}
 *   | Request | {stop: number}} Question
 * @typedef {{request: number, first: number, means: Float32Array} | {request: number, error: string}} Answer
 */
import { inSlices } from "../ui/slices.js";
import { decodeMany } from "./network.js";

/** Milliseconds that a slice should take, and the most pictures in it. */
const SLICE = 5;
const MOST = 64;

/** Answer the questions of a page. @param {DedicatedWorkerGlobalScope} scope */
export function serve(scope) {
  /** Networks by their numbers, each with the pictures that decode in a slice. */
  const networks = new Map();
  /** Unfinished requests by their numbers, each with its network and how many of its codes are done. */
  const requests = new Map();
  let decoding = false;

  scope.onmessage = ({ data }) => {
    if ("description" in data) networks.set(data.network, { net: data.description, atOnce: 1 });
    else if ("forget" in data) networks.delete(data.forget);
    else if ("stop" in data) requests.delete(data.stop);
    else requests.set(data.request, { ...data, known: networks.get(data.network), next: 0 });
    if (decoding || requests.size === 0) return;
    decoding = true;
    inSlices(decodeNext); // messages arrive between them
  };

  /** Decode a slice of the request that has waited longest. @returns {boolean} whether there are no more */
  function decodeNext() {
    const [request] = requests.values();
    requests.delete(request?.request);
    try {
      if (request && decodeSlice(request)) requests.set(request.request, request);
    } catch (error) {
      scope.postMessage({ request: request.request, error: error.message });
    }
    decoding = requests.size > 0;
    return !decoding;
  }

  /** @returns {boolean} whether codes are left */
  function decodeSlice(request) {
    const { known } = request;
    const { net } = known;
    const first = request.next;
    const count = Math.min(known.atOnce, request.codes.length / net.latentDim - first);
    const begun = performance.now();
    const codes = request.codes.subarray(first * net.latentDim, (first + count) * net.latentDim);
    const means = decodeMany(net, codes, request.y);
    const took = Math.max(performance.now() - begun, 0.1);
    // At most four times as many as before, since the first ones are not compiled yet.
    known.atOnce = Math.max(1, Math.min(MOST, 4 * count, Math.round((count * SLICE) / took)));
    request.next = first + count;
    scope.postMessage({ request: request.request, first, means }, [means.buffer]);
    return request.next * net.latentDim < request.codes.length;
  }
}

if (typeof DedicatedWorkerGlobalScope === "function") serve(self);
