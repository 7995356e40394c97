import assert from "node:assert/strict";
import test from "node:test";

import { hasMargin, isDark, largestChange, paint, paintChange } from "../../../../browser/ui/pixels.js";

const target = (width, height) => ({ width, data: new Uint8ClampedArray(4 * width * height) });

test("a grey picture is written row by row, and the rest of the image stays transparent", () => {
  const image = target(4, 3);
  paint(Float32Array.of(0, 1, 0.5, 0.25), [1, 2, 2], image, 1, 1);
  const at = (x, y) => [...image.data.slice(4 * (y * 4 + x), 4 * (y * 4 + x) + 4)];
  assert.deepEqual(at(1, 1), [0, 0, 0, 255]);
  assert.deepEqual(at(2, 1), [255, 255, 255, 255]);
  assert.deepEqual(at(1, 2), [128, 128, 128, 255]);
  assert.deepEqual(at(2, 2), [64, 64, 64, 255]);
  assert.deepEqual(at(0, 0), [0, 0, 0, 0]);
  assert.deepEqual(at(3, 2), [0, 0, 0, 0]);
});

test("colour pictures are read channel by channel", () => {
  const image = target(2, 1);
  paint(Float32Array.of(1, 0, 0, 1, 0.2, 0.4), [3, 1, 2], image);
  assert.deepEqual([...image.data], [255, 0, 51, 255, 0, 255, 102, 255]);
});

test("an inverted picture swaps black and white", () => {
  const image = target(2, 1);
  paint(Float32Array.of(0, 1), [1, 1, 2], image, 0, 0, true);
  assert.deepEqual([...image.data], [255, 255, 255, 255, 0, 0, 0, 255]);
});

test("a difference is transparent where it is 0, and its signs have two colours", () => {
  const image = target(3, 1);
  const before = Float32Array.of(0.5, 0.5, 0.5);
  const after = Float32Array.of(0.5, 1, 0.25);
  paintChange(before, after, [1, 1, 3], image, largestChange(before, after));
  assert.equal(image.data[3], 0);
  assert.equal(image.data[7], 255);
  assert.equal(image.data[11], 128);
  assert.ok(image.data[4] > image.data[6], "lighter is orange");
  assert.ok(image.data[8] < image.data[10], "darker is blue");
});

test("a picture with strokes at its border has no margin", () => {
  const inside = Float32Array.of(0, 0, 0, 0, 1, 0, 0, 0.05, 0);
  assert.equal(hasMargin(inside, [1, 3, 3]), true);
  assert.equal(hasMargin(inside.with(1, 0.5), [1, 3, 3]), false);
  assert.equal(hasMargin(inside.with(5, 0.5), [1, 3, 3]), false);
  const green = new Float32Array(27);
  green[9 + 6] = 0.5;
  assert.equal(hasMargin(green, [3, 3, 3]), false);
});

test("strokes on black have a dark background, photographs do not", () => {
  assert.equal(isDark(Float32Array.of(0, 0, 0, 1)), true);
  assert.equal(isDark(Float32Array.of(0.4, 0.5, 0.2, 0.3)), false);
});
