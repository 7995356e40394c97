/** A training as a model folder (docs/model-folder.md), zipped. No DOM. */
import { sha256 } from "../files/checksums.js";
import { safetensors, zip } from "../files/zip.js";
import { LOGVAR_FLOOR } from "./network.js";
import { batchSize, writeSettings } from "./settings.js";
import { boundOf } from "./trainer.js";

const HASH_LENGTH = 16;

const json = (value) => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);

/** The weights by their names in the file. */
function weightsOf({ encoder, decoder }) {
  const layers = { "encoder.0": encoder[0], posterior: encoder[1], "decoder.0": decoder[0], likelihood: decoder[1] };
  return Object.fromEntries(Object.entries(layers).flatMap(([name, { weight, bias, inputs, outputs }]) => [
    [`${name}.weight`, { values: weight.slice(), shape: [outputs, inputs] }],
    [`${name}.bias`, { values: bias.slice(), shape: [outputs] }],
  ]));
}

/** The hash of the weights, as a card has it. @param {import("./network.js").Network} network */
export function weightsHash(network) {
  return sha256(safetensors(weightsOf(network))).slice(0, HASH_LENGTH);
}

const whole = (values) => BigInt64Array.from(values, BigInt);

function codesOf({ data }, { mu, logvar, rate, distortion }, d) {
  const n = data.ids.length;
  return {
    ids: { values: whole(data.ids), shape: [n] },
    ...(data.labels ? { labels: { values: whole(data.labels), shape: [n] } } : {}),
    mu: { values: mu, shape: [n, d] },
    logvar: { values: logvar, shape: [n, d] },
    rate: { values: rate, shape: [n] },
    distortion: { values: distortion, shape: [n] },
  };
}

/** What a reader must know beyond the settings, in sentences. */
function warningsOf({ settings, now, network, data, pixels, epoch }) {
  const count = data.images.length / pixels;
  return [
    `Trained in a browser (${network.arithmetic} arithmetic) on ${count.toLocaleString("en")} pictures for ${epoch.toFixed(1)} epochs; `
      + `settings: ${writeSettings(settings)}.`,
    !now.kl && "The loss had no KL: samples from the prior need not look like the data.",
    !now.sampling && "z was not sampled but the mean: the posterior's variance was not learnt from reconstructions.",
    !now.decoderLearns && "The decoder was frozen.",
    settings.changes.length > 0 && "Settings were changed on the way.",
  ].filter(Boolean);
}

/** Settings of vae_core that say the same. */
function configsOf(trainer) {
  const { now, data } = trainer;
  return {
    model: {
      image_shape: data.shape, latent_dim: now.latentDim, hidden: [now.width], activation: now.activation, likelihood: now.likelihood,
      logvar_floor: LOGVAR_FLOOR,
    },
    training: {
      dataset: data.name, ...(data.trainSize ? { train_size: data.trainSize } : {}), epochs: Math.max(1, Math.ceil(trainer.epoch)),
      batch_size: batchSize(now), learning_rate: now.learningRate, beta: now.kl ? now.beta : 0, seed: now.seed, threads: 1,
    },
  };
}

function metricsOf({ rate, distortion }, likelihood) {
  const n = rate.length;
  const estimate = (values) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / n;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const se = n > 1 ? Math.sqrt(squares / (n - 1) / n) : null;
    return { value: mean, se, n, kind: likelihood === "gaussian" ? "continuous" : "grey", split: "test", samples: 1, unit: "nats" };
  };
  return { elbo: estimate(rate.map((value, i) => -(value + distortion[i]))), rate: estimate(rate), distortion: estimate(distortion) };
}

function klPerDim({ mu, logvar }, d) {
  const sums = new Array(d).fill(0);
  mu.forEach((value, i) => (sums[i % d] += 0.5 * (value * value + Math.exp(logvar[i]) - logvar[i] - 1)));
  return sums.map((sum) => sum / (mu.length / d));
}

/**
 * The zip of a training as it is now.
 *
 * @param {import("./trainer.js").Trainer} trainer
 * @param {Date} [date]
 * @returns {Uint8Array}
 */
export function modelFolder(trainer, date = new Date()) {
  const { network, data, now, past } = trainer;
  const encoded = trainer.encode();
  const { rate, distortion, elbo } = boundOf(encoded);
  const weights = safetensors(weightsOf(network));
  const tensors = weightsOf(network);
  const card = {
    format_version: 1,
    name: `${data.name}-${now.latentDim}d-in-the-page`,
    dataset: data.name,
    classes: data.classes,
    ...configsOf(trainer),
    metrics: metricsOf(encoded, now.likelihood),
    kl_per_dim: klPerDim(encoded, now.latentDim),
    warnings: warningsOf(trainer),
    parameters: Object.values(tensors).reduce((sum, { values }) => sum + values.length, 0),
    weights_hash: sha256(weights).slice(0, HASH_LENGTH),
    paths: { gradient: `browser, ${network.arithmetic}` },
    created: `${date.toISOString().slice(0, 19)}+00:00`,
  };
  const lines = [
    ...past.moments,
    { step: trainer.step, epoch: trainer.epoch, rate, distortion, elbo },
  ].map((one) => JSON.stringify({ epoch: one.epoch, step: one.step, test: { elbo: -(one.rate + one.distortion), rate: one.rate, distortion: one.distortion } }));
  return zip({
    [`${card.name}/model.safetensors`]: weights,
    [`${card.name}/codes.safetensors`]: safetensors(codesOf(trainer, encoded, now.latentDim)),
    [`${card.name}/history.jsonl`]: new TextEncoder().encode(`${lines.join("\n")}\n`),
    [`${card.name}/card.json`]: json(card),
  }, date);
}
