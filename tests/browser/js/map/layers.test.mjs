import assert from "node:assert/strict";
import { test } from "node:test";
import { pointStyle } from "../../../../browser/map/layers.js";

test("more points are smaller and more transparent; zooming enlarges them up to a limit", () => {
  const counts = [100, 1000, 10_000, 70_000].map((count) => pointStyle(count, 1));
  for (let i = 1; i < counts.length; i += 1) {
    assert.ok(counts[i].radius < counts[i - 1].radius);
    assert.ok(counts[i].opacity <= counts[i - 1].opacity);
  }
  const [far, whole, near, nearest] = [0.1, 1, 4, 400].map((magnification) => pointStyle(100, magnification).radius);
  assert.equal(far, whole);
  assert.ok(near > whole);
  assert.equal(nearest, 2.2 * whole);
});

test("points let the decoded plane through", () => {
  const [none, half, whole] = [0, 0.5, 1].map((plane) => pointStyle(5000, 1, plane).opacity);
  assert.ok(whole > 0 && whole < half && half < none);
});
