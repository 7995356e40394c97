import assert from "node:assert/strict";
import { test } from "node:test";
import { origins, planeOf } from "../../../../browser/map/planes.js";
import { points } from "./fixtures.mjs";

test("a plane of two latent dimensions decodes with the other dimensions held", () => {
  const plane = planeOf(points([1, 2], [1, 2, 3, 4, 5, 6]), "raw", [2, 0]);
  assert.deepEqual([...plane.x], [3, 6]);
  assert.deepEqual([...plane.y], [1, 4]);
  assert.deepEqual([...plane.lift(7, 8, [0, 9, 0])], [8, 9, 7]);
  assert.deepEqual(plane.project([8, 9, 7]), [7, 8]);
});

test("the PCA plane's lift is the inverse of its projection", () => {
  const pca = { mean: Float32Array.of(1, 1, 1), components: Float32Array.of(0.6, 0.8, 0, 0, 0, 1) };
  const set = points([1], [1, 2, 3], { pca, projections: { pca: Float32Array.of(0, 0) } });
  const plane = planeOf(set, "pca", [0, 1]);
  const [x, y] = plane.project(plane.lift(0.5, -2));
  assert.ok(Math.abs(x - 0.5) < 1e-6 && Math.abs(y + 2) < 1e-6);
  const [xx, xy, yy] = plane.covariance([1, 2, 3]);
  assert.ok(Math.abs(xx - (0.36 + 4 * 0.64)) < 1e-6 && xy === 0 && yy === 9);
});

test("one latent dimension is shown as a line with a row for each label", () => {
  const line = Float32Array.of(-1, 1.5, 2, -1.5, 3, -0.5);
  const set = points([1, 2, 3], [-1, 2, 3], { labels: Int16Array.of(0, 1, 1), projections: { line } });
  const plane = planeOf(set, "raw", [0, 1]);
  assert.deepEqual([...plane.x], [-1, 2, 3]);
  assert.deepEqual(plane.rows, [{ label: 0, y: 1.5 }, { label: 1, y: -1 }]);
  assert.deepEqual([...plane.lift(0.5, 9, [0])], [0.5]);
  assert.deepEqual(plane.project([0.5]), [0.5, 0]);
  assert.equal(plane.axes[1], null);
});

test("a t-SNE plane has no inverse", () => {
  const set = points([1], [1, 2, 3], { projections: { tsne: Float32Array.of(4, 5) } });
  assert.equal(planeOf(set, "tsne", [0, 1]).lift, null);
});

test("a projection that the set does not have is an error that names it", () => {
  assert.throws(() => planeOf(points([1], [1, 2, 3]), "tsne", [0, 1]), /tsne/);
  assert.throws(() => planeOf(points([1], [1, 2, 3]), "umap", [0, 1]), /umap/);
});

test("points start at the position of the same example, in any order", () => {
  const plane = (x, y) => ({ x: Float32Array.from(x), y: Float32Array.from(y) });
  const from = { points: points([10, 20], [0, 0, 0, 0]), plane: plane([1, 2], [3, 4]), camera: { x: 0, y: 0, height: 2 } };
  const to = { points: points([20, 10, 30], [0, 0, 0, 0, 0, 0]), plane: plane([5, 6, 7], [8, 9, 10]), camera: { x: 1, y: 1, height: 4 } };
  const { x, y } = origins(from, to);
  assert.deepEqual([...x], [5, 3, 7]);
  assert.deepEqual([...y], [9, 7, 10]);
});
