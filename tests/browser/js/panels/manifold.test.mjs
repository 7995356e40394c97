import assert from "node:assert/strict";
import test from "node:test";

import { quantileAxis } from "../../../../browser/model/quantile.js";
import { cellCode, cellOf, neighbourCell } from "../../../../browser/panels/manifold.js";

test("the grid's second dimension grows upwards, its first to the right, the rest is held", () => {
  const axis = quantileAxis(5);
  const held = Float32Array.of(9, 9, 7);
  assert.deepEqual(cellCode(axis, 0, [0, 1], held), Float32Array.of(axis[0], axis[4], 7));
  assert.deepEqual(cellCode(axis, 24, [0, 1], held), Float32Array.of(axis[4], axis[0], 7));
  assert.deepEqual(cellCode(axis, 7, [2, 0], held), Float32Array.of(axis[3], 9, axis[2]));
});

test("each cell's code falls into that cell", () => {
  for (const n of [5, 12]) {
    const axis = quantileAxis(n);
    for (let i = 0; i < n * n; i += 1) {
      assert.equal(cellOf(cellCode(axis, i, [1, 0], new Float32Array(2)), n, [1, 0]), i);
    }
  }
});

test("a grid of another prior lies at that prior's quantiles, and its codes fall into their cells", () => {
  const axis = quantileAxis(5);
  const prior = [[1, -2], [0.5, 3]];
  const z = cellCode(axis, 4, [0, 1], new Float32Array(2), prior);
  assert.ok(Math.abs(z[0] - (1 + 0.5 * axis[4])) < 1e-6);
  assert.ok(Math.abs(z[1] - (-2 + 3 * axis[4])) < 1e-6);
  for (let i = 0; i < 25; i += 1) {
    assert.equal(cellOf(cellCode(axis, i, [0, 1], new Float32Array(2), prior), 5, [0, 1], prior), i);
  }
});

test("a single dimension goes on from row to row", () => {
  const axis = quantileAxis(25);
  const codes = Array.from({ length: 25 }, (_, i) => cellCode(axis, i, [0, 1], new Float32Array(1)));
  assert.ok(codes.every((z, i) => z.length === 1 && (i === 0 || z[0] > codes[i - 1][0])));
  codes.forEach((z, i) => assert.equal(cellOf(z, 5, [0, 1]), i));
});

test("arrow keys lead to neighbours and stop at the border; other keys lead nowhere", () => {
  assert.equal(neighbourCell(12, "ArrowLeft", 5), 11);
  assert.equal(neighbourCell(12, "ArrowUp", 5), 7);
  assert.equal(neighbourCell(4, "ArrowRight", 5), 4);
  assert.equal(neighbourCell(22, "ArrowDown", 5), 22);
  assert.equal(neighbourCell(12, "Home", 5), 10);
  assert.equal(neighbourCell(12, "PageUp", 5), 2);
  assert.equal(neighbourCell(12, "a", 5), null);
});
