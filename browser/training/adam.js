/** Adam (Kingma & Ba 2015, algorithm 1), with its usual beta of 0.9 and 0.999. No DOM. */

const BETA = [0.9, 0.999];
const EPSILON = 1e-8;

export class Adam {
  /** 0.9^t and 0.999^t, by products, which every browser rounds alike. */
  #powers = [[1, 1], [1, 1]];

  /** @param {import("./network.js").Network} network whose weights it moves */
  constructor(network) {
    this.network = network;
  }

  /** Move the encoder's weights by their gradients, and the decoder's unless they are frozen. */
  step(learningRate, decoderLearns) {
    this.#move(0, learningRate);
    if (decoderLearns) this.#move(1, learningRate);
  }

  /** A part that was frozen goes on where it was. @param {0 | 1} part  encoder or decoder */
  #move(part, learningRate) {
    const { arrays, cut, operations } = this.network;
    const [first, second] = this.#powers[part].map((power, i) => power * BETA[i]);
    this.#powers[part] = [first, second];
    const [from, to] = part === 0 ? [0, cut] : [cut, arrays.weights.length];
    const [weights, gradients, mean, square] = ["weights", "gradients", "mean", "square"].map((name) => arrays[name].subarray(from, to));
    operations.adam(weights, gradients, mean, square, to - from, learningRate / (1 - first), Math.sqrt(1 - second), EPSILON);
  }
}
