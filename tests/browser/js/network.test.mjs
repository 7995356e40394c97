import assert from "node:assert/strict";
import { test } from "node:test";
import { halfToFloat, unbundle } from "../../../app/components/static/assets.js";
import { decode, decodeMany, encode, join } from "../../../app/components/static/network.js";

let seed = 1;
const random = () => ((seed = (seed * 16807) % 2147483647) / 2147483647) * 2 - 1;
const linear = (inputs, size) => ({
  op: "linear", size, weight: Float32Array.from({ length: inputs * size }, random),
  bias: Float32Array.from({ length: size }, random),
});
const network = (layers, more = {}) => ({
  hash: "a", latentDim: 3, imageShape: [1, 2, 3], decoder: layers, encoder: null, ...more,
});

function reference(layer, x) {
  return Array.from({ length: layer.size }, (_, row) => {
    return x.reduce((sum, v, i) => sum + v * layer.weight[row * x.length + i], layer.bias[row]);
  });
}

test("layers follow one another as the formulas say", () => {
  const [first, second] = [linear(3, 5), linear(5, 6)];
  const net = network([first, { op: "silu", size: 5 }, second, { op: "sigmoid", size: 6 }]);
  const z = [0.3, -1.2, 2];
  const hidden = reference(first, z).map((a) => a / (1 + Math.exp(-a)));
  const expected = reference(second, hidden).map((a) => 1 / (1 + Math.exp(-a)));
  decode(net, z).forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < 1e-6));
});

test("many codes decode as each does alone, across chunks", () => {
  const net = network([linear(3, 7), { op: "tanh", size: 7 }, linear(7, 6), { op: "sigmoid", size: 6 }]);
  const codes = Float32Array.from({ length: 3 * 37 }, random);
  const all = decodeMany(net, codes);
  for (let n = 0; n < 37; n++) {
    assert.deepEqual(all.subarray(6 * n, 6 * n + 6), decode(net, codes.subarray(3 * n, 3 * n + 3)));
  }
});

test("a code of the wrong length is refused with both numbers", () => {
  assert.throws(() => decode(network([linear(3, 6)]), [1, 2]), /3 numbers, this one 2/);
});

test("an encoder gives mu untouched and keeps logvar within its bounds", () => {
  const identity = { op: "linear", size: 6, weight: new Float32Array(36), bias: new Float32Array(6) };
  for (let i = 0; i < 6; i++) identity.weight[i * 6 + i] = 1;
  const clamp = { op: "soft_clamp_logvar", size: 6, low: -6, high: 2 };
  const net = network(null, { encoder: [identity, clamp] });
  const { mu, logvar } = encode(net, [10, -20, 3, 50, -50, -1]);
  assert.deepEqual([...mu], [10, -20, 3]);
  assert.ok(Math.abs(logvar[0] - 2) < 1e-3);
  assert.ok(Math.abs(logvar[1] + 6) < 1e-3);
  assert.ok(Math.abs(logvar[2] + 1) < 0.1);
});

test("parts of a model that came separately become one network", () => {
  const whole = join([network([linear(3, 6)]), network(null, { encoder: [linear(6, 6)] })]);
  assert.ok(whole.decoder && whole.encoder);
});

test("an encoder that did not come is missed by name", () => {
  assert.throws(() => encode(network([linear(3, 6)]), new Float32Array(6)), /encoder/);
});

test("half-precision patterns become their numbers", () => {
  const patterns = Uint16Array.of(0x0000, 0x3c00, 0xc000, 0x3555, 0x0001, 0x7bff, 0xfc00);
  const expected = [0, 1, -2, 0.333251953125, 2 ** -24, 65504, -Infinity];
  assert.deepEqual([...halfToFloat(patterns)], expected);
});

test("a bundle is read wherever it begins in its buffer", () => {
  const header = JSON.stringify({
    meta: { a: 1 },
    arrays: [
      { name: "x", dtype: "float32", shape: [2], offset: 0 },
      { name: "y", dtype: "uint8", shape: [3], offset: 8 },
    ],
  });
  const start = 8 * Math.ceil((4 + header.length) / 8);
  for (const shift of [0, 1, 8]) {
    const bytes = new Uint8Array(shift + start + 16);
    const view = new DataView(bytes.buffer, shift);
    view.setUint32(0, header.length, true);
    bytes.set(new TextEncoder().encode(header), shift + 4);
    view.setFloat32(start, 1.5, true);
    view.setFloat32(start + 4, -2, true);
    bytes.set([7, 8, 9], shift + start + 8);
    const { meta, arrays } = unbundle(bytes.subarray(shift));
    assert.deepEqual(meta, { a: 1 });
    assert.deepEqual([...arrays.x], [1.5, -2]);
    assert.deepEqual([...arrays.y], [7, 8, 9]);
  }
});
