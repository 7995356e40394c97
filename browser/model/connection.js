/** The page's side of the worker that decodes. No DOM. */
import { inSlices } from "../ui/slices.js";
import { pixelCount } from "./network.js";

/** Networks that the worker keeps. */
const KEPT = 4;

/**
 * @typedef {object} Request
 * @property {import("./network.js").Network} net
 * @property {Float32Array} codes  (n · latent_dim)
 * @property {number | null} y
 * @property {import("./decoding.js").Take} take
 * @property {number} next  the picture that `take` receives next
 * @property {() => void} stop
 *
 * @typedef {{decode: (request: Request) => void}} Decoder
 */

/**
 * Start a worker that runs worker.js.
 *
 * @param {() => Worker} make
 * @param {(reason: string, unfinished: Request[]) => Decoder} fail  called if there is none, at once or
 *   later, with the requests that go on elsewhere; returns what decodes then
 * @returns {Decoder}
 */
export function connect(make, fail) {
  try {
    return converse(make(), fail);
  } catch (error) {
    return fail(error.message ?? String(error), []);
  }
}

/** Send requests to a worker, and hand over the pictures that come back. @returns {Decoder} */
function converse(worker, fail) {
  /** Unfinished requests by their numbers. */
  const requests = new Map();
  /** Slices that came back and are not handed over yet. */
  const arrived = [];
  const sent = [];
  let numbers = 0;
  let taking = false;

  worker.onmessage = ({ data }) => {
    const request = requests.get(data.request);
    if (request === undefined) return;
    if (data.error) {
      requests.delete(data.request);
      throw new Error(data.error);
    }
    arrived.push({ ...data, request, number: data.request });
    if (taking) return;
    taking = true;
    inSlices(takeOne);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    worker.terminate();
    const unfinished = [...requests.values()];
    requests.clear();
    fail(event.message ?? "it did not start", unfinished);
  };

  /** Hand over the next picture. @returns {boolean} whether there are no more */
  function takeOne() {
    const [{ request, number, first, means }] = arrived;
    const pixels = pixelCount(request.net);
    const index = request.next;
    const end = (index + 1 - first) * pixels;
    const wanted = requests.has(number);
    if (!wanted || end === means.length) arrived.shift();
    taking = arrived.length > 0;
    if (wanted) {
      request.next += 1;
      if (request.next * request.net.latentDim >= request.codes.length) requests.delete(number);
      try {
        request.take(index, means.subarray(end - pixels, end));
      } catch (error) {
        requests.delete(number);
        reportError(error); // and go on with the pictures of other panels
      }
    }
    return !taking;
  }

  /** The number by which the worker knows a network. */
  function numberOf(net) {
    const known = sent.find(({ decoder }) => decoder === net.decoder);
    if (known) return known.number;
    const { latentDim, imageShape, classes, decoder } = net;
    numbers += 1;
    sent.push({ decoder, number: numbers });
    worker.postMessage({ network: numbers, description: { latentDim, imageShape, classes, decoder } });
    if (sent.length > KEPT) worker.postMessage({ forget: sent.shift().number });
    return sent.at(-1).number;
  }

  return {
    decode(request) {
      const { codes, y } = request;
      const network = numberOf(request.net);
      numbers += 1;
      const own = numbers;
      requests.set(own, request);
      request.stop = () => {
        if (requests.delete(own)) worker.postMessage({ stop: own });
      };
      worker.postMessage({ request: own, network, codes, y });
    },
  };
}
