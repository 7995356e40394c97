import assert from "node:assert/strict";
import { test } from "node:test";
import { MapCamera } from "../../../../browser/map/camera.js";

const BOUNDS = { left: -2, right: 2, bottom: -1, top: 1 };
const SIZE = { width: 400, height: 200 };

function made() {
  const sent = [];
  let changes = 0;
  const camera = new MapCamera({ state: (name, value) => sent.push([name, value]) }, () => (changes += 1));
  camera.resize(SIZE, 2);
  camera.setBounds(BOUNDS, false);
  return { camera, sent, changes: () => changes };
}

test("the camera has no position before points and size are known", () => {
  const camera = new MapCamera({}, () => {});
  camera.setBounds(BOUNDS, false);
  camera.zoomCentre(2);
  camera.pan(1, 1);
  assert.equal(camera.position, null);
  camera.resize(SIZE, 1);
  assert.equal(camera.position.x, 0);
});

test("a fitted camera follows changes of size and points", () => {
  const { camera } = made();
  const { height } = camera.position;
  camera.resize({ width: 200, height: 200 }, 2);
  assert.equal(camera.position.height, 2 * height);
  camera.setBounds({ ...BOUNDS, right: 6 }, true);
  assert.equal(camera.position.x, 2);
});

test("a moved camera stays in the same plane, and shows all points of another plane", () => {
  const { camera } = made();
  camera.pan(-100, 50);
  const moved = camera.position;
  camera.resize({ width: 200, height: 200 }, 2);
  camera.setBounds({ ...BOUNDS, right: 6 }, true);
  assert.deepEqual(camera.position, moved);
  camera.setBounds(BOUNDS, false);
  assert.deepEqual([camera.position.x, camera.position.y], [0, 0]);
});

test("panning moves a point of the plane by the same distance", () => {
  const { camera } = made();
  const place = camera.toData(30, 40);
  camera.pan(25, -10);
  const [x, y] = camera.toScreen(...place);
  assert.ok(Math.abs(x - 55) < 1e-9 && Math.abs(y - 30) < 1e-9);
});

test("zooming keeps the point under the pointer, within 1/400 and 8 extents of the points", () => {
  const { camera } = made();
  const place = camera.toData(30, 40);
  camera.zoom(30, 40, 3);
  const [x, y] = camera.toScreen(...place);
  assert.ok(Math.abs(x - 30) < 1e-9 && Math.abs(y - 40) < 1e-9);
  camera.zoomCentre(1e9);
  assert.equal(camera.position.height, 4 / 400);
  camera.zoomCentre(1e-9);
  assert.equal(camera.position.height, 4 * 8);
});

test("the magnification is 1 with all points in view and grows with the zoom", () => {
  const { camera } = made();
  assert.equal(camera.magnification, 1);
  camera.zoomCentre(4);
  assert.equal(camera.magnification, 4);
});

test("Python's camera is applied once for each version; null shows all points", () => {
  const { camera } = made();
  const all = camera.position;
  camera.adopt({ x: 1, y: 2, height: 3 }, 7);
  assert.deepEqual(camera.position, { x: 1, y: 2, height: 3 });
  camera.pan(10, 0);
  const mine = camera.position;
  camera.adopt({ x: 5, y: 5, height: 5 }, 7);
  assert.deepEqual(camera.position, mine);
  camera.adopt(null, 8);
  assert.deepEqual(camera.position, all);
});

test("a camera that Python sends before the points is applied with them", () => {
  const camera = new MapCamera({}, () => {});
  camera.resize(SIZE, 1);
  camera.adopt({ x: 1, y: 2, height: 3 }, 1);
  assert.equal(camera.position, null);
  camera.setBounds(BOUNDS, false);
  camera.adopt({ x: 1, y: 2, height: 3 }, 1);
  assert.deepEqual(camera.position, { x: 1, y: 2, height: 3 });
});

test("a point outside the screen is moved into view; for one inside, nothing moves", () => {
  const { camera, changes } = made();
  const before = changes();
  camera.keepInView([0, 0], 24);
  assert.equal(changes(), before);
  camera.keepInView([9, 0], 24);
  assert.deepEqual(camera.toScreen(9, 0).map(Math.round), [376, 100]);
});

test("Python receives the camera when it is sent, not while it moves", () => {
  const { camera, sent } = made();
  camera.pan(3, 3);
  camera.zoomCentre(2);
  assert.deepEqual(sent, []);
  camera.zoomCentreAndSend(2);
  camera.reset();
  assert.deepEqual(sent.map(([name]) => name), ["camera", "camera"]);
  assert.deepEqual(sent[1][1], camera.position);
  assert.equal(camera.fitted, true);
});
