import assert from "node:assert/strict";
import { test } from "node:test";
import { classify, GREYED, HIDDEN, insideRegion, Selection, SHOWN, withIds } from "../../../../browser/map/selection.js";
import { createStore } from "../../../../browser/state/store.js";
import { points, square } from "./fixtures.mjs";

/** The right half of the square: examples 11 and 12. */
const RIGHT = { polygon: [[0, -2], [2, -2], [2, 2], [0, 2]], projection: "raw", dims: [0, 1] };

function made(set = square(), hidden = []) {
  const sent = [];
  const store = createStore();
  let changes = 0;
  const emit = { state: (name, value) => sent.push([name, value]) };
  const selection = new Selection({ store, emit, origin: "this map" }, hidden, () => (changes += 1));
  selection.setPoints(set);
  return { selection, store, sent, changes: () => changes };
}

test("a region selects the examples inside its polygon, in its own plane", () => {
  const { members, ids, key } = insideRegion(square(), RIGHT);
  assert.deepEqual([...members], [0, 1, 1, 0]);
  assert.deepEqual([...ids], [11, 12]);
  assert.equal(key, "raw:0:1");
  assert.deepEqual([...insideRegion(square(), { ...RIGHT, dims: [1, 0] }).ids], [12, 13]);
});

test("examples are selected by id, and unknown ids are ignored", () => {
  assert.deepEqual([...withIds(square(), new Set([13, 10, 99])).members], [1, 0, 0, 1]);
});

test("hidden labels are hidden whether selected or not; without a selection all others are shown", () => {
  assert.deepEqual([...classify(square(), new Set([1]), null)], [SHOWN, SHOWN, HIDDEN, HIDDEN]);
  assert.deepEqual([...classify(square(), new Set([1]), [0, 1, 1, 0])], [GREYED, SHOWN, HIDDEN, HIDDEN]);
  assert.deepEqual([...classify(points([1], [0, 0]), new Set([0]), null)], [SHOWN]);
});

test("drawing a region greys the other examples, and sends it to the store and to Python", () => {
  const { selection, store, sent } = made(square(), [1]);
  assert.equal(selection.count, null);
  selection.draw(RIGHT);
  assert.deepEqual(sent, [["selection", RIGHT]]);
  assert.deepEqual([...store.get().selected], [11, 12]);
  assert.deepEqual([...selection.layer], [GREYED, SHOWN, HIDDEN, HIDDEN]);
  assert.equal(selection.count, 1, "a hidden one is not counted");
  assert.equal(selection.isVisible(0), true);
  assert.equal(selection.isVisible(2), false);
});

test("hidden examples are not counted", () => {
  const { selection, changes } = made();
  selection.draw(RIGHT);
  const before = changes();
  selection.hide(new Set([0]));
  assert.equal(selection.count, 1);
  selection.hide(new Set());
  assert.equal(selection.count, 2);
  assert.equal(changes(), before + 2);
});

test("the polygon is drawn only in its own plane", () => {
  const { selection } = made();
  selection.draw(RIGHT);
  assert.equal(selection.polygonIn("raw:0:1"), RIGHT.polygon);
  assert.equal(selection.polygonIn("pca"), null);
  selection.setPoints(selection.points);
  assert.equal(selection.polygonIn("raw:0:1"), RIGHT.polygon, "another plane of the same points");
});

test("clearing is sent to Python, also for a selection made on another map", () => {
  const { selection, store, sent } = made();
  assert.equal(selection.clear(), false);
  selection.draw(RIGHT);
  assert.equal(selection.clear(), true);
  assert.deepEqual(sent[1], ["selection", null]);
  assert.equal(store.get().selected, null);
  selection.selectIds(new Set([10]));
  assert.equal(selection.clear(), true);
  assert.ok("cleared" in sent[2][1], "a value that Python has not heard before");
});

test("Python's selection is applied once for each version; null clears only a drawn one", () => {
  const { selection, sent } = made();
  selection.adopt(RIGHT, 1);
  assert.equal(selection.count, 2);
  selection.clear();
  selection.adopt(RIGHT, 1);
  assert.equal(selection.count, null);
  selection.selectIds(new Set([10]));
  selection.adopt(null, 2);
  assert.equal(selection.count, 1, "another map's selection stays");
  selection.adopt(RIGHT, 3);
  selection.adopt(null, 4);
  assert.equal(selection.count, null);
  assert.equal(sent.length, 1, "Python is not told what it said");
});

test("the same examples stay selected when codes or order change, without the polygon", () => {
  const { selection } = made();
  selection.draw(RIGHT);
  selection.setPoints(points([12, 77, 10], [-9, -9, 0, 0, 0, 0]));
  assert.deepEqual([...selection.layer], [SHOWN, GREYED, GREYED]);
  assert.equal(selection.polygonIn("raw:0:1"), null);
});

test("a new map applies the store's selection", () => {
  const { selection, store } = made();
  store.set({ selected: new Set([10, 11, 12]) });
  selection.setPoints(square());
  assert.equal(selection.count, 3);
});

test("release clears the map's own selection, not a later one", () => {
  const { selection, store } = made();
  selection.draw(RIGHT);
  const other = new Set([10]);
  store.set({ selected: other });
  selection.release();
  assert.equal(store.get().selected, other);
  selection.selectIds(other);
  selection.release();
  assert.equal(store.get().selected, null);
});
