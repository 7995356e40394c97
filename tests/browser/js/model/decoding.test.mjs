import assert from "node:assert/strict";
import { test } from "node:test";
import { codesAtOnce, decodeEach } from "../../../../browser/model/decoding.js";
import { decode } from "../../../../browser/model/network.js";

/** A linear map to `pixels` numbers, after much that comes to nothing where it is to be slow. */
function network(pixels, slow = false) {
  const weight = Float32Array.from({ length: 2 * pixels }, (_, i) => Math.sin(i));
  const first = { op: "linear", size: pixels, weight, bias: new Float32Array(pixels) };
  const wide = 4000;
  const none = { op: "linear", size: wide, weight: new Float32Array(2 * wide), bias: new Float32Array(wide) };
  const lost = { op: "linear", size: 2, weight: new Float32Array(2 * wide), bias: Float32Array.of(1, 2) };
  const layers = slow ? [...Array.from({ length: 1100 }, () => [none, lost]).flat(), first] : [first];
  return { hash: "a", latentDim: 2, imageShape: [1, 1, pixels], classes: 0, decoder: layers, encoder: null };
}

const codes = Float32Array.from({ length: 10 }, (_, i) => i / 3);

function expected(net) {
  return Array.from({ length: 5 }, (_, n) => [n, [...decode(net, codes.subarray(2 * n, 2 * n + 2))]]);
}

test("a quick network's pictures are all there at once", () => {
  const net = network(3);
  const taken = [];
  assert.equal(decodeEach(net, codes, null, (i, mean) => taken.push([i, [...mean]])), null);
  assert.deepEqual(taken, expected(net));
  assert.equal(codesAtOnce(net), 8);
});

test("a slow network's pictures come later, one by one and in order", async () => {
  const net = network(3, true);
  assert.equal(codesAtOnce(net), 1);
  const taken = [];
  let stop = null;
  await new Promise((done) => {
    stop = decodeEach(net, codes, null, (i, mean) => {
      taken.push([i, [...mean]]);
      if (i === 4) done();
    });
    assert.equal(taken.length, 0);
  });
  assert.deepEqual(taken, expected(net));
  stop();
});

test("what is stopped comes no more", async () => {
  const taken = [];
  const stop = decodeEach(network(3, true), codes, null, (i) => taken.push(i));
  stop();
  await new Promise((done) => setTimeout(done, 50));
  assert.deepEqual(taken, []);
});
