import assert from "node:assert/strict";
import test from "node:test";

import { comparable, link } from "../../../../browser/state/linking.js";
import { createStore } from "../../../../browser/state/store.js";

/** Codes of the examples 3 and 7, which lie elsewhere in the second model. */
const CODES = [{ 3: [1, 1], 7: [2, 2] }, { 3: [-1, -1], 7: [-2, -2, -2] }];

function two(how, z = [[0, 0], [0, 0]]) {
  const stores = z.map((code) => {
    const store = createStore();
    store.set({ z: Float32Array.from(code) });
    return store;
  });
  const codeOf = (store, id) => {
    const code = CODES[stores.indexOf(store)][id];
    return code ? Float32Array.from(code) : null;
  };
  const unlink = link(...stores, { by: "z", shared: true, codeOf, ...how });
  return [...stores, unlink];
}

test("stores linked by code share live and pinned codes in both directions", () => {
  const [first, second] = two();
  first.set({ live: Float32Array.of(1, 2) }, "map");
  assert.deepEqual([...second.get().live], [1, 2]);
  second.set({ z: Float32Array.of(3, 4), pinnedId: 7, live: null }, "map");
  assert.deepEqual([...first.get().z], [3, 4]);
  assert.equal(first.get().pinnedId, null, "the other model's example has another code here");
  assert.equal(first.get().live, null);
});

test("codes of another length are not copied", () => {
  const [first, second] = two({}, [[0, 0], [0, 0, 0]]);
  first.set({ z: Float32Array.of(1, 2), live: Float32Array.of(1, 2) });
  assert.equal(second.get().live, null);
  assert.equal(second.get().z.length, 3);
});

test("stores linked by example show each model's own code of it", () => {
  const [first, second] = two({ by: "example" });
  first.set({ live: Float32Array.of(1, 1), hovered: 3 }, "map");
  assert.equal(second.get().hovered, 3);
  assert.deepEqual([...second.get().live], [-1, -1]);
  second.set({ z: Float32Array.of(-2, -2), pinnedId: 7, live: null, hovered: null }, "map");
  assert.equal(first.get().pinnedId, 7);
  assert.deepEqual([...first.get().z], [2, 2]);
  assert.equal(first.get().live, null);
});

test("an example that is pinned under the pointer is live in neither store", () => {
  const [first, second] = two({ by: "example" });
  first.set({ live: Float32Array.of(1, 1), hovered: 3 }, "map");
  first.set({ z: Float32Array.of(1, 1), pinnedId: 3, live: null }, "map");
  assert.deepEqual([first.get().live, second.get().live], [null, null]);
  assert.deepEqual([first.get().pinnedId, second.get().pinnedId], [3, 3]);
});

test("stores linked by example ignore other codes and unknown examples", () => {
  const [first, second] = two({ by: "example" });
  first.set({ live: Float32Array.of(5, 5), hovered: null }, "map");
  first.set({ live: Float32Array.of(5, 6), hovered: 99 }, "map");
  assert.equal(second.get().live, null);
  assert.equal(second.get().hovered, null);
});

test("a selection is shared only between models of the same examples", () => {
  const [first, second] = two({ by: null });
  const ids = new Set([3, 7]);
  second.set({ selected: ids }, "map");
  assert.equal(first.get().selected, ids);
  const [one, other] = two({ by: null, shared: false });
  one.set({ selected: ids }, "map");
  assert.equal(other.get().selected, null);
});

test("an existing selection is shared when stores are linked", () => {
  const [first, second] = [createStore(), createStore()];
  first.set({ selected: new Set([3]) });
  link(first, second, { by: "z", shared: true, codeOf: () => null });
  assert.equal(second.get().selected, first.get().selected);
});

test("Python's changes of one store are not copied to the other", () => {
  const [first, second] = two();
  first.adopt({ modelHash: "a", z: [9, 9], zVersion: 1 });
  assert.deepEqual([...second.get().z], [0, 0]);
});

test("unlinking stops copying and ends live codes", () => {
  const [first, second, unlink] = two();
  first.set({ live: Float32Array.of(1, 2), selected: new Set([3]) });
  unlink();
  assert.equal(second.get().live, null);
  assert.equal(second.get().selected, null);
  first.set({ live: Float32Array.of(3, 4) });
  assert.equal(second.get().live, null);
});

test("models are comparable when they show the same code or the same example", () => {
  const [first, second] = two({ by: "example" });
  assert.equal(comparable(first, second, "z"), true);
  assert.equal(comparable(first, second, null), false);
  assert.equal(comparable(first, second, "example"), false, "nothing is pinned");
  first.set({ pinnedId: 3 });
  assert.equal(comparable(first, second, "example"), true);
  first.set({ live: Float32Array.of(5, 5) });
  assert.equal(comparable(first, second, "example"), false, "empty space has no counterpart");
});
