/**
 * Answers lines of JSON with the gradients of the training in the page: {text, images, shape, weights, noise,
 * beta} to {fused or not: {name: gradients}}, arrays as base64 of little-endian float32.
 */
import { createInterface } from "node:readline";

import { KERNELS } from "../../../browser/training/arithmetic.js";
import { fill } from "../../../browser/training/batches.js";
import { Network } from "../../../browser/training/network.js";
import { readSettings } from "../../../browser/training/settings.js";

const floats = (text) => new Float32Array(Uint8Array.from(Buffer.from(text, "base64")).buffer);
const text64 = (values) => Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64");

function answer({ text, images, weights, noise, beta }, kernel) {
  const { settings } = readSettings(text);
  const levels = Uint8Array.from(Buffer.from(images, "base64"));
  const count = floats(noise).length / settings.latentDim;
  const pixels = levels.length / count;
  const network = new Network(settings, pixels, count, kernel);
  const { arrays, places } = network;
  for (const [name, values] of Object.entries(weights)) arrays.weights.set(floats(values), places[name][0]);
  fill(levels, Array.from({ length: count }, (_, i) => i), pixels, arrays.x);
  arrays.noise.set(floats(noise));
  network.forward(count);
  const bound = { rate: text64(arrays.rate), distortion: text64(arrays.distortion) };
  network.backward(count, beta);
  const gradients = Object.entries(places).map(([name, [from, to]]) => [name, text64(arrays.gradients.slice(from, to))]);
  return { ...bound, gradients: Object.fromEntries(gradients) };
}

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  const kernels = [null, ...Object.values(KERNELS).filter((kernel) => kernel !== null)];
  console.log(JSON.stringify(kernels.map((kernel) => answer(question, kernel))));
}
