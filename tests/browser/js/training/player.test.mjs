import assert from "node:assert/strict";
import test from "node:test";

import { store } from "../../../../browser/state/store.js";
import { Player } from "../../../../browser/training/player.js";
import { readSettings } from "../../../../browser/training/settings.js";

const DATA = {
  name: "squares", title: "Squares", shape: [1, 4, 4], classes: [], trainSize: null, labels: null,
  images: Uint8Array.from({ length: 60 * 16 }, (_, i) => (i * 37) % 251), shown: Uint8Array.from({ length: 6 * 16 }, (_, i) => (i * 53) % 251),
  ids: Int32Array.from({ length: 6 }, (_, i) => i),
};

/** A player without a worker, as on a page that cannot have one. */
async function opened(text) {
  const texts = [];
  let notify = () => {};
  const player = new Player({
    frame: () => notify(), changed: () => {}, settings: (one) => texts.push(one), error: (sentence) => assert.fail(sentence), folder: () => {},
  });
  const until = (true_) => new Promise((resolve) => {
    notify = () => player.frame !== null && true_(player.frame) && resolve();
    notify();
  });
  player.open(readSettings(text).settings, DATA);
  await until(() => true);
  return { player, texts, until };
}

test("facts of the present are in the store while there is a training, and a look at the past changes none", async () => {
  const { player, until } = await opened("digits_w8");
  assert.deepEqual([store.get().training.step, store.get().training.settings.beta], [0, 1]);
  player.step(3);
  await until(({ step }) => step === 3);
  assert.equal(store.get().training.step, 3);
  player.look(0);
  await until(({ moment }) => moment === 0);
  assert.equal(store.get().training.step, 3);
  player.destroy();
  assert.equal(store.get().training, null);
});

test("a change shows at once, goes into the link with its step, and a reset begins with it", async () => {
  const { player, texts, until } = await opened("digits_w8_90~b4");
  player.step(2);
  await until(({ step }) => step === 2);
  player.change("kl", false);
  assert.equal(player.now.kl, false);
  await until(({ settings }) => settings.includes("nokl"));
  assert.deepEqual(texts, ["digits_w8_2~nokl_90~b4"]);
  player.reset();
  await until(({ step }) => step === 0);
  assert.equal(texts.at(-1), "digits_w8_nokl_90~b4");
  assert.deepEqual([player.now.kl, player.now.beta], [false, 1]);
  player.destroy();
});

test("while it plays, frames follow one another with four steps each", async () => {
  const { player, until } = await opened("digits_w8");
  const seen = [];
  player.play();
  await until(({ step }) => seen.push(step) > 3);
  player.pause();
  assert.deepEqual(seen.filter((step) => step > 0).slice(0, 2), [4, 8]);
  player.destroy();
});
