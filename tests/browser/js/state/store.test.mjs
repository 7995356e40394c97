import assert from "node:assert/strict";
import { test } from "node:test";
import { createStore, schedule, store, storeOf, unschedule } from "../../../../browser/state/store.js";

const page = (z, zVersion, modelHash = "a") => ({ modelHash, z, zVersion });

test("listeners hear which keys really changed, and from whom", () => {
  const store = createStore();
  const heard = [];
  store.subscribe((_, changed, origin) => heard.push([[...changed], origin]));
  store.set({ z: Float32Array.of(1, 2), seed: 0 }, "map");
  store.set({ z: Float32Array.of(1, 2) }, "map");
  assert.deepEqual(heard, [[["z"], "map"]]);
});

test("a listener that stops hears no more", () => {
  const store = createStore();
  let calls = 0;
  const stop = store.subscribe(() => (calls += 1));
  store.set({ seed: 1 });
  stop();
  store.set({ seed: 2 });
  assert.equal(calls, 1);
});

test("an unknown key is refused by its name", () => {
  assert.throws(() => createStore().set({ zeta: 1 }), /zeta/);
});

test("what moves is shown, what is pinned otherwise", () => {
  const store = createStore();
  store.set({ z: Float32Array.of(1) });
  assert.deepEqual([...store.shown()], [1]);
  store.set({ live: Float32Array.of(5) });
  assert.deepEqual([...store.shown()], [5]);
  store.set({ live: null });
  assert.deepEqual([...store.shown()], [1]);
});

test("a code is decoded under its example's own label, any other under the one that was chosen", () => {
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

test("a rerun with a version already seen moves nothing", () => {
  const store = createStore();
  assert.equal(store.adopt(page([1, 2], 1)), true);
  store.set({ z: Float32Array.of(8, 9), live: Float32Array.of(7, 7) }, "map");
  assert.equal(store.adopt(page([1, 2], 1)), false);
  assert.deepEqual([...store.get().z], [8, 9]);
  assert.deepEqual([...store.get().live], [7, 7]);
});

test("a new version is taken over, and ends what was moving", () => {
  const store = createStore();
  store.adopt(page([1, 2], 1));
  store.set({ live: Float32Array.of(7, 7) });
  store.adopt({ ...page([3, 4], 2), pinnedId: 12 });
  assert.deepEqual([...store.get().z], [3, 4]);
  assert.equal(store.get().pinnedId, 12);
  assert.equal(store.get().live, null);
});

test("another model is taken over whatever its version, without the old network", () => {
  const store = createStore();
  store.adopt(page([1, 2], 1));
  store.set({ network: { hash: "a" } });
  store.adopt(page([0, 0, 0], 1, "b"));
  assert.equal(store.get().network, null);
  assert.equal(store.get().z.length, 3);
});

test("what is asked for many times runs once in the next frame", async () => {
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

test("each side of a page has one state, and the page's own is the one without a side", () => {
  assert.equal(storeOf(undefined), store);
  assert.equal(storeOf(null), store);
  assert.equal(storeOf("other"), storeOf("other"));
  assert.notEqual(storeOf("other"), store);
});
