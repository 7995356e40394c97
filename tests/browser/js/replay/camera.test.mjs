import assert from "node:assert/strict";
import { test } from "node:test";
import { fit } from "../../../../browser/map/geometry.js";
import { ReplayCamera } from "../../../../browser/replay/camera.js";
import { GLIDE_TIME } from "../../../../browser/replay/playback.js";

const size = { width: 400, height: 400 };
const small = { left: -1, right: 1, bottom: -1, top: 1 };
const large = { left: -4, right: 8, bottom: -4, top: 4 };

test("the first bounds are shown at once, later ones are glided to", () => {
  const camera = new ReplayCamera();
  camera.fit(small, size, true);
  assert.deepEqual([camera.moving, camera.at(0)], [false, fit(small, size)]);
  camera.fit(large, size, true);
  assert.deepEqual(camera.at(1000), fit(small, size));
  const { height, x } = camera.at(1000 + GLIDE_TIME / 2);
  assert.ok(Math.abs(height - (fit(small, size).height + fit(large, size).height) / 2) < 1e-9);
  assert.ok(Math.abs(x - 1) < 1e-9);
  assert.deepEqual(camera.at(1000 + GLIDE_TIME), fit(large, size));
  assert.equal(camera.moving, false);
});

test("without a glide new bounds are shown at once", () => {
  const camera = new ReplayCamera();
  camera.fit(small, size, false);
  camera.fit(large, size, false);
  assert.deepEqual([camera.moving, camera.at(5)], [false, fit(large, size)]);
});
