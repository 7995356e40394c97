/**
 * Networks that only the server can run: codes and pictures go to it, one request at a time.
 *
 * A request of many codes goes in slices, in turn with others, so that a single code never waits for
 * a whole grid. No DOM.
 *
 * @typedef {import("./connection.js").Request} Request
 * @typedef {{net: import("./network.js").Network, part: "decode" | "encode", values: () => Float32Array,
 *   y: number | null, take: (result: Float32Array) => boolean, fail?: () => void}} Question  `take` says
 *   whether all is done
 */
import { pixelCount } from "./network.js";

/** The most codes of a question. */
const AT_ONCE = 16;
/** Milliseconds until a server that was busy is asked again, and how often. */
const AGAIN = 250;
const TRIES = 40;

/** @type {Question[]} */
const waiting = [];
let asking = false;
let report = (sentence) => console.warn(sentence);

/** Call a function with each sentence on what the server cannot do, and with null when it can again. */
export function onServerTrouble(callback) {
  report = callback;
}

/** What decodes on the server. */
export const onServer = {
  /** @param {Request} request */
  decode(request) {
    const { net, codes, y } = request;
    const count = codes.length / net.latentDim;
    const pixels = pixelCount(net);
    const slice = () => codes.subarray(request.next * net.latentDim, (request.next + AT_ONCE) * net.latentDim);
    request.stop = ask({
      net, part: "decode", values: slice, y, fail: request.fail,
      take(means) {
        for (let i = 0; i * pixels < means.length; i++) {
          request.next += 1;
          request.take(request.next - 1, means.subarray(i * pixels, (i + 1) * pixels));
        }
        return request.next >= count;
      },
    });
  },
};

/** Encode a picture on the server. @returns {() => void} stops the work */
export function encodeThere(net, x, y, take) {
  return ask({
    net, part: "encode", values: () => x, y,
    take(both) {
      take({ mu: both.slice(0, net.latentDim), logvar: both.slice(net.latentDim) });
      return true;
    },
  });
}

/** Ask a question when its turn comes. @param {Question} question @returns {() => void} stops it */
function ask(question) {
  waiting.push(question);
  next();
  return () => {
    question.stopped = true;
    if (waiting.includes(question)) waiting.splice(waiting.indexOf(question), 1);
  };
}

async function next() {
  if (asking || waiting.length === 0) return;
  const question = waiting.shift();
  asking = true;
  try {
    const result = await answer(question);
    report(null);
    if (!question.stopped && !question.take(result) && !question.stopped) waiting.push(question);
  } catch (error) {
    report(error.message);
    question.fail?.();
  } finally {
    asking = false;
  }
  next();
}

/** @param {Question} question @returns {Promise<Float32Array>} */
async function answer({ net, part, values, y }) {
  if (!net.server) throw new Error("Only a server can decode this model, and this page has none.");
  const address = `${net.server}/${part}${y === null || y === undefined ? "" : `?y=${y}`}`;
  const body = values().slice().buffer;
  for (let tries = 0; ; tries++) {
    const reply = await fetch(address, { method: "POST", body, headers: { "Content-Type": "application/octet-stream" } })
      .catch(() => { throw new Error("The server does not answer, and this model is decoded there."); });
    if (reply.ok) return new Float32Array(await reply.arrayBuffer());
    if (reply.status !== 503 || tries >= TRIES) throw new Error(await reply.text());
    await new Promise((done) => setTimeout(done, AGAIN));
  }
}
