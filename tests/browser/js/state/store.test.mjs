import assert from "node:assert/strict";
import { test } from "node:test";
import { createStore, schedule, store, storeOf, unschedule } from "../../../../browser/state/store.js";

const page = (z, zVersion, modelHash = "a") => ({ modelHash, z, zVersion });

test("listeners receive the keys whose values changed, and the origin", () => {
  const store = createStore();
  const heard = [];
  store.subscribe((_, changed, origin) => heard.push([[...changed], origin]));
  store.set({ z: Float32Array.of(1, 2), seed: 0 }, "map");
  store.set({ z: Float32Array.of(1, 2) }, "map");
  assert.deepEqual(heard, [[["z"], "map"]]);
});

test("an unsubscribed listener is not called", () => {
  const store = createStore();
  let calls = 0;
  const stop = store.subscribe(() => (calls += 1));
  store.set({ seed: 1 });
  stop();
  store.set({ seed: 2 });
  assert.equal(calls, 1);
});

test("an unknown key is an error that names it", () => {
  assert.throws(() => createStore().set({ zeta: 1 }), /zeta/);
});

test("the live code is shown, else the pinned one", () => {
  const store = createStore();
  store.set({ z: Float32Array.of(1) });
  assert.deepEqual([...store.shown()], [1]);
  store.set({ live: Float32Array.of(5) });
  assert.deepEqual([...store.shown()], [5]);
  store.set({ live: null });
  assert.deepEqual([...store.shown()], [1]);
});

test("an example's code is decoded with its own label, other codes with the chosen one", () => {
  const store = createStore();
  store.set({ z: Float32Array.of(1), y: 4 });
  assert.equal(store.label(), 4);
  store.set({ live: Float32Array.of(5), liveY: 7 });
  assert.equal(store.label(), 7);
  store.set({ liveY: null });
  assert.equal(store.label(), 4);
  store.set({ live: null, liveY: 7 });
  assert.equal(store.label(), 4);
});

test("a rerun with the same version changes nothing", () => {
  const store = createStore();
  assert.equal(store.adopt(page([1, 2], 1)), true);
  store.set({ z: Float32Array.of(8, 9), live: Float32Array.of(7, 7) }, "map");
  assert.equal(store.adopt(page([1, 2], 1)), false);
  assert.deepEqual([...store.get().z], [8, 9]);
  assert.deepEqual([...store.get().live], [7, 7]);
});

test("a new version is applied and ends the live code", () => {
  const store = createStore();
  store.adopt(page([1, 2], 1));
  store.set({ live: Float32Array.of(7, 7) });
  store.adopt({ ...page([3, 4], 2), pinnedId: 12 });
  assert.deepEqual([...store.get().z], [3, 4]);
  assert.equal(store.get().pinnedId, 12);
  assert.equal(store.get().live, null);
});

test("another model is applied with any version, without the network before", () => {
  const store = createStore();
  store.adopt(page([1, 2], 1));
  store.set({ network: { hash: "a" } });
  store.adopt(page([0, 0, 0], 1, "b"));
  assert.equal(store.get().network, null);
  assert.equal(store.get().z.length, 3);
});

test("a function scheduled many times runs once in the next frame", async () => {
  let runs = 0;
  const draw = () => (runs += 1);
  for (let i = 0; i < 5; i++) schedule(draw);
  await new Promise((done) => setTimeout(done, 20));
  assert.equal(runs, 1);
  schedule(draw);
  unschedule(draw);
  await new Promise((done) => setTimeout(done, 20));
  assert.equal(runs, 1);
});

test("each side of a page has one store, and no side means the page's own", () => {
  assert.equal(storeOf(undefined), store);
  assert.equal(storeOf(null), store);
  assert.equal(storeOf("other"), storeOf("other"));
  assert.notEqual(storeOf("other"), store);
});
