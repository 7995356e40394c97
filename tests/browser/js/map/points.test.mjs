import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestCode } from "../../../../browser/map/points.js";
import { points } from "./fixtures.mjs";

test("the nearest code is found over all dimensions", () => {
  assert.equal(nearestCode(points([5, 6, 7], [0, 0, 9, 0, 0, 1, 3, 3, 0]), [0, 0, 2]), 1);
});
