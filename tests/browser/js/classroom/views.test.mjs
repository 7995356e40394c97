import assert from "node:assert/strict";
import test from "node:test";

import { movesPinOnly, showPin } from "../../../../browser/classroom/views.js";
import { createStore } from "../../../../browser/state/store.js";

const view = (parameters, page = "explore") => ({ page, parameters, pin: null });

test("a pin of the model that is shown is shown at once, and not undone by an older run", () => {
  const store = createStore();
  store.adopt({ modelHash: "m", z: [0, 0], zVersion: 1 });
  store.set({ live: Float32Array.of(3, 3) });
  assert.equal(showPin(store, { pin: { model: "m", z: [1, 2], pinned_id: 7, y: null } }), true);
  assert.deepEqual([[...store.shown()], store.get().pinnedId], [[1, 2], 7]);
  store.adopt({ modelHash: "m", z: [0, 0], zVersion: 1 });
  assert.deepEqual([...store.get().z], [1, 2]);
});

test("a map is drawn as the teacher's, and again only when that has changed", () => {
  const store = createStore();
  store.adopt({ modelHash: "m", z: [0, 0], zVersion: 1 });
  const looks = [];
  store.subscribe(({ look }, changed) => changed.has("look") && looks.push(look?.colour ?? null));
  const pin = { model: "m", z: [1, 2], pinned_id: null, y: null };
  for (const colour of ["label", "label", "rate"]) showPin(store, { pin: { ...pin, look: { colour, selection: null } } });
  showPin(store, { pin });
  assert.deepEqual(looks, ["label", "rate", null]);
});

test("pins of other models and of machines wait for the page", () => {
  const store = createStore();
  store.adopt({ modelHash: "m", z: [0, 0], zVersion: 1 });
  for (const pin of [null, { model: "n", z: [1, 2], pinned_id: null, y: null }]) assert.equal(showPin(store, { pin }), false);
  assert.deepEqual([...store.get().z], [0, 0]);
});

test("views that differ in the pinned code alone are told from others", () => {
  assert.equal(movesPinOnly(view({ model: "m", z: "1,1" }), view({ model: "m", id: "7" })), true);
  assert.equal(movesPinOnly(view({ z: "1,1" }), view({ z: "2,2", colour: "rate" })), false);
  assert.equal(movesPinOnly(view({}), view({}, "decode")), false);
  assert.equal(movesPinOnly(null, view({})), false);
});
