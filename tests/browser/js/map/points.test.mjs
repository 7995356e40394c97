import assert from "node:assert/strict";
import { test } from "node:test";
import { classColour, colourByLabel, colourByValue, packed, sequentialColour } from "../../../../browser/ui/colours.js";
import { nearestCode, origins, planeOf, splat } from "../../../../browser/map/points.js";

const points = (ids, mu, more = {}) => ({
  count: ids.length, latentDim: mu.length / ids.length, ids: Int32Array.from(ids),
  byId: new Map(ids.map((id, i) => [id, i])), mu: Float32Array.from(mu), labels: null,
  projections: {}, pca: null, ...more,
});

test("a plane of two raw axes lifts a place, holding the rest", () => {
  const plane = planeOf(points([1, 2], [1, 2, 3, 4, 5, 6]), "raw", [2, 0]);
  assert.deepEqual([...plane.x], [3, 6]);
  assert.deepEqual([...plane.y], [1, 4]);
  assert.deepEqual([...plane.lift(7, 8, [0, 9, 0])], [8, 9, 7]);
  assert.deepEqual(plane.project([8, 9, 7]), [7, 8]);
});

test("a principal plane's lift and projection undo one another", () => {
  const pca = { mean: Float32Array.of(1, 1, 1), components: Float32Array.of(0.6, 0.8, 0, 0, 0, 1) };
  const set = points([1], [1, 2, 3], { pca, projections: { pca: Float32Array.of(0, 0) } });
  const plane = planeOf(set, "pca", [0, 1]);
  const [x, y] = plane.project(plane.lift(0.5, -2));
  assert.ok(Math.abs(x - 0.5) < 1e-6 && Math.abs(y + 2) < 1e-6);
  const [xx, xy, yy] = plane.covariance([1, 2, 3]);
  assert.ok(Math.abs(xx - (0.36 + 4 * 0.64)) < 1e-6 && xy === 0 && yy === 9);
});

test("codes of one dimension lie on a line, a row for each label", () => {
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

test("a projection that the set lacks is named", () => {
  assert.throws(() => planeOf(points([1], [1, 2, 3]), "tsne", [0, 1]), /tsne/);
  assert.throws(() => planeOf(points([1], [1, 2, 3]), "umap", [0, 1]), /umap/);
});

test("the nearest code is nearest over all dimensions", () => {
  assert.equal(nearestCode(points([5, 6, 7], [0, 0, 9, 0, 0, 1, 3, 3, 0]), [0, 0, 2]), 1);
});

test("points travel from the place of the same example, in whatever order it comes", () => {
  const plane = (x, y) => ({ x: Float32Array.from(x), y: Float32Array.from(y) });
  const from = { points: points([10, 20], [0, 0, 0, 0]), plane: plane([1, 2], [3, 4]), camera: { x: 0, y: 0, height: 2 } };
  const to = { points: points([20, 10, 30], [0, 0, 0, 0, 0, 0]), plane: plane([5, 6, 7], [8, 9, 10]), camera: { x: 1, y: 1, height: 4 } };
  const { x, y } = origins(from, to);
  assert.deepEqual([...x], [5, 3, 7]);
  assert.deepEqual([...y], [9, 7, 10]);
});

test("overlapping points are denser, and none falls outside of the image", () => {
  const image = { width: 40, height: 30 };
  const draw = (copies) => {
    const pixels = new Uint32Array(image.width * image.height);
    const style = {
      radius: 2, opacity: 0.5, colours: new Uint32Array(copies + 1).fill(0x0000ff),
      layer: new Uint8Array(copies + 1).fill(1), wanted: 1,
    };
    const x = new Float32Array(copies + 1).fill(20);
    const y = new Float32Array(copies + 1).fill(-15);
    x[copies] = -1e6;
    splat(pixels, image, { x, y }, { scale: 1, left: 0, top: 0 }, style);
    return pixels[15 * image.width + 20];
  };
  const [once, thrice] = [draw(1), draw(3)];
  assert.ok(thrice >>> 24 > once >>> 24);
  assert.equal(once & 0xffffff, 0x0000ff);
});

test("classes beyond ten keep colours of their own, and no label has the plain one", () => {
  assert.notEqual(classColour(3), classColour(13));
  const colours = colourByLabel([0, -1], 2, "#102030");
  assert.equal(colours[0], packed(classColour(0)));
  assert.equal(colours[1], 0x302010);
});

test("a figure's colours run from its low to its high percentile", () => {
  const values = Float32Array.from({ length: 1001 }, (_, i) => i);
  values[1000] = 1e9;
  const { colours, low, high } = colourByValue(values, true);
  assert.deepEqual([low, high], [10, 990]);
  assert.equal(colours[0], packed(sequentialColour(0, true)));
  assert.equal(colours[1000], packed(sequentialColour(1, true)));
});

test("the scale keeps off the colour of the paper it is seen on", () => {
  const luminance = (hex) => {
    const [red, green, blue] = [1, 3, 5].map((i) => Number.parseInt(hex.slice(i, i + 2), 16));
    return 0.299 * red + 0.587 * green + 0.114 * blue;
  };
  assert.ok(luminance(sequentialColour(0, true)) > 80);
  assert.ok(luminance(sequentialColour(1, false)) < 215);
});
