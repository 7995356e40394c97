import assert from "node:assert/strict";
import test from "node:test";

import { cellCode, cellOf, neighbourCell } from "../../../app/components/static/manifold.js";
import { rate } from "../../../app/components/static/pad.js";
import { quantileAxis } from "../../../app/components/static/quantile.js";
import { rank, traverse } from "../../../app/components/static/sliders.js";
import { linePoints } from "../../../app/components/static/sparkline.js";

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

test("arrow keys lead to neighbours and stop at the border; other keys lead nowhere", () => {
  assert.equal(neighbourCell(12, "ArrowLeft", 5), 11);
  assert.equal(neighbourCell(12, "ArrowUp", 5), 7);
  assert.equal(neighbourCell(4, "ArrowRight", 5), 4);
  assert.equal(neighbourCell(22, "ArrowDown", 5), 22);
  assert.equal(neighbourCell(12, "Home", 5), 10);
  assert.equal(neighbourCell(12, "PageUp", 5), 2);
  assert.equal(neighbourCell(12, "a", 5), null);
});

test("the rate is the closed form of KL between a Gaussian and the prior", () => {
  assert.equal(rate({ mu: new Float32Array(3), logvar: new Float32Array(3) }), 0);
  // Two dimensions by hand: (1 + 1 - 1 - 0) / 2 and (0 + 4 - 1 - log 4) / 2.
  const posterior = { mu: Float32Array.of(1, 0), logvar: Float32Array.of(0, Math.log(4)) };
  assert.ok(Math.abs(rate(posterior) - (0.5 + (3 - Math.log(4)) / 2)) < 1e-6);
});

test("a sparkline spans its width, puts the largest on top and leaves out what is unknown", () => {
  assert.equal(linePoints([1, 3, 2], 1, 3), "0.00,23.00 50.00,1.00 100.00,12.00");
  assert.equal(linePoints([1, NaN, 3], 1, 3), "0.00,23.00 100.00,1.00");
  assert.equal(linePoints([2, 2], 2, 2), "0.00,23.00 100.00,23.00");
});
