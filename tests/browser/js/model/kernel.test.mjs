import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { interpret } from "../../../../browser/model/plan.js";

// Node 20 has these instructions behind a flag.
setFlagsFromString("--experimental-wasm-relaxed-simd");
const { KERNEL, KERNELS, prepare } = await import("../../../../browser/model/kernel.js");
const { decode, decodeMany } = await import("../../../../browser/model/network.js");

const kernels = Object.entries(KERNELS);

let seed = 7;
const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
const whole = (low, high) => low + Math.floor(random() * (high - low + 1));
const numbers = (length, spread = 1) => Float32Array.from({ length }, () => spread * (2 * random() - 1));
const range = (length) => [...Array(length).keys()];

/** Outputs of a list of layers, and, so that a write past the end shows, nothing else. */
function outputs(program, layers, x, count, label = null) {
  return program(x, count, label, new Float32Array(count * layers.at(-1).size).fill(NaN));
}

/** Run layers by every kernel and in JavaScript, and compare relative to the largest output. */
function assertSame(layers, inputSize, count, tolerance = 2e-6) {
  const x = numbers(inputSize * count, 2);
  const expected = outputs(interpret(layers), layers, x, count);
  const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  for (const [name, kernel] of kernels) {
    const found = outputs(prepare(kernel, layers.map((layer) => ({ ...layer })), inputSize, count + whole(0, 3)), layers, x, count);
    found.forEach((value, i) => assert.ok(Math.abs(value - expected[i]) <= tolerance * scale,
      `${name}: ${value} for ${expected[i]} in ${JSON.stringify({ ...layers[0], weight: undefined, bias: undefined })}`));
  }
}

test("there is a kernel here, and the quickest one is used", () => {
  assert.ok(KERNELS.simd && KERNELS.relaxed);
  assert.equal(KERNEL, KERNELS.relaxed);
});

const dense = (inputs, outputs, parts = 1) => ({
  op: "linear", size: outputs * parts, ...(parts > 1 && { parts }), weight: numbers(inputs * outputs), bias: numbers(outputs),
});

test("dense layers of any size are W x + b in double precision, within float32", () => {
  for (const [inputs, size, parts, count] of [
    [1, 1, 1, 1], [2, 5, 1, 3], [3, 4, 1, 1], [4, 4, 1, 2], [7, 9, 1, 5], [20, 500, 1, 16], [501, 3, 1, 7], [33, 6, 5, 3], [64, 10, 7, 1],
    ...range(40).map(() => [whole(1, 70), whole(1, 40), whole(1, 4), whole(1, 9)]),
  ]) {
    const layer = dense(inputs, size, parts);
    const x = numbers(inputs * parts * count);
    for (const [name, kernel] of kernels) {
      const y = outputs(prepare(kernel, [{ ...layer }], inputs * parts, count), [layer], x, count);
      for (let n = 0; n < count * parts; n++) {
        for (let o = 0; o < size; o++) {
          let [sum, sizes] = [layer.bias[o], Math.abs(layer.bias[o])];
          for (let i = 0; i < inputs; i++) {
            const term = layer.weight[o * inputs + i] * x[n * inputs + i];
            sum += term;
            sizes += Math.abs(term);
          }
          const found = y[n * size + o];
          assert.ok(Math.abs(found - sum) <= 1e-6 * sizes, `${name} ${inputs} ${size} ${parts} ${count}: ${found} for ${sum}`);
        }
      }
    }
  }
});

function image(op, from, to, { kernel = [3, 3], groups = 1, ...more } = {}) {
  const [inputs, outputs] = [from[2], to[2]];
  const weight = numbers((inputs * outputs * kernel[0] * kernel[1]) / groups);
  return {
    op, size: to[0] * to[1] * outputs, parts: to[0] * to[1], from, to, weight, bias: numbers(outputs), ...more,
    ...(kernel.join() !== "3,3" && { kernel }), ...(groups > 1 && { groups }),
  };
}

test("convolutions of any side, kernel, stride, border, dilation and group equal the JavaScript", () => {
  for (let i = 0; i < 60; i++) {
    const groups = [1, 1, 2, 3][whole(0, 3)];
    const [channels, outputs] = [groups * whole(1, 5), groups * whole(1, 6)];
    const [kernel, stride, dilation] = [[whole(1, 4), whole(1, 4)], [whole(1, 3), whole(1, 3)], [whole(1, 2), whole(1, 2)]];
    const pads = range(4).map(() => whole(0, 2));
    const reach = [0, 1].map((axis) => dilation[axis] * (kernel[axis] - 1) + 1);
    const from = [whole(reach[0], 9), whole(reach[1], 9)];
    const to = [0, 1].map((axis) => Math.floor((from[axis] + pads[axis] + pads[axis + 2] - reach[axis]) / stride[axis]) + 1);
    const layer = image("conv", [...from, channels], [...to, outputs], { kernel, stride, dilation, pads, groups });
    assertSame([layer], from[0] * from[1] * channels, whole(1, 3));
  }
});

