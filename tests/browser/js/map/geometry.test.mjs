import assert from "node:assert/strict";
import { test } from "node:test";
import * as geometry from "../../../../browser/map/geometry.js";

let seed = 7;
const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
const size = { width: 640, height: 400 };
const close = (a, b) => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);

test("a fitted camera shows all points with a small margin", () => {
  const bounds = { left: -2, right: 6, bottom: -1, top: 1 };
  const camera = geometry.fit(bounds, size);
  for (const [x, y] of [[-2, -1], [6, 1]]) {
    const [px, py] = geometry.toScreen(camera, size, x, y);
    assert.ok(px > 0 && px < size.width && py > 0 && py < size.height);
  }
  const [left] = geometry.toScreen(camera, size, -2, 0);
  assert.ok(left < 0.1 * size.width);
});

test("toData is the inverse of toScreen", () => {
  const camera = { x: 1.5, y: -2, height: 3 };
  const [x, y] = geometry.toData(camera, size, ...geometry.toScreen(camera, size, 0.25, -1.75));
  close(x, 0.25);
  close(y, -1.75);
});

test("zooming keeps the anchor's position and stops at the limits", () => {
  const camera = { x: 1, y: 2, height: 4 };
  const anchor = [1.7, 2.3];
  const before = geometry.toScreen(camera, size, ...anchor);
  const nearer = geometry.zoom(camera, 2, anchor, { least: 0.1, most: 100 });
  const after = geometry.toScreen(nearer, size, ...anchor);
  close(before[0], after[0]);
  close(before[1], after[1]);
  assert.equal(geometry.zoom(camera, 1e9, anchor, { least: 0.1, most: 100 }).height, 0.1);
});

test("a point is inside a polygon by the even-odd rule, also if it is concave", () => {
  const dented = [[0, 0], [4, 0], [4, 4], [2, 1], [0, 4]];
  assert.ok(geometry.inside(dented, 1, 1));
  assert.ok(geometry.inside(dented, 3.5, 2));
  assert.ok(!geometry.inside(dented, 2, 3));
  assert.ok(!geometry.inside(dented, 5, 1));
});

test("polygons that share an edge share no point", () => {
  const left = [[0, 0], [1, 0], [1, 2], [0, 2]];
  const right = [[1, 0], [2, 0], [2, 2], [1, 2]];
  assert.equal(Number(geometry.inside(left, 1, 1)) + Number(geometry.inside(right, 1, 1)), 1);
});

test("a box is the same from any two opposite corners", () => {
  assert.deepEqual(geometry.box([3, 1], [0, 2]), geometry.box([0, 1], [3, 2]));
});

test("a simplified path keeps corners and drops points on its edges", () => {
  const path = [];
  for (let i = 0; i <= 10; i++) path.push([i, 0.001 * (i % 2)]);
  for (let i = 1; i <= 10; i++) path.push([10, i]);
  assert.deepEqual(geometry.simplify(path, 0.01), [[0, 0], [10, 0], [10, 10]]);
});

test("the grid index finds the same nearest point as a full search", () => {
  const x = Float32Array.from({ length: 3000 }, () => random() ** 3 * 10);
  const y = Float32Array.from({ length: 3000 }, () => random() * 2);
  const grid = new geometry.GridIndex(x, y);
  const accepts = (i) => i % 3 !== 0;
  for (let trial = 0; trial < 300; trial++) {
    const [px, py, radius] = [random() * 12 - 1, random() * 4 - 1, random()];
    const distance = (i) => (x[i] - px) ** 2 + (y[i] - py) ** 2;
    const order = [...x.keys()].filter(accepts).sort((a, b) => distance(a) - distance(b));
    const expected = distance(order[0]) <= radius ** 2 ? distance(order[0]) : undefined;
    const found = grid.nearest(px, py, radius, accepts);
    assert.equal(found < 0 ? undefined : distance(found), expected);
    assert.equal(distance(grid.nearestAnywhere(px, py, accepts)), distance(order[0]));
  }
});

test("the grid index works for no points, one point, and equal points", () => {
  assert.equal(new geometry.GridIndex([], []).nearestAnywhere(0, 0), -1);
  assert.equal(new geometry.GridIndex([2], [3]).nearestAnywhere(-50, 90), 0);
  assert.ok(new geometry.GridIndex([1, 1, 1], [1, 1, 1]).nearest(1, 1, 0.1) >= 0);
});

test("an ellipse's axes are the square roots of the covariance's eigenvalues", () => {
  const turn = 0.4;
  const [c, s] = [Math.cos(turn), Math.sin(turn)];
  const { long, short, angle } = geometry.ellipse(9 * c * c + s * s, 8 * c * s, 9 * s * s + c * c);
  close(long, 3);
  close(short, 1);
  close(angle, turn);
});

test("grid steps are 1, 2 or 5 times a power of ten, and at most as many as allowed", () => {
  for (const span of [0.013, 0.9, 7, 44, 1234]) {
    const step = geometry.niceStep(span, 6);
    assert.ok(span / step <= 6 + 1e-9);
    assert.match((step / 10 ** Math.floor(Math.log10(step) + 1e-9)).toFixed(6), /^[125]\.0+$/);
  }
});
