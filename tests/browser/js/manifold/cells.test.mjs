import assert from "node:assert/strict";
import test from "node:test";

import {
  boundedSide, cellAfterKey, cellCode, cellCodes, cellOf, cellUnder, hairlineColour,
} from "../../../../browser/manifold/cells.js";
import { quantileAxis } from "../../../../browser/model/quantile.js";

const square = (n) => ({ columns: n, rows: n });

test("the grid's second dimension grows upwards, its first to the right, the rest is held", () => {
  const axis = quantileAxis(5);
  const held = Float32Array.of(9, 9, 7);
  assert.deepEqual(cellCode(0, 5, [0, 1], held), Float32Array.of(axis[0], axis[4], 7));
  assert.deepEqual(cellCode(24, 5, [0, 1], held), Float32Array.of(axis[4], axis[0], 7));
  assert.deepEqual(cellCode(7, 5, [2, 0], held), Float32Array.of(axis[3], 9, axis[2]));
});

test("all codes of a grid are those of its cells, one after another", () => {
  const held = Float32Array.of(9, 9, 7);
  const codes = cellCodes(5, [0, 1], held);
  assert.equal(codes.length, 25 * 3);
  assert.deepEqual(codes.slice(21, 24), cellCode(7, 5, [0, 1], held));
});

test("each cell's code falls into that cell", () => {
  for (const n of [5, 12]) {
    for (let i = 0; i < n * n; i += 1) {
      assert.equal(cellOf(cellCode(i, n, [1, 0], new Float32Array(2)), n, [1, 0]), i);
    }
  }
});

test("a grid of another prior lies at that prior's quantiles, and its codes fall into their cells", () => {
  const axis = quantileAxis(5);
  const prior = [[1, -2], [0.5, 3]];
  const z = cellCode(4, 5, [0, 1], new Float32Array(2), prior);
  assert.ok(Math.abs(z[0] - (1 + 0.5 * axis[4])) < 1e-6);
  assert.ok(Math.abs(z[1] - (-2 + 3 * axis[4])) < 1e-6);
  for (let i = 0; i < 25; i += 1) {
    assert.equal(cellOf(cellCode(i, 5, [0, 1], new Float32Array(2), prior), 5, [0, 1], prior), i);
  }
});

test("a single dimension goes on from row to row", () => {
  const codes = Array.from({ length: 25 }, (_, i) => cellCode(i, 5, [0, 1], new Float32Array(1)));
  assert.ok(codes.every((z, i) => z.length === 1 && (i === 0 || z[0] > codes[i - 1][0])));
  codes.forEach((z, i) => assert.equal(cellOf(z, 5, [0, 1]), i));
});

test("a grid has 5 to 30 pictures a side, 20 where nothing usable is asked for", () => {
  assert.deepEqual([4, 31, 7.4, NaN, undefined].map(boundedSide), [5, 30, 7, 20, 20]);
});

test("arrow keys lead to neighbours and stop at the border; other keys lead nowhere", () => {
  assert.equal(cellAfterKey(12, "ArrowLeft", square(5)), 11);
  assert.equal(cellAfterKey(12, "ArrowUp", square(5)), 7);
  assert.equal(cellAfterKey(4, "ArrowRight", square(5)), 4);
  assert.equal(cellAfterKey(22, "ArrowDown", square(5)), 22);
  assert.equal(cellAfterKey(12, "Home", square(5)), 10);
  assert.equal(cellAfterKey(12, "PageUp", square(5)), 2);
  assert.equal(cellAfterKey(12, "a", square(5)), null);
});

test("arrow keys stop at the border of a grid that is no square", () => {
  const size = { columns: 10, rows: 5 };
  assert.equal(cellAfterKey(0, "ArrowLeft", size), 0);
  assert.equal(cellAfterKey(9, "ArrowRight", size), 9);
  assert.equal(cellAfterKey(3, "ArrowDown", size), 13);
  assert.equal(cellAfterKey(45, "ArrowDown", size), 45);
  assert.equal(cellAfterKey(3, "x", size), null);
});

test("a pointer on or beyond the border is over the nearest cell", () => {
  const box = { left: 100, top: 50, width: 200, height: 100 };
  const under = (clientX, clientY) => cellUnder({ clientX, clientY }, box, { columns: 10, rows: 5 });
  assert.equal(under(100, 50), 0);
  assert.equal(under(145, 75), 12);
  assert.equal(under(300, 150), 49);
  assert.equal(under(90, 400), 40);
});

test("lines tell pictures apart that run to their edges: grey on dark ones, clear on others", () => {
  const picture = (edge, middle) => Float32Array.from({ length: 25 }, (_, i) => (i === 12 ? middle : edge));
  assert.equal(hairlineColour(picture(0, 1), [1, 5, 5]), null);
  assert.equal(hairlineColour(picture(0.5, 1), [1, 5, 5]), "transparent");
  const half = Float32Array.from({ length: 25 }, (_, i) => i % 2);
  assert.equal(hairlineColour(half, [1, 5, 5]), "#8a9694");
});
