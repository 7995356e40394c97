/** Lines between nodes, from adjacency matrices. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { blend, degrees, expectedEdges, pixelOf, rasterise, strengths } from "../../../../browser/model/adjacency.js";

const MATRIX = [0, 1, 0.5, 1, 0, 0, 0, 0.25, 0];

test("a line is the mean of its two directions, pair after pair", () => {
  assert.deepEqual([...strengths(MATRIX, 3)], [1, 0.25, 0.125]);
});

test("a matrix of another size is refused by its numbers", () => {
  assert.throws(() => strengths(MATRIX, 4), /4 nodes need 16 numbers, these are 9/);
});

test("edges are counted once, and at both of their nodes", () => {
  const lines = strengths(MATRIX, 3);
  assert.equal(expectedEdges(lines), 1.375);
  assert.deepEqual([...degrees(lines, 3)], [1.25, 1.125, 0.375]);
});

/** The lines of three nodes on a square of 60 pixels, with one of them alone. */
function drawn(opacities) {
  const raster = rasterise([[0, 1], [1, 0], [0, -1]], 60);
  return blend(Float32Array.from(opacities), raster);
}

const at = (sheet, [x, y]) => sheet[Math.floor(y) * 60 + Math.floor(x)];

test("a line runs from node to node and bends towards the middle", () => {
  const sheet = drawn([1, 0, 0]);
  assert.ok(at(sheet, pixelOf([0, 1], 60)) > 0.2);
  assert.ok(at(sheet, pixelOf([1, 0], 60)) > 0.2);
  assert.equal(at(sheet, pixelOf([0.5, 0.5], 60)), 0);
  // A quadratic curve passes half-way between the chord's middle and its control point.
  const [x, y] = pixelOf([0.3875, 0.3875], 60);
  const around = [-1, 0, 1].map((d) => at(sheet, [x + d, y]));
  assert.ok(Math.max(...around) > 0.5, `${around}`);
  assert.equal(at(sheet, pixelOf([-0.5, 0], 60)), 0);
});

test("a line is as opaque as it is strong, and one below sight is left out", () => {
  const [sure, half, never] = [drawn([0, 1, 0]), drawn([0, 0.5, 0]), drawn([0, 0.01, 0])];
  sure.forEach((opacity, pixel) => assert.ok(Math.abs(half[pixel] - opacity / 2) < 1e-6));
  assert.ok(Math.max(...sure) <= 1 && Math.max(...sure) > 0.5);
  assert.equal(Math.max(...never), 0);
});

test("lines that cross lie over each other", () => {
  const [one, other, both] = [drawn([0.5, 0, 0]), drawn([0, 0.5, 0]), drawn([0.5, 0.5, 0])];
  both.forEach((opacity, pixel) => {
    assert.ok(Math.abs(opacity - (1 - (1 - one[pixel]) * (1 - other[pixel]))) < 1e-6);
  });
});

test("a line has the same ink whatever its direction, and stays on the sheet", () => {
  const flat = rasterise([[-0.5, 0], [0.5, 0]], 200);
  const steep = rasterise([[-0.4, -0.3], [0.4, 0.3]], 200);
  const ink = ({ cover }) => cover.reduce((sum, value) => sum + value / 255, 0);
  assert.ok(Math.abs(ink(flat) / ink(steep) - 1) < 0.1, `${ink(flat)} ${ink(steep)}`);
  const outside = rasterise([[-1.2, 0], [1.2, 0]], 50);
  assert.ok(outside.pixels.every((pixel) => pixel < 2500));
});
