import assert from "node:assert/strict";
import { test } from "node:test";
import { hintOf } from "../../../../browser/map/hint.js";
import { EncodedSet } from "../../../../browser/map/set.js";
import { points, square, squareWithoutInverse } from "./fixtures.mjs";

const off = { hovering: true, hovered: null, pinnedId: null };
const pca = { pca: { mean: Float32Array.of(0, 0, 0, 0), components: Float32Array.of(1, 0, 0, 0, 0, 1, 0, 0) } };
const four = (more) => points([1, 2], [0, 0, 0, 0, 1, 1, 1, 1], more);

test("off the points of a projection, the other directions are named", () => {
  const set = new EncodedSet(four({ ...pca, projections: { pca: Float32Array.of(0, 0, 1, 1) } }), "pca", [0, 1]);
  assert.equal(hintOf(set, off), "Projected: the other 2 directions are at their mean.");
  const raw = new EncodedSet(points([1], [0, 0, 0]), "raw", [0, 1]);
  assert.equal(hintOf(raw, off), "Projected: the other dimension is as in the selected code.");
});

test("on a point, without a pointer and in two dimensions there is nothing to say", () => {
  const set = new EncodedSet(four(), "raw", [0, 1]);
  assert.equal(hintOf(set, { ...off, hovered: 2 }), null);
  assert.equal(hintOf(set, { ...off, hovering: false }), null);
  assert.equal(hintOf(new EncodedSet(square(), "raw", [0, 1]), off), null);
});

test("t-SNE says that it has no inverse, and that a code that is no image is not drawn", () => {
  const set = new EncodedSet(squareWithoutInverse(), "tsne", [0, 1]);
  assert.equal(hintOf(set, { ...off, pinnedId: 11 }), "t-SNE cannot be decoded; showing the nearest image.");
  assert.match(hintOf(set, off), /t-SNE cannot be decoded.* cannot show it/);
});
