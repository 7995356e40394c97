import assert from "node:assert/strict";
import test from "node:test";

import { carried, nextCell } from "../../../../browser/panels/styles.js";

test("a style is the same code under every label, or as far from the label's own mean", () => {
  const z = Float32Array.of(2, 0);
  assert.deepEqual(carried(z, null, 0, 1), z);
  const priors = [[[1, 0], [0.5, 1]], [[-1, 4], [2, 3]]];
  assert.deepEqual(carried(z, priors, 0, 1), Float32Array.of(-1 + 2 * 2, 4));
  assert.deepEqual(carried(carried(z, priors, 0, 1), priors, 1, 0), z);
});

test("arrow keys move over styles and labels and stop at the border", () => {
  const size = { columns: 10, rows: 5 };
  assert.equal(nextCell(0, "ArrowLeft", size), 0);
  assert.equal(nextCell(9, "ArrowRight", size), 9);
  assert.equal(nextCell(3, "ArrowDown", size), 13);
  assert.equal(nextCell(45, "ArrowDown", size), 45);
  assert.equal(nextCell(3, "x", size), null);
});
