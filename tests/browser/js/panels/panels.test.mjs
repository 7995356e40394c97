import assert from "node:assert/strict";
import test from "node:test";

import { nextLabel } from "../../../../browser/panels/labels.js";
import { cellCode, cellOf, neighbourCell } from "../../../../browser/panels/manifold.js";
import { quantileAxis } from "../../../../browser/model/quantile.js";
import { rank, traverse } from "../../../../browser/panels/sliders.js";
import { carried, nextCell } from "../../../../browser/panels/styles.js";
import { linePoints } from "../../../../browser/ui/sparkline.js";

test("dimensions are ranked by KL, ties by number; the dead are apart", () => {
  assert.deepEqual(rank([0.5, 0.001, 2, 0.5, NaN], 0.01), { active: [2, 0, 3], inactive: [1, 4] });
});

test("a traversal changes one dimension and holds the others", () => {
  const codes = traverse(Float32Array.of(1, 2, 3), 1, [-3, 0, 3]);
  assert.deepEqual([...codes], [1, -3, 3, 1, 0, 3, 1, 3, 3]);
});

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

test("arrow keys go round the labels; Home and End lead to the ends", () => {
  assert.equal(nextLabel(0, "ArrowLeft", 10), 9);
  assert.equal(nextLabel(9, "ArrowRight", 10), 0);
  assert.equal(nextLabel(4, "Home", 10), 0);
  assert.equal(nextLabel(4, "End", 10), 9);
  assert.equal(nextLabel(4, "Enter", 10), null);
});

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

test("arrow keys lead to neighbours and stop at the border; other keys lead nowhere", () => {
  assert.equal(neighbourCell(12, "ArrowLeft", 5), 11);
  assert.equal(neighbourCell(12, "ArrowUp", 5), 7);
  assert.equal(neighbourCell(4, "ArrowRight", 5), 4);
  assert.equal(neighbourCell(22, "ArrowDown", 5), 22);
  assert.equal(neighbourCell(12, "Home", 5), 10);
  assert.equal(neighbourCell(12, "PageUp", 5), 2);
  assert.equal(neighbourCell(12, "a", 5), null);
});

test("a sparkline spans its width, puts the largest on top and leaves out what is unknown", () => {
  assert.equal(linePoints([1, 3, 2], 1, 3), "0.00,23.00 50.00,1.00 100.00,12.00");
  assert.equal(linePoints([1, NaN, 3], 1, 3), "0.00,23.00 100.00,1.00");
  assert.equal(linePoints([2, 2], 2, 2), "0.00,23.00 100.00,23.00");
});
