import assert from "node:assert/strict";
import { test } from "node:test";
import { toggled } from "../../../../browser/map/legend.js";

test("toggling a label returns a new set", () => {
  const before = new Set([2]);
  assert.deepEqual([...toggled(before, 5)], [2, 5]);
  assert.deepEqual([...toggled(before, 2)], []);
  assert.deepEqual([...before], [2]);
});