test("convolutions of a model's bundle equal the JavaScript", () => {
  for (const [h, w, c, o, stride] of [[1, 1, 1, 1, 1], [5, 4, 3, 5, 2], [7, 7, 16, 8, 1], [6, 9, 4, 3, 2]]) {
    assertSame([image("conv", [h, w, c], [Math.ceil(h / stride), Math.ceil(w / stride), o], { stride })], h * w * c, 3);
  }
  for (const [h, w, c, o] of [[1, 1, 1, 1], [2, 1, 3, 4], [7, 7, 8, 5], [4, 5, 1, 3], [3, 8, 6, 9]]) {
    const [tall, wide] = [Math.ceil(h / 2), Math.ceil(w / 2)];
    assertSame([image("resize_conv", [tall, wide, c], [h, w, o])], tall * wide * c, 3);
  }
});

test("transposed convolutions equal the JavaScript", () => {
  for (let i = 0; i < 60; i++) {
    const groups = [1, 1, 2][whole(0, 2)];
    const [channels, outputs] = [groups * whole(1, 4), groups * whole(1, 5)];
    const [kernel, stride, dilation] = [[whole(1, 4), whole(1, 4)], [whole(1, 3), whole(1, 3)], [whole(1, 2), whole(1, 2)]];
    const from = [whole(1, 5), whole(1, 5)];
    const full = [0, 1].map((axis) => (from[axis] - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1);
    const pads = range(4).map((side) => whole(0, Math.min(1, Math.floor((full[side % 2] - 1) / 2))));
    const to = [0, 1].map((axis) => full[axis] - pads[axis] - pads[axis + 2] + whole(0, 1));
    const layer = image("conv_transpose", [...from, channels], [...to, outputs], { kernel, stride, dilation, pads, groups });
    assertSame([layer], from[0] * from[1] * channels, whole(1, 3));
  }
});

const FORMULAS = {
  relu: (a) => Math.max(a, 0),
  leaky_relu: (a) => (a > 0 ? a : Math.fround(0.2) * a),
  exp: Math.exp,
  sigmoid: (a) => 1 / (1 + Math.exp(-a)),
  tanh: Math.tanh,
  silu: (a) => a / (1 + Math.exp(-a)),
  softplus: (a) => Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a))),
  elu: (a) => (a > 0 ? a : 0.5 * Math.expm1(a)),
  mish: (a) => a * Math.tanh(Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a)))),
  clip: (a) => Math.min(2, Math.max(-1, a)),
};
const ATTRIBUTES = { slope: 0.2, alpha: 0.5, low: -1, high: 2 };
/** Units of the last place of float32. */
const ULP = 2 ** -23;
/** Numbers near the smallest that float32 has may be 0. */
const SMALLEST = 2 ** -115;

test("activations are their formulas in double precision, within three units of the last place", () => {
  const x = Float32Array.from([
    0, -0, ...range(20001).map((i) => (i - 10000) / 80), ...range(200).map((i) => (-1) ** i * 10 ** -(i / 10)), 87.9, 88.8, 1e30, -1e30,
  ]);
  for (const [op, formula] of Object.entries(FORMULAS)) {
    const layer = { op, size: x.length, ...ATTRIBUTES };
    for (const [name, kernel] of kernels) {
      const y = outputs(prepare(kernel, [{ ...layer }], x.length, 1), [layer], x, 1);
      x.forEach((a, i) => {
        const expected = formula(a);
        if (Math.abs(expected) > 3.4e38) assert.equal(y[i], Math.fround(expected));
        else assert.ok(Math.abs(y[i] - expected) <= 3 * ULP * Math.abs(expected) + SMALLEST, `${name} ${op}(${a}) = ${y[i]}, not ${expected}`);
      });
    }
  }
});

test("the exact GELU equals the JavaScript, whose error function has as many digits", () => {
  const x = Float32Array.from(range(4001).map((i) => (i - 2000) / 200));
  const layer = { op: "gelu", size: x.length };
  const expected = outputs(interpret([layer]), [layer], x, 1);
  for (const [name, kernel] of kernels) {
    outputs(prepare(kernel, [{ ...layer }], x.length, 1), [layer], x, 1).forEach((value, i) =>
      assert.ok(Math.abs(value - expected[i]) <= 1e-6 * Math.max(1, Math.abs(x[i])), `${name} gelu(${x[i]}) = ${value}, not ${expected[i]}`));
  }
});

test("sums, differences and products of two inputs equal the JavaScript, whatever their sizes", () => {
  for (const op of ["sum", "difference", "product"]) {
    for (const width of [1, 3, 8, 13]) {
      const layers = [{ op: "add", size: width, bias: numbers(width) }, { op: "tanh", size: width, inputs: [-1] }, { op, size: width, inputs: [0, 1] }];
      assertSame(layers, width, 3);
      assertSame([{ op, size: width, values: numbers(width) }], width, 3);
      assertSame([dense(width, 1), { op, size: width, inputs: [-1, 0] }], width, 3);
    }
  }
});

