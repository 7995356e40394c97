import assert from "node:assert/strict";
import { test } from "node:test";

import { crossEntropy, figuresOf } from "../../../../browser/learn/figures.js";

/** A decoder of one linear layer and a logistic function: pixels z1 and z2 in [0, 1]. */
const network = {
  hash: "m", latentDim: 2, imageShape: [1, 1, 2], classes: 0, prior: null, hasRate: true, encoder: null,
  decoder: [
    { op: "linear", weight: Float32Array.of(1, 0, 0, 1), bias: Float32Array.of(0, 0), size: 2 },
    { op: "sigmoid", size: 2 },
  ],
};
const known = { mu: Float32Array.of(1, -2), logvar: Float32Array.of(Math.log(4), 0) };
const x = Float32Array.of(1, 0.25);
const given = { network, x, known, chosen: null, y: null, seed: 3, hasPixelTerms: true };
const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-5, `${a} is not ${b}`);

test("noise is drawn, and z follows from it", () => {
  const { eps, z, sigma, chosen } = figuresOf(given);
  assert.deepEqual([...sigma], [2, 1]);
  assert.equal(chosen, false);
  near(z[0], 1 + 2 * eps[0]);
  near(z[1], -2 + eps[1]);
  assert.deepEqual(figuresOf(given).eps, eps, "the same seed draws the same");
  assert.notDeepEqual(figuresOf({ ...given, seed: 4 }).eps, eps);
});

test("a chosen z says which noise leads to it", () => {
  const { eps, z, chosen } = figuresOf({ ...given, chosen: Float32Array.of(5, 0) });
  assert.ok(chosen);
  assert.deepEqual([...z], [5, 0]);
  assert.deepEqual([...eps], [2, 2]);
});

test("the loss is the KL in closed form and the cross-entropy at this z", () => {
  const { mean, rate, distortion, loss } = figuresOf({ ...given, chosen: Float32Array.of(0, 0) });
  near(mean[0], 0.5);
  near(rate, 0.5 * (1 + 4 - Math.log(4) - 1 + 4 + 1 - 0 - 1));
  near(distortion, 2 * Math.log(2));
  near(loss, rate + distortion);
  near(crossEntropy([1, 0], [1, 0]), 0);
  assert.ok(Number.isFinite(crossEntropy([1], [0])));
});

test("without the original there is no distortion, and no sum", () => {
  const { rate, distortion, loss } = figuresOf({ ...given, x: null });
  assert.ok(rate > 0);
  assert.deepEqual([distortion, loss], [null, null]);
  assert.equal(figuresOf({ ...given, hasPixelTerms: false }).distortion, null);
});
