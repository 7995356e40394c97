import assert from "node:assert/strict";
import test from "node:test";

import { rangesOf, shareOnFrames, sliderEnds, traversalValues } from "../../../../browser/sliders/ranges.js";

test("without ranges, traversals go from -3 to 3 and sliders from -4 to 4", () => {
  const [range] = rangesOf(null, 1);
  assert.deepEqual(traversalValues(range), [-3, -2, -1, 0, 1, 2, 3]);
  assert.deepEqual(sliderEnds(range), [-4, 4]);
});

test("a traversal and a slider span the range of a dimension", () => {
  const [, range] = rangesOf([[-3, 3], [-8.52, 15.48]], 2);
  assert.deepEqual(traversalValues(range).map((value) => Number(value.toFixed(6))), [-8.52, -4.52, -0.52, 3.48, 7.48, 11.48, 15.48]);
  assert.deepEqual(sliderEnds(range), [-12.6, 19.5]);
});

test("a dimension without a range of its own still has a slider", () => {
  const [range] = rangesOf([[2, 2]], 1);
  assert.deepEqual(range, [1.5, 2.5]);
});

test("the mark of a traversal is under the picture of its value, and nowhere beyond", () => {
  assert.equal(shareOnFrames(-3, [-3, 3]), 0.5 / 7);
  assert.equal(shareOnFrames(3.5, [-3, 3]), 1);
  assert.equal(shareOnFrames(3.6, [-3, 3]), null);
});
