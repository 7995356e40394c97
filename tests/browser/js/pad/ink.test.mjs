import assert from "node:assert/strict";
import test from "node:test";

import { addSegment, blank, penRadius, render } from "../../../../browser/pad/ink.js";

const total = (ink) => ink.values.reduce((sum, value) => sum + value, 0);

test("a dot is a disc: its ink is pi r squared, its middle is full", () => {
  const ink = render([[{ x: 32, y: 32 }]], 64, 64, 10);
  assert.ok(Math.abs(total(ink) - Math.PI * 100) < 4);
  assert.equal(ink.values[32 * 64 + 32], 1);
});

test("a line has round ends and an even width, in every direction", () => {
  for (const angle of [0, 0.4, Math.PI / 4, 2]) {
    const to = { x: 50 + 30 * Math.cos(angle), y: 50 + 30 * Math.sin(angle) };
    const ink = render([[{ x: 50, y: 50 }, to]], 100, 100, 4);
    assert.ok(Math.abs(total(ink) - (Math.PI * 16 + 30 * 8)) < 6, `angle ${angle}: ${total(ink)}`);
  }
});

test("ink over ink is no darker, and full ink is 1", () => {
  const ink = blank(20, 20);
  addSegment(ink, { x: 5, y: 10 }, { x: 15, y: 10 }, 3);
  const once = ink.values.slice();
  addSegment(ink, { x: 5, y: 10 }, { x: 15, y: 10 }, 3);
  assert.deepEqual(ink.values, once);
  assert.equal(Math.max(...once), 1);
});

test("strokes that leave the raster are cut, not wrapped", () => {
  const ink = render([[{ x: -20, y: 10 }, { x: 5, y: 10 }]], 20, 20, 2);
  assert.ok(total(ink) > 0);
  assert.ok(ink.values.every((value, i) => value === 0 || i % 20 < 9));
});

test("strokes drawn piece by piece leave the same ink as all at once", () => {
  const stroke = [{ x: 3, y: 3 }, { x: 9, y: 5 }, { x: 12, y: 14 }];
  const ink = blank(20, 20);
  addSegment(ink, stroke[0], stroke[1], 2);
  addSegment(ink, stroke[1], stroke[2], 2);
  assert.deepEqual(render([stroke], 20, 20, 2), ink);
});

test("no strokes, no ink", () => {
  assert.equal(total(render([], 8, 8, 2)), 0);
});

test("the pen is as wide as the data's strokes, on a digit over two thirds of the pad", () => {
  assert.equal(penRadius({ box: 20, strokes: [1.67, 4.06] }, 280), 13);
  assert.equal(penRadius({ box: 8, strokes: [1.07, 2.18] }, 280), 18);
  assert.equal(penRadius({ box: 28, strokes: null }, 280), 13);
  assert.equal(penRadius(null, 280), 13);
});
