import assert from "node:assert/strict";
import test from "node:test";

import { changed, DEFAULTS, readSettings, settingsAt, writeSettings } from "../../../../browser/training/settings.js";

test("a text has what differs from the data's defaults, and is read again as the same settings", () => {
  for (const text of ["digits", "mnist_d3_w500_tanh_gaussian_s7_n8_b0.25_r0.0001_nokl_nosampling_frozen", "digits_b4_500~nokl_900~b2"]) {
    const { settings, ignored } = readSettings(text);
    assert.deepEqual(ignored, []);
    assert.deepEqual(readSettings(writeSettings(settings)).settings, settings);
  }
  assert.equal(writeSettings(readSettings("digits_d2_relu_b1_s0").settings), "digits");
});

test("words that are unknown or out of range are named, and the others hold", () => {
  const { settings, ignored } = readSettings("mnist_d4_w3_b-1_r1_swish_s1e9x_constructor_d1_10~d2_20~b2");
  assert.deepEqual(ignored, ["d4", "w3", "b-1", "r1", "swish", "s1e9x", "constructor", "10~d2"]);
  assert.equal(settings.latentDim, 1);
  assert.deepEqual(settings.changes, [{ step: 20, name: "beta", value: 2 }]);
  assert.deepEqual(readSettings("__proto___d1"), { settings: DEFAULTS.digits, ignored: [""] });
});

test("a change on the way holds from its step on, and replaces another of that step", () => {
  let settings = changed(DEFAULTS.digits, 0, "beta", 4);
  assert.deepEqual(settings.changes, []);
  settings = changed(settings, 100, "kl", false);
  settings = changed(settings, 100, "kl", true); // back again
  settings = changed(settings, 200, "beta", 2);
  assert.equal(writeSettings(settings), "digits_b4_200~b2");
  assert.deepEqual([0, 199, 200].map((step) => settingsAt(settings, step).beta), [4, 4, 2]);
});

test("there are at most forty changes", () => {
  let settings = DEFAULTS.digits;
  for (let step = 1; step <= 40; step++) settings = changed(settings, step, "beta", step % 2 ? 4 : 1);
  assert.throws(() => changed(settings, 41, "beta", 16), /at most 40 changes/);
});
