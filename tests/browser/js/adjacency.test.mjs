/** Lines between nodes, from adjacency matrices. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { curves, degrees, expectedEdges, strengths } from "../../../app/components/static/adjacency.js";

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

test("curves begin and end at their nodes and bend towards the middle", () => {
  const found = curves([[0, 1], [1, 0], [0, -1]]);
  assert.equal(found.length, 18);
  assert.deepEqual([...found.slice(0, 2), ...found.slice(4, 8)], [0, 1, 1, 0, 0, 1]);
  const middle = Math.hypot(0.5, 0.5);
  const control = Math.hypot(found[2], found[3]);
  assert.ok(control > 0 && control < middle);
});
