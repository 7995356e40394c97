import assert from "node:assert/strict";
import { test } from "node:test";
import { EncodedSet } from "../../../../browser/map/set.js";
import { points, square, squareWithoutInverse } from "./fixtures.mjs";

const all = () => true;
const raw = (set = square()) => new EncodedSet(set, "raw", [0, 1]);
const tsne = () => new EncodedSet(squareWithoutInverse(), "tsne", [0, 1]);

test("a point has the code in the plane, with other dimensions held", () => {
  const set = raw(points([1], [0, 0, 0]));
  const { z, example } = set.codeAt(0.5, -2, [7, 8, 9], all);
  assert.deepEqual([...z], [0.5, -2, 9]);
  assert.equal(example, -1);
});

test("without an inverse, a point has the code of the nearest accepted example", () => {
  assert.deepEqual([...tsne().codeAt(9, 8, [0, 0], all).z], [1, 1]);
  const { z, example } = tsne().codeAt(9, 8, [0, 0], (n) => n !== 2);
  assert.equal(example, 1);
  assert.deepEqual([...z], [1, -1]);
  assert.equal(tsne().codeAt(9, 8, [0, 0], () => false), null);
});

test("a code is projected, or without a projection at its example or the nearest one", () => {
  assert.deepEqual(raw().positionOf([0.25, 0.5]), [0.25, 0.5]);
  assert.deepEqual(tsne().positionOf([0.9, 0.8]), [10, 10]);
  assert.deepEqual(tsne().positionOf([0.9, 0.8], 10), [-10, -10]);
  assert.equal(raw().positionOf([1, 2, 3]), null, "a code of another model");
});

test("without a projection only examples have a place where they are drawn", () => {
  assert.deepEqual(raw().placeOf([0.25, 0.5], null), [0.25, 0.5]);
  assert.equal(tsne().placeOf([0, 0], null), null, "the prior's mean");
  assert.deepEqual(tsne().placeOf([-1, -1], 10), [-10, -10]);
});

test("for one dimension, an example's code is at its point, other codes on the line", () => {
  const line = Float32Array.of(-1, 1.5, 2, -1.5);
  const set = new EncodedSet(points([1, 2], [-1, 2], { projections: { line } }), "raw", [0, 1]);
  assert.deepEqual(set.positionOf([2], 2), [2, -1.5]);
  assert.deepEqual(set.positionOf([2]), [2, 0]);
});

test("the next example is the nearest within 45 degrees of the direction", () => {
  const set = raw(points([1, 2, 3, 4], [0, 0, 3, 1, 2, 2.5, 5, 0]));
  assert.equal(set.nextExample([0, 0], [1, 0], 0.01, all), 1);
  assert.equal(set.nextExample([0, 0], [1, 0], 0.01, (n) => n !== 1), 3);
  assert.equal(set.nextExample([0, 0], [0, 1], 0.01, all), 2);
  assert.equal(set.nextExample([0, 0], [-1, 0], 0.01, all), -1);
});

test("points move from the plane before to their positions in 400 ms", () => {
  const before = raw();
  const set = tsne();
  const camera = { x: 0, y: 0, height: 4 };
  set.moveFrom(before, camera, { ...camera, height: 40 }, 0);
  assert.equal(set.moving, true);
  assert.deepEqual([...set.positions(1000).x], [-10, 10, 10, -10], "the old places, in the new camera's units");
  set.plane.x[0] = 0;
  assert.equal(set.positions(1200).x[0], -5);
  assert.equal(set.moving, true);
  assert.equal(set.positions(1400), set.plane);
  assert.equal(set.moving, false);
});

test("an interrupted movement continues from the current positions", () => {
  const camera = { x: 0, y: 0, height: 4 };
  const first = raw(points([10], [0, 0]));
  const second = raw(points([10], [8, 0]));
  second.moveFrom(first, camera, camera, 0);
  second.positions(0);
  const third = raw(points([10], [8, 4]));
  third.moveFrom(second, camera, camera, 200);
  assert.equal(third.positions(200).x[0], 4);
});
