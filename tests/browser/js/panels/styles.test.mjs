import assert from "node:assert/strict";
import test from "node:test";

import { arrange, carryOver } from "../../../../browser/panels/styles.js";

test("a style is the same code under every label, or as far from the label's own mean", () => {
  const z = Float32Array.of(2, 0);
  assert.deepEqual(carryOver(z, null, 0, 1), z);
  const priors = [[[1, 0], [0.5, 1]], [[-1, 4], [2, 3]]];
  assert.deepEqual(carryOver(z, priors, 0, 1), Float32Array.of(-1 + 2 * 2, 4));
  assert.deepEqual(carryOver(carryOver(z, priors, 0, 1), priors, 1, 0), z);
});

test("styles are rows, or columns where labels run down; a cell knows its style and label", () => {
  for (const [upright, size] of [[false, { columns: 10, rows: 3 }], [true, { columns: 3, rows: 10 }]]) {
    const cells = arrange(3, 10, upright);
    assert.deepEqual(cells.size, size);
    for (const [style, label] of [[0, 0], [2, 9], [1, 4]]) {
      assert.deepEqual(cells.partsOf(cells.indexOf(style, label)), { style, label });
    }
  }
  assert.equal(arrange(3, 10, false).indexOf(1, 4), 14);
});
