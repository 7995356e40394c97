import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { createFollower, decodeEach, encodeEach } from "../../../../browser/model/decoding.js";
import { decode, isServed, work } from "../../../../browser/model/network.js";
import { onServerTrouble } from "../../../../browser/model/server.js";

const served = [{ op: "served", size: 2, digest: "a" }];
const network = {
  hash: "a", latentDim: 2, imageShape: [1, 1, 2], classes: 0, server: "https://host/explorer-run/a",
  decoder: served, encoder: [{ op: "served", size: 4, digest: "b" }],
};
const troubles = [];
onServerTrouble((sentence) => troubles.push(sentence));

/** Requests that wait for their answers. */
let asked = [];

/** Answer as the server does: each code doubled, or each picture as mu and logvar. */
function answerNext(status = 200, text = "") {
  const { body, done } = asked.shift();
  const values = new Float32Array(body).map((one) => 2 * one);
  done({ ok: status === 200, status, text: async () => text, arrayBuffer: async () => values.buffer });
  return new Promise((later) => setTimeout(later, 0));
}

globalThis.fetch = (address, { body, method }) => {
  assert.equal(method, "POST");
  return new Promise((done) => asked.push({ address, body, done }));
};

afterEach(() => {
  assert.deepEqual(asked, []);
  troubles.length = 0;
});

test("a network that only the server can run is asked for there", async () => {
  assert.ok(isServed(network.decoder));
  assert.equal(work(network), Infinity);
  assert.throws(() => decode(network, [0, 0]));
  const taken = [];
  decodeEach(network, Float32Array.of(1, 2, 3, 4), 1, (i, mean) => taken.push([i, [...mean]]));
  assert.equal(asked[0].address, "https://host/explorer-run/a/decode?y=1");
  await answerNext();
  assert.deepEqual(taken, [[0, [2, 4]], [1, [6, 8]]]);
});

test("one request is on its way, and the newest code replaces those that wait", async () => {
  const taken = [];
  const follow = createFollower((mean) => taken.push(mean[0]));
  for (const z of [1, 2, 3, 4]) follow(network, [z, 0], null);
  assert.equal(asked.length, 1);
  await answerNext();
  assert.equal(asked.length, 1);
  await answerNext();
  assert.deepEqual(taken, [2, 8]);
});

test("a code does not wait for a whole grid, and what is stopped is not asked for", async () => {
  const taken = [];
  const stop = decodeEach(network, new Float32Array(2 * 40), null, (i) => taken.push(i));
  decodeEach(network, Float32Array.of(7, 7), null, () => taken.push("code"));
  await answerNext();
  await answerNext();
  assert.deepEqual(taken, [...Array(16).keys(), "code"]);
  stop();
  await answerNext(); // the slice that was on its way
  assert.equal(taken.length, 17);
});

test("a server that cannot decode says why, and later codes are asked for again", async () => {
  const taken = [];
  const follow = createFollower((mean) => taken.push(mean[0]));
  follow(network, [1, 0], null);
  follow(network, [2, 0], null);
  await answerNext(422, "it took longer than the 20 seconds allowed");
  assert.deepEqual(troubles, ["it took longer than the 20 seconds allowed"]);
  await answerNext();
  assert.deepEqual(taken, [4]);
  assert.equal(troubles.at(-1), null);
});

test("a server that is busy is asked again", async () => {
  const taken = [];
  decodeEach(network, Float32Array.of(1, 0), null, (_, mean) => taken.push(mean[0]));
  await answerNext(503);
  assert.deepEqual(asked, []);
  await new Promise((later) => setTimeout(later, 300));
  await answerNext();
  assert.deepEqual(taken, [2]);
});

test("a picture is encoded there too; a page without a server says so", async () => {
  let posterior = null;
  encodeEach({ ...network, latentDim: 1 }, Float32Array.of(1, 3), null, (one) => (posterior = one));
  await answerNext();
  assert.deepEqual(posterior, { mu: Float32Array.of(2), logvar: Float32Array.of(6) });
  decodeEach({ ...network, server: null }, Float32Array.of(1, 0), null, () => assert.fail());
  await new Promise((later) => setTimeout(later, 0));
  assert.match(troubles.at(-1), /this page has none/);
});
