import assert from "node:assert/strict";
import { test } from "node:test";
import { halfToFloat, unbundle } from "../../../../browser/files/assets.js";
import { decode, decodeMany, encode, join, load, work } from "../../../../browser/model/network.js";

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

test("a layer reads the layers that it names, whose values are kept until then", () => {
  const identity = { op: "linear", size: 3, weight: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1), bias: new Float32Array(3) };
  const plus = (bias, inputs) => ({ op: "add", size: 3, bias: Float32Array.of(bias, bias, bias), inputs });
  const after = (...layers) => [...decode(network(layers, { imageShape: [1, 1, 3] }), [1, 2, 3])];
  assert.deepEqual(after(plus(1), plus(10), plus(100, [-1])), [101, 102, 103]);
  assert.deepEqual(after(plus(1), plus(10), plus(20), plus(100, [0])), [102, 103, 104]);
  assert.deepEqual(after(plus(1), plus(10, [0]), plus(20, [0]), plus(0, [1]), identity), [12, 13, 14]);
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

const labelled = () => network(
  [{ op: "label", size: 6, classes: 3 }, { op: "sigmoid", size: 6 }], { classes: 3 },
);

test("a conditional network reads the label after the code, its first one where none is chosen", () => {
  const hot = 1 / (1 + Math.exp(-1));
  const close = (found, expected) => found.forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < 1e-6));
  close(decode(labelled(), [0, 0, 0], 2), [0.5, 0.5, 0.5, 0.5, 0.5, hot]);
  close(decode(labelled(), [0, 0, 0]), [0.5, 0.5, 0.5, hot, 0.5, 0.5]);
  close(decodeMany(labelled(), new Float32Array(6), 1).subarray(6), [0.5, 0.5, 0.5, 0.5, hot, 0.5]);
});

test("a label that the model does not know is refused; a model without labels ignores any", () => {
  for (const y of [3, -1, 0.5]) assert.throws(() => decode(labelled(), [0, 0, 0], y), new RegExp(`label ${y} .* 0 to 2`));
  const net = network([linear(3, 6)]);
  assert.deepEqual(decode(net, [1, 2, 3], 7), decode(net, [1, 2, 3]));
});

/** The maps (h, w, c) of a convolution by its definition, `from` already enlarged. */
function convolved(x, [h, w, c], { weight, bias, to: [tall, wide, outputs] }, stride) {
  const at = (i, j, k) => (i < 0 || j < 0 || i >= h || j >= w ? 0 : x[(i * w + j) * c + k]);
  return Array.from({ length: tall * wide * outputs }, (_, n) => {
    const [i, j, o] = [Math.floor(n / (wide * outputs)), Math.floor(n / outputs) % wide, n % outputs];
    let sum = bias[o];
    for (let p = 0; p < 3; p++) {
      for (let q = 0; q < 3; q++) {
        for (let k = 0; k < c; k++) {
          sum += weight[((o * 3 + p) * 3 + q) * c + k] * at(i * stride + p - 1, j * stride + q - 1, k);
        }
      }
    }
    return sum;
  });
}

function kernel(op, from, to, more = {}) {
  const weight = Float32Array.from({ length: to[2] * 9 * from[2] }, random);
  const bias = Float32Array.from({ length: to[2] }, random);
  return { op, size: to[0] * to[1] * to[2], from, to, weight, bias, ...more };
}

const maps = (size, count) => Float32Array.from({ length: size * count }, random);

function assertMaps(layer, inputs, expectedOf) {
  const [c, h, w] = [layer.to[2], layer.to[0], layer.to[1]];
  const net = { hash: "a", latentDim: inputs, imageShape: [c, h, w], classes: 0, decoder: [layer], encoder: null };
  const x = maps(inputs, 3);
  const all = decodeMany(net, x);
  for (let n = 0; n < 3; n++) {
    const expected = expectedOf(x.subarray(n * inputs, (n + 1) * inputs));
    expected.forEach((value, i) => assert.ok(Math.abs(all[n * layer.size + i] - value) < 1e-5));
  }
}

test("a convolution is its definition, at any side and stride", () => {
  for (const [h, w, stride] of [[5, 4, 1], [5, 4, 2], [6, 7, 2], [1, 3, 1], [2, 1, 2]]) {
    const layer = kernel("conv", [h, w, 3], [Math.ceil(h / stride), Math.ceil(w / stride), 5], { stride });
    assertMaps(layer, h * w * 3, (x) => convolved(x, layer.from, layer, stride));
  }
});

test("a convolution of the doubled map is the same as doubling and convolving", () => {
  for (const [tall, wide] of [[4, 6], [5, 6], [4, 3], [7, 7], [1, 2], [1, 1], [3, 1]]) {
    const [h, w, c] = [Math.ceil(tall / 2), Math.ceil(wide / 2), 3];
    const layer = kernel("resize_conv", [h, w, c], [tall, wide, 5]);
    const doubled = (x) => Array.from({ length: tall * wide * c }, (_, n) => {
      const [i, j] = [Math.floor(n / (wide * c)), Math.floor(n / c) % wide];
      return x[(Math.floor(i / 2) * w + Math.floor(j / 2)) * c + (n % c)];
    });
    assertMaps(layer, h * w * c, (x) => convolved(doubled(x), [tall, wide, c], layer, 1));
  }
});

test("work is counted in multiplications", () => {
  assert.equal(work(network([linear(3, 7), linear(7, 6)])), 3 * 7 + 7 * 6);
  const layer = kernel("conv", [4, 4, 2], [2, 2, 5], { stride: 2 });
  assert.equal(work(network([layer])), 4 * 9 * 2 * 5);
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

test("an operation that the page lacks is named, with those that it has", () => {
  const header = JSON.stringify({ meta: { decoder: [{ op: "fold", size: 1 }] }, arrays: [] });
  const bytes = new Uint8Array(4 + header.length);
  new DataView(bytes.buffer).setUint32(0, header.length, true);
  bytes.set(new TextEncoder().encode(header), 4);
  assert.throws(() => load(bytes), /"fold", only linear, conv, conv_transpose, .*max_pool/);
});

test("joining what is already there changes nothing, so that panels do not draw again", () => {
  const whole = join([network([linear(3, 6)]), network(null, { encoder: [linear(6, 6)] })]);
  assert.equal(join([whole, network([linear(3, 6)])]), whole);
});
