// What decoding is held against: each makes of a model a function (codes, count) → pixel means.
import { unbundle } from "../../browser/files/assets.js";
import { KERNELS } from "../../browser/model/kernel.js";
import { decode, decodeMany, load, pixelCount, work } from "../../browser/model/network.js";

/** Our own networks, by a kernel, or in JavaScript without one. */
function ours(kernel) {
  return ({ bundle }) => {
    const net = load(bundle, kernel);
    let out = new Float32Array(0);
    return (codes, count) => {
      if (out.length !== count * pixelCount(net)) out = new Float32Array(count * pixelCount(net));
      return count === 1 ? decode(net, codes, null, out) : decodeMany(net, codes, null, out);
    };
  };
}

/** onnxruntime-web, with the decoder that the project writes as ONNX. */
function onnxruntime(ort) {
  return async ({ bundle, onnx }) => {
    const net = unbundle(bundle).meta;
    const session = await ort.InferenceSession.create(onnx, { executionProviders: ["wasm"] });
    return async (codes, count) => {
      const z = new ort.Tensor("float32", codes, [count, net.latent_dim]);
      const y = net.classes > 0 ? { y: new ort.Tensor("int64", new BigInt64Array(count), [count]) } : {};
      const { mean } = await session.run({ z, ...y });
      return mean.data;
    };
  };
}

/** TensorFlow.js, with a layer of it for each of ours; an activation is fused where it can be. */
function tensorflow(tf) {
  const FUSED = { relu: "relu", sigmoid: "sigmoid" };

  const LAYERS = {
    linear: ({ weight, bias, size, parts = 1 }, x, activation) => {
      const outputs = size / parts;
      const count = x.shape[0];
      const rows = tf.reshape(x, [count * parts, weight.length / outputs]);
      return tf.reshape(tf.fused.matMul({ a: rows, b: kernelOf(weight, [outputs, weight.length / outputs], [1, 0]), bias: vectorOf(bias), activation }), [count, size]);
    },
    conv: ({ weight, bias, from, to, stride, size }, x, activation) =>
      flat(convolved(tf.reshape(x, [-1, ...from]), weight, bias, from, to, stride, activation), size),
    resize_conv: ({ weight, bias, from, to, size }, x, activation) => {
      const doubled = tf.image.resizeNearestNeighbor(tf.reshape(x, [-1, ...from]), to.slice(0, 2));
      return flat(convolved(doubled, weight, bias, [to[0], to[1], from[2]], to, 1, activation), size);
    },
    label: ({ classes }, x) => tf.concat([x, tf.oneHot(tf.zeros([x.shape[0]], "int32"), classes)], 1),
    swap: ({ sides: [rows, columns, block], size }, x) => flat(tf.transpose(tf.reshape(x, [-1, rows, columns, block]), [0, 2, 1, 3]), size),
    gated: ({ size, parts = 1 }, x) => {
      const [value, gate] = tf.split(tf.reshape(x, [-1, parts, (2 * size) / parts]), 2, 2);
      return flat(tf.mul(value, tf.sigmoid(gate)), size);
    },
    add: ({ bias }, x) => tf.add(x, vectorOf(bias)),
    symmetric: ({ side, size }, x) => {
      const square = tf.reshape(x, [-1, side, side]);
      return flat(tf.mul(0.5, tf.add(square, tf.transpose(square, [0, 2, 1]))), size);
    },
    leaky_relu: ({ slope }, x) => tf.leakyRelu(x, slope),
    tanh: (_layer, x) => tf.tanh(x),
    relu: (_layer, x) => tf.relu(x),
    sigmoid: (_layer, x) => tf.sigmoid(x),
    silu: (_layer, x) => tf.mul(x, tf.sigmoid(x)),
  };

  const placed = new Map();
  const place = (values, make) => {
    if (!placed.has(values)) placed.set(values, tf.keep(make()));
    return placed.get(values);
  };
  const vectorOf = (values) => place(values, () => tf.tensor1d(values));
  const kernelOf = (values, shape, order) => place(values, () => tf.transpose(tf.tensor(values, shape), order));
  const flat = (x, size) => tf.reshape(x, [-1, size]);

  function convolved(x, weight, bias, [height, width, channels], [tall, wide, outputs], stride, activation) {
    const filter = kernelOf(weight, [outputs, 3, 3, channels], [1, 2, 3, 0]);
    // Zeros as PyTorch has them; "same" would put them elsewhere where the stride is two.
    const below = (side, places) => (places - 1) * stride + 2 - side;
    const pad = [[0, 0], [1, Math.max(0, below(height, tall))], [1, Math.max(0, below(width, wide))], [0, 0]];
    if (stride === 1) return tf.fused.conv2d({ x, filter, strides: 1, pad: "same", bias: vectorOf(bias), activation });
    return tf.fused.conv2d({ x: tf.pad(x, pad), filter, strides: stride, pad: "valid", bias: vectorOf(bias), activation });
  }

  return ({ bundle }) => {
    const { meta, arrays } = unbundle(bundle);
    const layers = meta.decoder.map((layer) => ({
      ...layer, ...(layer.weight && { weight: arrays[layer.weight] }), ...(layer.bias && { bias: arrays[layer.bias] }),
    }));
    return (codes, count) => {
      const mean = tf.tidy(() => {
        let x = tf.tensor2d(codes, [count, meta.latent_dim]);
        for (let i = 0; i < layers.length; i++) {
          const fusing = ["linear", "conv", "resize_conv"].includes(layers[i].op) ? FUSED[layers[i + 1]?.op] : undefined;
          x = LAYERS[layers[i].op](layers[i], x, fusing);
          if (fusing) i++;
        }
        return x;
      });
      const values = mean.dataSync();
      mean.dispose();
      return values;
    };
  };
}

/** In batches, which is quicker than all at once for some networks. */
function inBatches(run, latentDim, pixels, size) {
  return async (codes, count) => {
    const all = new Float32Array(count * pixels);
    for (let first = 0; first < count; first += size) {
      const some = Math.min(size, count - first);
      all.set(await run(codes.subarray(first * latentDim, (first + some) * latentDim), some), first * pixels);
    }
    return all;
  };
}

/**
 * Prepare a model for each contestant.
 *
 * @param {{ort: any, tf: any}} peers
 * @param {{bundle: Uint8Array, onnx: Uint8Array}} model
 */
export async function prepare({ ort, tf }, model) {
  const net = load(model.bundle, null);
  const [latentDim, pixels, multiplied] = [net.latentDim, pixelCount(net), work(net)];
  const made = {
    ours: ours(KERNELS.relaxed ?? KERNELS.simd),
    ...(KERNELS.relaxed && { "ours, without relaxed SIMD": ours(KERNELS.simd) }),
    "our JavaScript": ours(null),
    "onnxruntime-web": onnxruntime(ort),
    "TensorFlow.js": tensorflow(tf),
  };
  const contestants = {};
  for (const [name, make] of Object.entries(made)) {
    const run = await make(model);
    const chunked = name in { "onnxruntime-web": 0, "TensorFlow.js": 0 } ? inBatches(run, latentDim, pixels, 16) : null;
    contestants[name] = { ways: chunked === null ? [run] : [run, chunked] };
  }
  return { contestants, latentDim, multiplied };
}
