// What training inside the page is held against: TensorFlow.js on its WASM backend, the same network on the same images.
import { unbundle } from "../../browser/files/assets.js";
import { KERNELS } from "../../browser/training/arithmetic.js";
import { batchSize, readSettings } from "../../browser/training/settings.js";
import { Trainer } from "../../browser/training/trainer.js";

function dataOf(bundle) {
  const { meta, arrays } = unbundle(bundle);
  const { images, shown, ids, labels = null } = arrays;
  return { ...meta, images, shown, ids, labels };
}

/** One epoch of ours at each call; returns −ELBO of the shown images. */
function ours(data, settings, kernel) {
  const trainer = new Trainer(settings, data, kernel);
  const steps = Math.ceil(data.images.length / trainer.pixels / batchSize(settings));
  return {
    epoch() {
      for (let i = 0; i < steps; i++) trainer.advance();
    },
    loss: () => -trainer.measure().elbo,
  };
}

/** The same with TensorFlow.js. */
function tensorflow(tf, data, settings) {
  const pixels = data.shape.reduce((product, side) => product * side, 1);
  const count = data.images.length / pixels;
  const { latentDim: d, width, learningRate } = settings;
  const normal = (shape) => tf.randomNormal(shape);
  const variable = (rows, columns) => {
    const bound = Math.sqrt(6 / (rows + columns));
    return { weight: tf.variable(tf.randomUniform([rows, columns], -bound, bound)), bias: tf.variable(tf.zeros([columns])) };
  };
  const [first, posterior, second, last] = [variable(pixels, width), variable(width, 2 * d), variable(d, width), variable(width, pixels)];
  const images = tf.tensor2d(Float32Array.from(data.images, (level) => level / 255), [count, pixels]);
  const shown = tf.tensor2d(Float32Array.from(data.shown, (level) => level / 255), [data.ids.length, pixels]);
  last.bias.assign(tf.tidy(() => {
    const mean = tf.clipByValue(tf.mean(images, 0), 0.001, 0.999);
    return tf.log(tf.div(mean, tf.sub(1, mean)));
  }));
  const dense = (x, { weight, bias }) => tf.add(tf.matMul(x, weight), bias);
  const loss = (x) => {
    const s = dense(tf.relu(dense(x, first)), posterior);
    const mu = tf.slice(s, [0, 0], [-1, d]);
    const logvar = tf.slice(s, [0, d], [-1, d]);
    const z = tf.add(mu, tf.mul(tf.exp(tf.mul(0.5, logvar)), normal(mu.shape)));
    const logits = dense(tf.relu(dense(z, second)), last);
    const softplus = tf.add(tf.relu(logits), tf.log(tf.add(1, tf.exp(tf.neg(tf.abs(logits))))));
    const distortion = tf.sum(tf.sub(softplus, tf.mul(x, logits)), 1);
    const rate = tf.mul(0.5, tf.sum(tf.sub(tf.sub(tf.add(tf.square(mu), tf.exp(logvar)), logvar), 1), 1));
    return tf.mean(tf.add(rate, distortion));
  };
  const adam = tf.train.adam(learningRate);
  const size = batchSize(settings);
  return {
    epoch() {
      const order = tf.util.createShuffledIndices(count);
      for (let from = 0; from < count; from += size) {
        tf.tidy(() => {
          const x = tf.gather(images, tf.tensor1d(Int32Array.from(order.slice(from, from + size)), "int32"));
          adam.minimize(() => loss(x));
        });
      }
    },
    loss: () => tf.tidy(() => loss(shown).dataSync()[0]),
  };
}

/** Milliseconds of epochs, the contestants taking turns, and their losses after the last. */
export async function epochs(tf, bundle, text, rounds, now) {
  const data = dataOf(bundle);
  const { settings } = readSettings(text);
  const contestants = {
    ours: ours(data, settings, KERNELS.relaxed ?? KERNELS.simd),
    "ours, without relaxed SIMD": ours(data, settings, KERNELS.simd),
    "TensorFlow.js": tensorflow(tf, data, settings),
  };
  const times = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (let round = -1; round < rounds; round++) { // the first one compiles
    for (const [name, { epoch }] of Object.entries(contestants)) {
      const begun = await now();
      epoch();
      if (round >= 0) times[name].push((await now()) - begun);
    }
  }
  return { times, losses: Object.fromEntries(Object.entries(contestants).map(([name, { loss }]) => [name, loss()])) };
}

/** −(rate + distortion) of the shown images after so many epochs, for each seed. */
export function bounds(bundle, text, seeds, count) {
  const data = dataOf(bundle);
  return seeds.map((seed) => {
    const training = ours(data, { ...readSettings(text).settings, seed, noise: seed });
    for (let i = 0; i < count; i++) training.epoch();
    return -training.loss();
  });
}
