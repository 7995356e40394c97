/**
 * What kernel.c computes, in JavaScript: for browsers without WebAssembly or SIMD. No DOM.
 *
 * Arrays are row by row; each function has the arguments of the function of its name in kernel.c.
 */
import { ACTIVATIONS, sigmoid, softplus } from "../model/activations.js";
import { affine } from "../model/products.js";

const LOG_2PI = Math.log(2 * Math.PI);

function dense(weight, bias, x, y, outputs, inputs, count) {
  affine({ weight: weight.subarray(0, outputs * inputs), bias, size: outputs }, x, y, count);
}

function transposed(x, y, rows, columns) {
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) y[j * rows + i] = x[i * columns + j];
}

function sumRows(x, y, rows, columns) {
  for (let n = 0; n < columns; n++) {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += x[row * columns + n];
    y[n] = sum;
  }
}

const activation = (op) => (x, y, length, slope) => ACTIVATIONS[op]({ size: length, slope }, [x], y, 1);

/** A derivative by what the activation reads and writes. */
const derivative = (slopeOf) => (x, y, dy, dx, length, slope) => {
  for (let i = 0; i < length; i++) dx[i] = dy[i] * slopeOf(x[i], y[i], slope);
};

function siluSlope(x) {
  const s = sigmoid(x);
  return s * (1 + x * (1 - s));
}

function posterior(s, noise, logvar, z, rate, count, size, low, high) {
  for (let n = 0; n < count; n++) {
    let kl = 0;
    for (let j = 0; j < size; j++) {
      const [mu, at] = [s[2 * n * size + j], n * size + j];
      const capped = high - softplus(high - s[(2 * n + 1) * size + j]);
      logvar[at] = low + softplus(capped - low);
      z[at] = mu + Math.exp(0.5 * logvar[at]) * noise[at];
      kl += 0.5 * (mu * mu + Math.exp(logvar[at]) - logvar[at] - 1);
    }
    rate[n] = kl;
  }
}

function posteriorBack(s, noise, logvar, dz, ds, count, size, weight, low, high) {
  for (let n = 0; n < count; n++) {
    for (let j = 0; j < size; j++) {
      const [mean, at] = [2 * n * size + j, n * size + j];
      const raw = s[mean + size];
      const capped = high - softplus(high - raw);
      const byLogvar = 0.5 * (dz[at] * noise[at] * Math.exp(0.5 * logvar[at]) + weight * (Math.exp(logvar[at]) - 1));
      ds[mean] = dz[at] + weight * s[mean];
      ds[mean + size] = byLogvar * sigmoid(capped - low) * sigmoid(high - raw);
    }
  }
}

function bernoulli(logits, x, gradient, distortion, count, pixels, weight) {
  for (let n = 0; n < count; n++) {
    let sum = 0;
    for (let i = n * pixels; i < (n + 1) * pixels; i++) {
      sum += softplus(logits[i]) - x[i] * logits[i];
      gradient[i] = weight * (sigmoid(logits[i]) - x[i]);
    }
    distortion[n] = sum;
  }
}

function gaussian(values, x, gradient, distortion, count, pixels, weight, floor) {
  for (let n = 0; n < count; n++) {
    let sum = 0;
    for (let i = 0; i < pixels; i++) {
      const at = 2 * n * pixels + i;
      const mean = sigmoid(values[at]);
      const above = values[at + pixels] - floor;
      const logvar = floor + softplus(above);
      const far = mean - x[n * pixels + i];
      const weighted = far * Math.exp(-logvar);
      sum += far * weighted + logvar + LOG_2PI;
      gradient[at] = weight * weighted * mean * (1 - mean);
      gradient[at + pixels] = weight * 0.5 * (1 - far * weighted) * sigmoid(above);
    }
    distortion[n] = 0.5 * sum;
  }
}

function adam(weight, gradient, mean, square, length, step, root, epsilon) {
  for (let i = 0; i < length; i++) {
    mean[i] += 0.1 * (gradient[i] - mean[i]);
    square[i] = 0.999 * square[i] + 0.001 * gradient[i] * gradient[i];
    weight[i] -= (step * mean[i]) / (Math.sqrt(square[i]) / root + epsilon);
  }
}

export const SCRIPTED = {
  dense,
  transposed,
  sum_rows: sumRows,
  tanh: activation("tanh"),
  relu: activation("relu"),
  silu: activation("silu"),
  leaky_relu: activation("leaky_relu"),
  sigmoid: activation("sigmoid"),
  tanh_back: derivative((x, y) => 1 - y * y),
  relu_back: derivative((x) => (x > 0 ? 1 : 0)),
  silu_back: derivative(siluSlope),
  leaky_relu_back: derivative((x, y, slope) => (x > 0 ? 1 : slope)),
  posterior,
  posterior_back: posteriorBack,
  bernoulli,
  gaussian,
  adam,
};
