import assert from "node:assert/strict";
import test from "node:test";

import { dataOf, describe, greyOf, sideOf, squareOf } from "../../../../browser/training/pictures.js";

test("equal small squares keep their size, and all others become 28 pixels", () => {
  const size = (width, height) => ({ width, height });
  assert.equal(sideOf([size(12, 12), size(12, 12)]), 12);
  assert.equal(sideOf([size(12, 12), size(14, 14)]), 28);
  assert.equal(sideOf([size(12, 10)]), 28);
  assert.equal(sideOf([size(100, 100)]), 28);
  assert.deepEqual(squareOf(size(101, 60)), { left: 20, top: 0, side: 60 });
});

test("grey is the weighted mean on white", () => {
  const rgba = Uint8ClampedArray.of(255, 255, 255, 255, 255, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 255);
  assert.deepEqual([...greyOf(rgba)], [255, 76, 255, 0]);
});

test("every fifth picture is shown and not trained on", () => {
  const pictures = Array.from({ length: 11 }, (_, i) => Uint8Array.of(i, i, i, i));
  const data = dataOf(pictures, 2);
  assert.deepEqual([...data.ids], [0, 5, 10]);
  assert.deepEqual([...data.shown].filter((_, i) => i % 4 === 0), [0, 5, 10]);
  assert.deepEqual([...data.images].filter((_, i) => i % 4 === 0), [1, 2, 3, 4, 6, 7, 8, 9]);
});

test("what was left out is said", () => {
  const said = describe({ read: 1200, failed: 1, more: 30, side: 28, converted: true });
  assert.match(said, /^1,200 pictures, made grey, cropped to squares and resized to 28 × 28; .* stay in this browser\. 1 file could not .* 30 more were left out/);
});