test("activations of infinity and of what is no number are those of the JavaScript", () => {
  const x = Float32Array.of(Infinity, -Infinity, NaN);
  for (const op of Object.keys(FORMULAS).filter((name) => name !== "silu" && name !== "mish")) {
    const layer = { op, size: 3, ...ATTRIBUTES };
    const expected = outputs(interpret([layer]), [layer], x, 1);
    for (const [, kernel] of kernels) {
      outputs(prepare(kernel, [{ ...layer }], 3, 1), [layer], x, 1).forEach((value, i) =>
        assert.ok(Object.is(value, expected[i]) || Math.abs(value - expected[i]) < SMALLEST, `${op}(${x[i]}) = ${value}`));
    }
  }
});

test("symmetric matrices equal the JavaScript", () => {
  for (const [side, channels] of [[1, 1], [2, 3], [7, 1], [12, 2]]) {
    assertSame([{ op: "symmetric", side, size: channels * side * side }], channels * side * side, 3);
  }
});

test("gates and recurrent units of any size equal the JavaScript", () => {
  for (let i = 0; i < 20; i++) {
    const [parts, units, inputs, count] = [whole(1, 5), whole(1, 11), whole(1, 9), whole(1, 4)];
    assertSame([{ op: "gated", size: parts * units, parts }], 2 * parts * units, count);
    const recurrent = {
      op: "recurrent", size: parts * units, parts, weight_ih: numbers(3 * units * inputs), bias_ih: numbers(3 * units),
      weight_hh: numbers(3 * units * units), bias_hh: numbers(3 * units),
    };
    assertSame([recurrent], parts * inputs, count);
  }
});

/** A graph of operations that the kernel has and that it lacks. */
const mixed = () => [
  dense(5, 48), { op: "silu", size: 48 },
  { op: "swap", size: 48, parts: 16, sides: [3, 16, 1] },
  image("conv", [4, 4, 3], [4, 4, 6]),
  { op: "gated", size: 48, parts: 16 },
  { op: "add", size: 48, bias: numbers(48), inputs: [2] },
  { op: "sum", size: 48, inputs: [4, 5] },
  { op: "tanh", size: 48 },
];

test("a graph runs alike whether the kernel has all of its operations or not", () => {
  for (const count of [1, 2, 5]) assertSame(mixed(), 5, count);
});

const networkOf = (layers) => ({ latentDim: 5, imageShape: [1, 6, 8], classes: 0, decoder: layers, encoder: null });

test("an example is decoded to the same numbers alone and among others", () => {
  const net = networkOf(mixed());
  const codes = numbers(5 * 37);
  const all = decodeMany(net, codes);
  for (let n = 0; n < 37; n++) assert.deepEqual(all.subarray(48 * n, 48 * n + 48), decode(net, codes.subarray(5 * n, 5 * n + 5)));
});

test("a network's weights lie once in a memory of its own, whose size does not change", () => {
  const [first, second] = [networkOf(mixed()), networkOf(mixed())];
  for (const net of [first, second]) decodeMany(net, numbers(5 * 37));
  const convolution = first.decoder.find(({ op }) => op === "conv");
  const memories = [convolution.weight.buffer, convolution.bias.buffer, first.decoder[0].bias.buffer];
  assert.equal(new Set(memories).size, 1);
  assert.notEqual(memories[0], second.decoder[0].bias.buffer);
  const before = memories[0].byteLength;
  decodeMany(first, numbers(5 * 400));
  assert.equal(convolution.weight.buffer.byteLength, before);
});

test("memory of networks that nobody has any more is given back", async () => {
  const layers = [dense(5, 1000), dense(1000, 48)];
  for (let i = 0; i < 1500; i++) {
    decode(networkOf(layers.map((layer) => ({ ...layer }))), numbers(5));
    if (i % 10 === 0) await new Promise((done) => setImmediate(done));
  }
  // Each has a memory of 320 kB or more, all of them together 480 MB.
  assert.ok(process.memoryUsage().arrayBuffers < 200e6);
});

test("a network that needs more than any memory has is refused as one for which there is none", () => {
  assert.throws(() => prepare(KERNEL, [{ op: "relu", size: 2 ** 31 }], 1, 1), RangeError);
});

test("a browser that has no room for such a memory runs the JavaScript", () => {
  const layers = mixed();
  const z = numbers(5);
  const expected = outputs(interpret(layers), layers, z, 1);
  const { Memory } = WebAssembly;
  WebAssembly.Memory = function refused() {
    throw new RangeError("could not allocate memory");
  };
  try {
    assert.deepEqual(decode(networkOf(layers), z), expected);
  } finally {
    WebAssembly.Memory = Memory;
  }
});
