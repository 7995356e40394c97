import assert from "node:assert/strict";
import test from "node:test";

import { quantile, quantileAxis, quantileCell } from "../../../../browser/model/quantile.js";

// scipy.special.ndtri
const REFERENCE = [
  [1e-300, -37.0470962993612],
  [1e-12, -7.034483825301131],
  [1e-5, -4.264890793922825],
  [0.01, -2.3263478740408408],
  [0.075, -1.4395314709384563],
  [0.3, -0.5244005127080409],
  [0.5, 0],
  [0.925, 1.4395314709384572],
  [0.999, 3.090232306167813],
  [1 - 1e-9, 5.997807019601637],
];

test("quantiles equal scipy's to 1e-12, in the centre and far out in both tails", () => {
  for (const [p, z] of REFERENCE) assert.ok(Math.abs(quantile(p) - z) < 1e-12, `p = ${p}`);
});

test("0 and 1 are infinitely far out, and what is no probability is NaN", () => {
  assert.equal(quantile(0), -Infinity);
  assert.equal(quantile(1), Infinity);
  for (const p of [-0.1, 1.1, NaN]) assert.ok(Number.isNaN(quantile(p)));
});

test("the axis is symmetric, increasing, and wider spaced away from 0: no evenly spaced grid", () => {
  for (const n of [5, 20, 30]) {
    const axis = quantileAxis(n);
    assert.equal(axis.length, n);
    for (let i = 0; i < n; i += 1) assert.ok(Math.abs(axis[i] + axis[n - 1 - i]) < 1e-12);
    for (let i = 1; i < n; i += 1) assert.ok(axis[i] > axis[i - 1]);
    assert.ok(axis[1] - axis[0] > 1.3 * (axis[n >> 1] - axis[(n >> 1) - 1]));
  }
});

test("each point of the axis lies in its own cell, and values beyond it in the outermost", () => {
  for (const n of [1, 5, 13, 30]) {
    quantileAxis(n).forEach((value, i) => assert.equal(quantileCell(value, n), i));
    assert.equal(quantileCell(-9, n), 0);
    assert.equal(quantileCell(9, n), n - 1);
  }
});
