import assert from "node:assert/strict";
import test from "node:test";

import { draw } from "../../../../browser/model/prior.js";
import { uniforms } from "../../../../browser/model/random.js";

/** Draws of the standard normal prior, one after another. */
function normals(seed) {
  const uniform = uniforms(seed);
  return (n) => draw(null, null, n, uniform);
}

test("a seed repeats its draws and another seed has others", () => {
  assert.deepEqual(normals(7)(20), normals(7)(20));
  assert.notDeepEqual(normals(7)(20), normals(8)(20));
});

test("draws have the mean, variance and fourth moment of the standard normal, not of a uniform", () => {
  const n = 40_000;
  const draws = normals(1)(n);
  const moment = (k) => draws.reduce((sum, value) => sum + value ** k, 0) / n;
  assert.ok(Math.abs(moment(1)) < 4 / Math.sqrt(n));
  assert.ok(Math.abs(moment(2) - 1) < 4 * Math.sqrt(2 / n));
  assert.ok(Math.abs(moment(4) - 3) < 4 * Math.sqrt(96 / n));
});

test("neighbouring seeds are unrelated", () => {
  const n = 10_000;
  const [a, b] = [normals(1)(n), normals(2)(n)];
  const correlation = a.reduce((sum, value, i) => sum + value * b[i], 0) / n;
  assert.ok(Math.abs(correlation) < 4 / Math.sqrt(n));
});

test("uniform numbers never reach 0 or 1", () => {
  const next = uniforms(3);
  for (let i = 0; i < 10_000; i += 1) {
    const value = next();
    assert.ok(value > 0 && value < 1);
  }
});

test("one source goes on where it stopped: two draws of 3 are one draw of 6", () => {
  const source = normals(5);
  assert.deepEqual([...source(3), ...source(3)], [...normals(5)(6)]);
});
