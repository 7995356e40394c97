import assert from "node:assert/strict";
import { test } from "node:test";
import { describeShown, nearestCodes, readingOf } from "../../../../browser/map/reading.js";
import { points, square } from "./fixtures.mjs";

const classes = ["nought", "one"];

test("the nearest codes come nearest first", () => {
  assert.deepEqual([...nearestCodes(square(), [1, 0.8], 3)], [2, 1, 3]);
});

test("the nearest of many codes are those of a full sort, the first of equal ones first", () => {
  let seed = 7;
  const random = () => ((seed = (seed * 16807) % 2147483647) % 9) - 4; // many distances are equal
  for (const [count, d, k] of [[200, 1, 10], [200, 3, 12], [5, 2, 12], [50, 2, 1]]) {
    const set = points([...Array(count).keys()], Array.from({ length: count * d }, random));
    const z = Array.from({ length: d }, random);
    const far = (i) => z.reduce((sum, value, dim) => sum + (set.mu[i * d + dim] - value) ** 2, 0);
    const sorted = [...Array(count).keys()].sort((a, b) => far(a) - far(b)).slice(0, k);
    assert.deepEqual([...nearestCodes(set, z, k)], sorted);
  }
  assert.equal(nearestCodes(points([], []), [], 3).length, 0);
});

test("a code reads as the most frequent class of its neighbours, in a tie as the nearest one", () => {
  const { read } = readingOf(square(), classes);
  assert.deepEqual(read([1, 0.8]), { name: "one", votes: 2, of: 4 });
  const labels = Int16Array.of(0, 0, 0, 1);
  assert.deepEqual(readingOf(square({ labels }), classes).read([-1, 1]), { name: "nought", votes: 3, of: 4 });
});

test("without labels, or for a code of another model, there is nothing to read", () => {
  assert.equal(readingOf(points([1], [0, 0]), classes).read([0, 0]), null);
  assert.equal(readingOf(square(), classes).read([0, 0, 0]), null);
});

test("a picture is named by its example, that near it, or its code", () => {
  const reading = readingOf(square(), classes);
  const code = "z = (1, 1)";
  assert.equal(describeShown({ reading, id: 12, near: false, code }), "example 12, class one, z = (1, 1)");
  assert.equal(describeShown({ reading, id: 12, near: true, code }), "z = (1, 1), near example 12, class one");
  assert.equal(describeShown({ reading, id: null, near: true, code }), code);
  assert.equal(describeShown({ reading: null, id: 99, near: false, code }), "example 99, z = (1, 1)");
  assert.equal(describeShown({ reading, id: 99, near: false, code }), "example 99, z = (1, 1)");
});
