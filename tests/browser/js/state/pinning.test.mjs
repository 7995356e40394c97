import assert from "node:assert/strict";
import { test } from "node:test";

import { pin } from "../../../../browser/state/pinning.js";
import { createStore } from "../../../../browser/state/store.js";

/** Pins a code on a page of its own; returns the store's code and what Python is sent. */
function pinned(z, more = {}) {
  const store = createStore();
  const sent = [];
  pin({ state: (name, value) => sent.push([name, value]) }, Float32Array.from(z), { store, ...more });
  return { code: Array.from(store.get().z), sent };
}

test("a free code is what the address can hold, so that a link opens the same picture", () => {
  const { code, sent } = pinned([-0.961289, 12.34567]);
  assert.deepEqual(code, Array.from(Float32Array.of(-0.9613, 12.35)));
  assert.deepEqual(sent, [["pin", { z: code, pinned_id: null, y: null }]]);
});

test("an example keeps its code, since the address holds its id", () => {
  const { code } = pinned([-0.961289, 12.34567], { pinnedId: 7 });
  assert.deepEqual(code, Array.from(Float32Array.of(-0.961289, 12.34567)));
});
