import assert from "node:assert/strict";
import { test } from "node:test";
import {
  boundsOfAll, classMedians, crossfade, frameAfterKey, groupByLabel, interpolate, meanDistance, momentText, placesOf,
} from "../../../../browser/replay/timeline.js";

const near = (a, b) => Math.abs(a - b) < 1e-6;
const places = (...pairs) => ({ x: Float32Array.from(pairs, ([x]) => x), y: Float32Array.from(pairs, ([, y]) => y) });

test("at a frame it is that frame, and between two of them the way is smooth", () => {
  const frames = [[0, 5], [1, 5], [4, 5], [9, 5]].map((values) => Float32Array.from(values));
  for (let i = 0; i < frames.length; i++) assert.deepEqual(interpolate(frames, i), frames[i]);
  const at = (time) => interpolate(frames, time)[0];
  // A parabola of the time is met exactly where there are frames on both sides.
  assert.ok(near(at(1.5), 2.25));
  const slope = (time) => (at(time + 1e-3) - at(time - 1e-3)) / 2e-3;
  for (const time of [1, 2]) assert.ok(Math.abs(slope(time - 2e-3) - slope(time + 2e-3)) < 0.05);
  assert.ok(near(interpolate(frames, 2.7)[1], 5));
});

test("times before and after all frames are the first and the last", () => {
  const frames = [Float32Array.of(1), Float32Array.of(2)];
  assert.equal(interpolate(frames, -1)[0], 1);
  assert.equal(interpolate(frames, 1)[0], 2);
  assert.equal(interpolate([Float32Array.of(3)], 0)[0], 3);
});

test("pictures fade", () => {
  const out = crossfade(Uint8Array.of(0, 255), Uint8Array.of(255, 255), 0.25);
  assert.ok(near(out[0], 0.25) && near(out[1], 1));
});

test("codes lie where their plane has them", () => {
  const two = { codes: Float32Array.of(1, 2, 3, 4) };
  assert.deepEqual(placesOf(two, { plane: null, heights: null }), places([1, 2], [3, 4]));
  const plane = { mean: [1, 1, 1], components: [0, 0, 1, 0, 1, 0] };
  assert.deepEqual(placesOf({ codes: Float32Array.of(1, 2, 5) }, { plane, heights: null }), places([4, 1]));
  const line = placesOf({ codes: Float32Array.of(7, 8) }, { plane: null, heights: [0.5, -1] });
  assert.deepEqual(line, places([7, 0.5], [8, -1]));
});

test("the map holds the last frame and the prior whole, and earlier frames as far as that leaves room", () => {
  const last = places([-1, -1], [3, 1]);
  assert.deepEqual(boundsOfAll([last], null), { left: -1, right: 3, bottom: -1, top: 1 });
  assert.deepEqual(boundsOfAll([last], [0, 0]), { left: -2, right: 3, bottom: -2, top: 2 });
  const slightly = boundsOfAll([places([-1.2, 0], [3, 1]), last], null);
  assert.ok(near(slightly.left, -1.2) && slightly.right === 3);
  const far = boundsOfAll([places([-100, 0], [100, 100]), last], null);
  assert.ok(far.left > -2 && far.left < -1 && far.right < 4 && far.top < 2);
  const blob = boundsOfAll([places([0, 0], [0.01, 0]), last], null);
  assert.deepEqual(blob, boundsOfAll([last], null));
});

test("a code far from all others does not make the map small", () => {
  const many = Array.from({ length: 200 }, (_, i) => [i / 100 - 1, i / 100 - 1]);
  const stray = places(...many.slice(1), [50, 0]);
  assert.ok(boundsOfAll([stray, places(...many)], null).right < 1.01);
});

test("arrow keys lead from frame to frame, from between two to the next on that side", () => {
  assert.equal(frameAfterKey("ArrowRight", 3, 9), 4);
  assert.equal(frameAfterKey("ArrowLeft", 3, 9), 2);
  assert.equal(frameAfterKey("ArrowRight", 3.4, 9), 4);
  assert.equal(frameAfterKey("ArrowLeft", 3.4, 9), 3);
  assert.equal(frameAfterKey("ArrowRight", 9, 9), 9);
  assert.equal(frameAfterKey("ArrowLeft", 0, 9), 0);
  assert.equal(frameAfterKey("Home", 5, 9), 0);
  assert.equal(frameAfterKey("End", 5, 9), 9);
  assert.equal(frameAfterKey("PageDown", 2, 9), 0);
  assert.equal(frameAfterKey("x", 2, 9), null);
});

test("a moment is told by step and epoch", () => {
  assert.equal(momentText({ step: 0, epoch: 0, elbo: null }, 15), "before the first step");
  assert.equal(momentText({ step: 1280, epoch: 2.133, elbo: null }, 15), "step 1,280, epoch 2.13 of 15");
  assert.equal(momentText({ step: 9000, epoch: 12.04, elbo: null }, 15), "step 9,000, epoch 12.0 of 15");
});

test("how far codes go is a mean over them", () => {
  const frames = { x: [Float32Array.of(0, 0), Float32Array.of(3, 0)], y: [Float32Array.of(0, 0), Float32Array.of(4, 0)] };
  assert.equal(meanDistance(frames, 0), 2.5);
});

test("codes are grouped by label in its order, all together without labels", () => {
  assert.deepEqual(groupByLabel([7, -1, 5, 7], 4), [
    { label: -1, rows: [1] }, { label: 5, rows: [2] }, { label: 7, rows: [0, 3] },
  ]);
  assert.deepEqual(groupByLabel(null, 2), [{ label: -1, rows: [0, 1] }]);
});

test("the middle of a class is its median, and knows how far the next one is", () => {
  const found = classMedians(places([0, 0], [1, 0], [90, 0], [1, 4], [1, 4]), groupByLabel([5, 5, 5, 7, 7], 5));
  assert.deepEqual(found, [{ label: 5, x: 1, y: 0, distance: 4 }, { label: 7, x: 1, y: 4, distance: 4 }]);
  assert.equal(classMedians(places([0, 0]), groupByLabel([3], 1))[0].distance, Infinity);
});
