import assert from "node:assert/strict";
import { test } from "node:test";
import { Outline } from "../../../../browser/map/outline.js";

test("a box lies between its first and its last point", () => {
  const box = new Outline("box", [1, 1]);
  box.extend([9, 9]);
  box.extend([3, 0]);
  assert.deepEqual(box.polygon(0.01), [[1, 0], [3, 0], [3, 1], [1, 1]]);
});

test("a lasso keeps corners and drops points on its edges", () => {
  const lasso = new Outline("lasso", [0, 0]);
  for (const place of [[1, 0.001], [2, 0], [2, 1], [2, 2], [0, 2]]) lasso.extend(place);
  assert.deepEqual(lasso.polygon(0.01), [[0, 0], [2, 0], [2, 2], [0, 2]]);
});

test("a point or a line has no polygon", () => {
  assert.equal(new Outline("box", [1, 1]).polygon(0.01), null);
  const lasso = new Outline("lasso", [0, 0]);
  for (const x of [1, 2, 3]) lasso.extend([x, 0]);
  assert.equal(lasso.polygon(0.01), null);
});
