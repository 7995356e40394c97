import assert from "node:assert/strict";
import test from "node:test";

import { movePen } from "../../../../browser/pad/canvas.js";

test("arrow keys move the pen from the middle, farther with shift", () => {
  assert.deepEqual(movePen(null, "ArrowLeft", false), { x: 132, y: 140 });
  assert.deepEqual(movePen({ x: 50, y: 60 }, "ArrowDown", true), { x: 50, y: 84 });
});

test("the border stops the pen, so that its ink stays inside", () => {
  assert.deepEqual(movePen({ x: 15, y: 20 }, "ArrowLeft", true), { x: 13, y: 20 });
  assert.deepEqual(movePen({ x: 20, y: 265 }, "ArrowDown", false), { x: 20, y: 267 });
});

test("other keys move no pen", () => {
  assert.equal(movePen(null, "Enter", false), null);
});
