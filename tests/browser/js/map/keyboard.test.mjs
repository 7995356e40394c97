import assert from "node:assert/strict";
import { test } from "node:test";
import { createMap, squareWithoutInverse } from "./fixtures.mjs";

const live = (store) => Array.from(store.get().live, (value) => Number(value.toFixed(6)));

test("arrow keys move the live code by 1/80 of the height, with Shift by 1/12", () => {
  const { keyboard, store } = createMap();
  assert.equal(keyboard.press("ArrowRight", false), true);
  assert.deepEqual(live(store), [0.05, 0]);
  keyboard.press("ArrowUp", true);
  assert.deepEqual(live(store), [0.05, Number((4 / 12).toFixed(6))]);
  keyboard.press("ArrowDown", true);
  keyboard.press("ArrowLeft", false);
  assert.deepEqual(live(store).map(Math.abs), [0, 0]);
});

test("without an inverse, arrow keys move to the next example, if there is one", () => {
  const { keyboard, store, state } = createMap(squareWithoutInverse(), { projection: "tsne", z: [-1, -1] });
  keyboard.press("ArrowRight", false);
  assert.equal(store.get().hovered, 11);
  keyboard.press("ArrowUp", false);
  assert.equal(store.get().hovered, 12);
  keyboard.press("ArrowUp", false);
  assert.equal(store.get().hovered, 12);
  assert.deepEqual([state.camera.position.x, state.camera.position.y], [0, 0]);
});

test("the camera follows a code that leaves the screen", () => {
  const { keyboard, state } = createMap();
  for (let press = 0; press < 8; press += 1) keyboard.press("ArrowRight", true);
  assert.ok(state.camera.position.x > 0);
  const [px] = state.camera.toScreen(...state.pointer.cursor);
  assert.ok(Math.abs(px - 376) < 1e-6, `${px} is 24 pixels from the edge`);
});

test("Enter pins the live code, if there is one", () => {
  const { keyboard, sent } = createMap();
  keyboard.press("Enter", false);
  assert.deepEqual(sent, []);
  keyboard.press("ArrowRight", true);
  keyboard.press("Enter", false);
  assert.equal(sent[0][0], "pin");
  assert.equal(sent[0][1].z[0], Math.fround(0.3333)); // 4 / 12, as the address holds it
});

test("without an inverse, Enter pins the example", () => {
  const { keyboard, sent } = createMap(squareWithoutInverse(), { projection: "tsne", z: [-1, -1] });
  keyboard.press("ArrowUp", false);
  keyboard.press("Enter", false);
  assert.equal(sent[0][1].pinned_id, 13);
});

test("plus and minus zoom around the centre, 0 shows all points", () => {
  const { keyboard, state, sent } = createMap();
  const { height } = state.camera.position;
  for (const [near, far] of [["+", "-"], ["=", "_"]]) {
    keyboard.press(near, false);
    assert.equal(state.camera.position.height, height / 1.3);
    keyboard.press(far, false);
    assert.ok(Math.abs(state.camera.position.height - height) < 1e-12);
  }
  assert.deepEqual(sent, [], "Python hears when it has settled");
  keyboard.press("0", false);
  assert.equal(state.camera.fitted, true);
  assert.equal(sent[0][0], "camera");
});

test("Escape ends hovering and clears the selection, else it is left to the page", () => {
  const { keyboard, store, state } = createMap();
  assert.equal(keyboard.press("Escape", false), false);
  keyboard.press("ArrowRight", false);
  assert.equal(keyboard.press("Escape", false), true);
  assert.equal(store.get().live, null);
  state.selection.selectIds(new Set([10]));
  assert.equal(keyboard.press("Escape", false), true);
  assert.equal(state.selection.selected, null);
});

test("other keys are left to the page", () => {
  const { keyboard, store, sent } = createMap();
  for (const key of ["a", "Tab", "toString", "PageUp"]) assert.equal(keyboard.press(key, false), false);
  assert.deepEqual([store.get().live, sent], [null, []]);
});
