import assert from "node:assert/strict";
import test from "node:test";

import { centre, inkBox, resample } from "../../../../browser/pad/centring.js";
import { blank, render } from "../../../../browser/pad/ink.js";

const MNIST = { box: 20, by_mass: true };
const DIGITS = { box: 8, by_mass: false };

const stroke = (points, radius = 13) => render([points.map(([x, y]) => ({ x, y }))], 280, 280, radius);

/** The box and the mean row and column of a picture. */
function measure(values, width) {
  const at = [...values.keys()].filter((i) => values[i] > 0.02);
  const rows = at.map((i) => Math.floor(i / width));
  const columns = at.map((i) => i % width);
  const mass = values.reduce((sum, value) => sum + value, 0);
  const mean = (place) => values.reduce((sum, value, i) => sum + value * place(i), 0) / mass;
  return {
    height: Math.max(...rows) - Math.min(...rows) + 1,
    width: Math.max(...columns) - Math.min(...columns) + 1,
    row: mean((i) => Math.floor(i / width)),
    column: mean((i) => i % width),
  };
}

test("an empty sheet has no box and is nothing to see", () => {
  assert.equal(inkBox(blank(280, 280)), null);
  assert.equal(centre(blank(280, 280), [28, 28], MNIST), null);
});

test("the longer side of the ink is 20 of 28, its proportions stay, its mass lies in the middle", () => {
  const seen = centre(stroke([[40, 30], [90, 230], [120, 60]]), [28, 28], MNIST);
  const found = measure(seen, 28);
  assert.equal(found.height, 20);
  assert.ok(Math.abs(found.width / found.height - 106 / 226) < 0.06);
  assert.ok(Math.abs(found.row - 14) <= 0.5 && Math.abs(found.column - 14) <= 0.5);
});

test("where and how large a digit was drawn makes no difference", () => {
  const points = [[0, 0], [60, 10], [30, 120]];
  const small = stroke(points.map(([x, y]) => [x + 20, y + 20]), 8);
  const large = stroke(points.map(([x, y]) => [2 * x + 60, 2 * y + 15]), 16);
  const [a, b] = [centre(small, [28, 28], MNIST), centre(large, [28, 28], MNIST)];
  const difference = a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;
  assert.ok(difference < 0.01, `mean difference ${difference}`);
});

test("a dot fills the box and a thin line keeps at least one pixel of width", () => {
  assert.equal(measure(centre(stroke([[5, 5]]), [28, 28], MNIST), 28).height, 20);
  const line = centre(stroke([[10, 140], [270, 140]], 2), [28, 28], MNIST);
  assert.ok(measure(line, 28).height <= 2);
  assert.ok(Math.max(...line) > 0.3);
});

test("small pictures are filled to their border, centred by their box", () => {
  const found = measure(centre(stroke([[100, 40], [180, 240]]), [8, 8], DIGITS), 8);
  assert.equal(found.height, 8);
});

test("resampling by area keeps the mean, is exact for whole ratios and nothing for the same size", () => {
  const ink = blank(6, 4);
  ink.values.set(Float32Array.from({ length: 24 }, (_, i) => ((i * 7) % 11) / 11));
  const box = { left: 0, top: 0, right: 6, bottom: 4 };
  assert.deepEqual(resample(ink, box, 6, 4), ink);
  const halved = resample(ink, box, 3, 2);
  const four = (ink.values[2] + ink.values[3] + ink.values[8] + ink.values[9]) / 4;
  assert.ok(Math.abs(halved.values[1] - four) < 1e-6);
  const mean = (picture) => picture.values.reduce((sum, value) => sum + value, 0) / picture.values.length;
  for (const [width, height] of [[5, 3], [1, 1], [7, 9]]) {
    assert.ok(Math.abs(mean(resample(ink, box, width, height)) - mean(ink)) < 1e-6);
  }
});

test("a box is cut out of its surroundings", () => {
  const ink = blank(5, 5);
  ink.values[0] = 1;
  ink.values[12] = 0.5;
  assert.deepEqual([...resample(ink, { left: 1, top: 1, right: 4, bottom: 4 }, 1, 1).values], [Math.fround(0.5 / 9)]);
});
