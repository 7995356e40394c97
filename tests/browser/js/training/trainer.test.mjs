import assert from "node:assert/strict";
import test from "node:test";

import { KERNELS } from "../../../../browser/training/arithmetic.js";
import { weightsHash } from "../../../../browser/training/folder.js";
import { Past } from "../../../../browser/training/past.js";
import { readSettings } from "../../../../browser/training/settings.js";
import { Trainer } from "../../../../browser/training/trainer.js";

/** Bars at random places: 130 pictures of 5 × 5 to train on, 37 that are shown. */
function bars() {
  const picture = (n) => Array.from({ length: 25 }, (_, i) => (i % 5 === (n * 7) % 5 ? 200 + ((n * i) % 50) : (n + i) % 30));
  const several = (from, to) => Uint8Array.from({ length: to - from }, (_, i) => from + i).reduce((all, n) => [...all, ...picture(n)], []);
  return {
    name: "bars", title: "Bars", shape: [1, 5, 5], classes: [], trainSize: null, labels: null,
    images: Uint8Array.from(several(0, 130)), shown: Uint8Array.from(several(130, 167)), ids: Int32Array.from({ length: 37 }, (_, i) => i),
  };
}

function trained(text, steps, kernel) {
  const trainer = new Trainer(readSettings(text).settings, bars(), kernel);
  for (let i = 0; i < steps; i++) trainer.advance();
  return trainer;
}

test("the same settings give the same weights to the last bit, and others give others", () => {
  const hash = (text) => weightsHash(trained(text, 20).network);
  assert.equal(hash("digits_d3_b2"), hash("digits_d3_b2"));
  const all = ["digits", "digits_s1", "digits_n1", "digits_b2", "digits_nokl", "digits_nosampling", "digits_frozen", "digits_10~b2"].map(hash);
  assert.equal(new Set(all).size, all.length);
});

test("a change on the way is the same whether a link has it or a hand makes it", () => {
  const byHand = trained("digits_w16", 10);
  byHand.change("beta", 8);
  for (let i = 0; i < 10; i++) byHand.advance();
  assert.equal(weightsHash(byHand.network), weightsHash(trained("digits_w16_10~b8", 20).network));
});

test("JavaScript computes what each kernel computes, for every layer and likelihood", () => {
  const kernels = Object.entries(KERNELS).filter(([, kernel]) => kernel !== null);
  assert.ok(kernels.length > 0);
  for (const text of ["digits_d1_w7_tanh", "digits_d2_w9_silu_gaussian", "digits_d3_w130_leaky-relu", "digits_w8_gaussian_b3"]) {
    const expected = trained(text, 1, null).network.arrays;
    for (const [name, kernel] of kernels) {
      const { gradients, weights, rate, distortion } = trained(text, 1, kernel).network.arrays;
      // After one step Adam's weights are the signs of the gradients: tiny ones tell nothing.
      for (const [what, found, wanted] of [["gradients", gradients, expected.gradients], ["rate", rate, expected.rate], ["distortion", distortion, expected.distortion]]) {
        const scale = Math.max(...wanted.map(Math.abs));
        wanted.forEach((value, i) => assert.ok(Math.abs(found[i] - value) < 2e-5 * scale, `${name} ${text} ${what} ${i}: ${found[i]} ${value}`));
      }
      assert.equal(weights.length, expected.weights.length);
    }
  }
});

test("a training lowers its loss, and without the KL its codes spread", () => {
  const start = trained("digits_w32", 0).measure();
  const usual = trained("digits_w32", 600).measure();
  const without = trained("digits_w32_nokl", 600).measure();
  assert.ok(usual.elbo > start.elbo + 0.5, `${usual.elbo} ${start.elbo}`);
  assert.ok(without.rate > 2 * usual.rate, `${without.rate} ${usual.rate}`);
});

test("without sampling z is the mean, and a frozen decoder keeps its weights", () => {
  const means = trained("digits_w16_nosampling", 3);
  means.past.wants = () => false; // whose measurements would need noise
  means.advance();
  const { arrays: { z }, encoder: [, { out }] } = means.network;
  for (let n = 0; n < 30; n++) assert.deepEqual(z.slice(2 * n, 2 * n + 2), out.slice(4 * n, 4 * n + 2));
  const frozen = trained("digits_w16_frozen", 5).network;
  const first = trained("digits_w16_frozen", 0).network;
  const [cut, end] = [frozen.cut, frozen.arrays.weights.length];
  assert.deepEqual(frozen.arrays.weights.slice(cut, end), first.arrays.weights.slice(cut, end));
  assert.notDeepEqual(frozen.arrays.weights.slice(0, cut), first.arrays.weights.slice(0, cut));
});

test("a look at the past leaves the present as it is", () => {
  const [looked, other] = [trained("digits_w16", 30), trained("digits_w16", 30)];
  const moment = looked.past.moments[3];
  const before = looked.at(moment, () => looked.measure());
  assert.equal(before.rate, moment.rate);
  looked.advance();
  other.advance();
  assert.equal(weightsHash(looked.network), weightsHash(other.network));
});

test("the past keeps its ends, and its moments stay spread by ratios", () => {
  const past = new Past(1000, 4000 * 20);
  for (let step = 0; step <= 100_000; step++) if (past.wants(step)) past.keep({ step, weights: null });
  const steps = past.moments.map(({ step }) => step);
  assert.equal(steps.length, 20);
  assert.equal(steps[0], 0);
  assert.ok(steps.at(-1) > 90_000);
  const ratios = steps.slice(1).map((step, i) => (step + 1) / (steps[i] + 1));
  assert.ok(Math.max(...ratios) < 4, ratios.join());
});
