import assert from "node:assert/strict";
import { test } from "node:test";
import { draw, isMixture, kl, logProb, meanLogProb, moments } from "../../../../browser/model/prior.js";
import { quantile } from "../../../../browser/model/quantile.js";
import { uniforms } from "../../../../browser/model/random.js";

const close = (a, b, tolerance = 1e-5) => assert.ok(Math.abs(a - b) < tolerance, `${a} is not ${b}`);
const logNormal = (z, mu, logvar) => -0.5 * ((z - mu) ** 2 / Math.exp(logvar) + logvar + Math.log(2 * Math.PI));
const mu = Float32Array.of(1, 2, -3, 0.5);
const logvar = Float32Array.of(0, -1, 0.5, 0.25);
const LABELS = { byLabel: true, mu, logvar, logShare: new Float32Array(2) };
const MIXTURE = { byLabel: false, mu, logvar, logShare: Float32Array.of(Math.log(0.25), Math.log(0.75)) };
const Z = Float32Array.of(0.3, -1.2);
const Q = { mu: Float32Array.of(1, 0.2), logvar: Float32Array.of(Math.log(4), -1) };

test("without a prior of its own a model has the standard normal", () => {
  close(logProb(null, null, Z), logNormal(0.3, 0, 0) + logNormal(-1.2, 0, 0));
  close(meanLogProb(null, null, 3), -1.5 * (1 + Math.log(2 * Math.PI)));
  close(kl({ mu: Float32Array.of(1, 0), logvar: Float32Array.of(0, Math.log(4)) }), 0.5 + (3 - Math.log(4)) / 2);
  assert.equal(kl({ mu: new Float32Array(3), logvar: new Float32Array(3) }), 0);
  const uniform = uniforms(7);
  const expected = Float32Array.from({ length: 5 }, () => quantile(uniform()));
  assert.deepEqual(draw(null, null, 5, uniforms(7)), expected);
});

test("a label has its own Gaussian", () => {
  close(logProb(LABELS, 1, Z), logNormal(0.3, -3, 0.5) + logNormal(-1.2, 0.5, 0.25));
  close(logProb(LABELS, 0, Z), logNormal(0.3, 1, 0) + logNormal(-1.2, 2, -1));
  const terms = [[-3, 0.5], [0.5, 0.25]].map(([m, l], i) =>
    0.5 * ((Math.exp(Q.logvar[i]) + (Q.mu[i] - m) ** 2) / Math.exp(l) - 1 - Q.logvar[i] + l));
  close(kl(Q, LABELS, 1), terms[0] + terms[1]);
  assert.equal(isMixture(LABELS), false);
});

test("a mixture's density is the weighted sum of its parts", () => {
  const parts = [0, 1].map((k) => Math.exp(logProb(LABELS, k, Z)));
  close(logProb(MIXTURE, null, Z), Math.log(0.25 * parts[0] + 0.75 * parts[1]));
  assert.equal(isMixture(MIXTURE), true);
});

test("draws from a mixture have its mean, and as many of each part as its share", () => {
  const uniform = uniforms(3);
  const drawn = Array.from({ length: 4000 }, () => draw(MIXTURE, null, 2, uniform));
  close(drawn.reduce((sum, z) => sum + z[0], 0) / 4000, 0.25 * 1 + 0.75 * -3, 0.15);
  close(drawn.filter((z) => z[0] > -1).length / 4000, 0.25, 0.05);
});

test("moments are those of the label, or of the whole mixture", () => {
  const [means, sigmas] = moments(LABELS, 1, 2);
  close(means[0], -3);
  close(sigmas[1], Math.exp(0.125));
  const [whole, spread] = moments(MIXTURE, null, 2);
  close(whole[0], 0.25 * 1 + 0.75 * -3);
  const square = 0.25 * (1 + 1) + 0.75 * (Math.exp(0.5) + 9);
  close(spread[0], Math.sqrt(square - whole[0] ** 2));
});

test("estimates over draws agree with the closed forms of one part", () => {
  const twice = { byLabel: false, mu: Float32Array.of(1, 2, 1, 2), logvar: Float32Array.of(0, -1, 0, -1), logShare: Float32Array.of(Math.log(0.5), Math.log(0.5)) };
  close(kl(Q, twice), kl(Q, LABELS, 0), 1.5);
  close(meanLogProb(twice, null, 2), meanLogProb(LABELS, 0, 2), 0.5);
});
