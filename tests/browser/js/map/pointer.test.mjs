import assert from "node:assert/strict";
import { test } from "node:test";
import { createMap, points, square, squareWithoutInverse } from "./fixtures.mjs";

const named = (calls, name) => calls.filter(([called]) => called === name);
const live = (store) => Array.from(store.get().live ?? [], (value) => Number(value.toFixed(6)));

test("hovering over empty space makes the code there live, and sends nothing to Python", () => {
  const { gestures, store, state, sent, calls } = createMap();
  gestures.hover(250, 100);
  assert.deepEqual(live(store), [0.5, 1]);
  assert.equal(store.get().hovered, null);
  assert.equal(state.pointer.hovering, true);
  assert.deepEqual(sent, []);
  assert.equal(named(calls, "redraw").length, 1);
});

test("an example is hovered within 7 pixels, by a finger within 16", () => {
  const { gestures, store, calls } = createMap();
  gestures.hover(300 + 6, 300);
  assert.equal(store.get().hovered, 11);
  assert.equal(named(calls, "card over")[0][1], 11);
  gestures.hover(300 + 9, 300);
  assert.equal(store.get().hovered, null);
  gestures.follow(300 + 15, 300);
  assert.equal(store.get().hovered, 11);
});

test("examples of hidden classes are ignored", () => {
  const { gestures, store, state } = createMap();
  state.selection.hide(new Set([0]));
  gestures.hover(300, 300);
  assert.equal(store.get().hovered, null);
  gestures.hover(300, 100);
  assert.equal(store.get().hovered, 12);
});

test("leaving ends the live code", () => {
  const { gestures, store, state } = createMap();
  gestures.hover(300, 300);
  gestures.leave();
  assert.deepEqual([store.get().live, store.get().hovered, state.pointer.cursor], [null, null, null]);
});

test("leaving does not end the live code of another panel", () => {
  const { gestures, store } = createMap();
  store.set({ live: Float32Array.of(3, 3) }, "a slider");
  gestures.leave();
  assert.deepEqual(live(store), [3, 3]);
});

test("a tap pins the example by its id, or the code at a point without an example", () => {
  const { gestures, sent } = createMap();
  gestures.tap(302, 298, false);
  gestures.tap(200, 200, false);
  assert.deepEqual(sent, [
    ["pin", { z: [1, -1], pinned_id: 11, y: null }],
    ["pin", { z: [0, 0], pinned_id: null, y: null }],
  ]);
});

test("a conditional model decodes an example with its own label, other codes with the chosen one", () => {
  const { gestures, store, sent } = createMap(square(), { y: 0 });
  gestures.hover(300, 100);
  assert.equal(store.get().liveY, 1);
  gestures.tap(300, 100, false);
  assert.equal(sent[0][1].y, 1);
  gestures.tap(200, 200, false);
  assert.equal(sent[1][1].y, 1, "the label that was chosen last");
  gestures.hover(200, 200);
  assert.equal(store.get().liveY, null);
});

test("without an inverse empty space shows and pins the nearest example", () => {
  const { gestures, store, sent } = createMap(squareWithoutInverse(), { projection: "tsne" });
  gestures.hover(250, 250);
  assert.deepEqual(live(store), [1, -1]);
  assert.equal(store.get().hovered, 11);
  gestures.tap(250, 250, false);
  assert.equal(sent[0][1].pinned_id, 11);
});

test("lifting the finger pins the code that was decoded; a second finger cancels that", () => {
  const { gestures, store, sent } = createMap();
  gestures.follow(310, 300);
  gestures.followed(false);
  assert.equal(store.get().live, null);
  assert.deepEqual(sent, []);
  gestures.follow(310, 300);
  gestures.followed(true);
  assert.equal(sent[0][1].pinned_id, null);
  assert.ok(Math.abs(sent[0][1].z[0] - 1.1) < 1e-6);
});

test("the card of a finger stays when it is lifted, and goes with the next tap", () => {
  const { gestures, calls } = createMap();
  gestures.follow(300, 300);
  gestures.followed(true);
  assert.deepEqual([named(calls, "card stay").length, named(calls, "card hide").length], [1, 0]);
  gestures.tap(100, 100, true);
  assert.equal(named(calls, "card hide").length, 1);
});

test("on a projection, an example under the pointer is decoded and pinned as itself", () => {
  const { gestures, store, pointer, sent } = createMap(points([10, 11], [-1, -1, 5, 1, -1, 7]), { z: [0, 0, 2] });
  gestures.hover(300 + 5, 300);
  assert.deepEqual(live(store), [1, -1, 7], "not the point on the plane");
  pointer.pinLive();
  assert.deepEqual(sent[0], ["pin", { z: [1, -1, 7], pinned_id: 11, y: null }]);
  gestures.hover(200, 200);
  assert.deepEqual(live(store), [0, 0, 7], "beside the points, on the plane of the pinned code");
});

test("nothing is hovered or pinned while points move or are another model's", () => {
  const { gestures, store, state, sent } = createMap();
  store.set({ z: Float32Array.of(1, 2, 3) });
  gestures.hover(200, 200);
  gestures.tap(200, 200, false);
  store.set({ z: Float32Array.of(1, 2) });
  state.set.moveFrom(state.set, state.camera.position, state.camera.position, 0);
  gestures.hover(200, 200);
  gestures.tap(200, 200, false);
  assert.equal(store.get().live, null);
  assert.deepEqual(sent, []);
});

test("a box selects the examples inside it", () => {
  const { gestures, state, sent } = createMap();
  gestures.outlineStart("box", 250, 50);
  gestures.outlineMove(350, 350);
  assert.equal(state.pointer.outline.path.length, 4);
  gestures.outlineEnd(true);
  assert.deepEqual([...state.selection.selected.ids], [11, 12]);
  const [name, { polygon, projection, dims }] = sent[0];
  assert.deepEqual([name, polygon.length, projection, dims], ["selection", 4, "raw", [0, 1]]);
  assert.equal(state.pointer.outline, null);
});

test("a cancelled outline and one without an area select nothing", () => {
  const { gestures, state, sent } = createMap();
  gestures.outlineStart("lasso", 50, 50);
  for (const place of [[350, 50], [350, 350]]) gestures.outlineMove(...place);
  gestures.outlineEnd(false);
  gestures.outlineStart("lasso", 50, 50);
  gestures.outlineEnd(true);
  assert.equal(state.selection.selected, null);
  assert.deepEqual(sent, []);
});

test("moving the camera hides the card, and Python receives the camera when it has settled", () => {
  const { gestures, state, sent, calls } = createMap();
  gestures.pan(100, 0);
  assert.equal(state.camera.position.x, -1);
  gestures.zoom(200, 200, 2);
  assert.equal(state.camera.position.height, 2);
  assert.equal(named(calls, "card hide").length, 2);
  assert.deepEqual(sent, []);
  gestures.settled();
  assert.deepEqual(sent, [["camera", { x: -1, y: 0, height: 2 }]]);
});

test("the code and the class of the nearest example are announced", () => {
  const { gestures, calls } = createMap();
  gestures.hover(250, 150);
  gestures.hover(300, 300);
  const [first, second] = named(calls, "say").map(([, say]) => say());
  assert.equal(first, "z = (0.50, 0.50); nearest: one");
  assert.equal(second, "z = (1.00, −1.00); nearest: nought");
});

test("the card is placed at the example, not at the pointer", () => {
  const { gestures, calls } = createMap();
  gestures.hover(303, 301);
  const [, , content] = named(calls, "card over")[0];
  assert.deepEqual(content().position, [300, 300]);
});
