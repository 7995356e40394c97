/**
 * Answers lines of JSON about the training in the page. Arrays are base64 of little-endian float32.
 *
 * {text, images, weights, noise, beta}: rate, distortion and gradients, by JavaScript and by each kernel.
 * {bundle, trainings, epochs}: the ELBO of the shown images after so many epochs of each training.
 * {bundle, folder, epochs}: the model folder of a training after so many epochs, a zip in base64.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

import { KERNELS } from "../../../browser/training/arithmetic.js";
import { fill } from "../../../browser/training/batches.js";
import { modelFolder } from "../../../browser/training/folder.js";
import { unbundle } from "../../../browser/files/assets.js";
import { Network } from "../../../browser/training/network.js";
import { readSettings } from "../../../browser/training/settings.js";
import { Trainer } from "../../../browser/training/trainer.js";

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

function trained({ bundle, epochs }, text) {
  const { meta, arrays } = unbundle(new Uint8Array(readFileSync(bundle)));
  const trainer = new Trainer(readSettings(text).settings, { ...meta, ...arrays });
  while (trainer.epoch < epochs) trainer.advance();
  return trainer;
}

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  if ("folder" in question) {
    console.log(JSON.stringify(Buffer.from(modelFolder(trained(question, question.folder))).toString("base64")));
    continue;
  }
  if ("bundle" in question) {
    console.log(JSON.stringify(question.trainings.map((text) => trained(question, text).measure().elbo)));
    continue;
  }
  const kernels = [null, ...Object.values(KERNELS).filter((kernel) => kernel !== null)];
  console.log(JSON.stringify(kernels.map((kernel) => answer(question, kernel))));
}
