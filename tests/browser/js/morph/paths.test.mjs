import assert from "node:assert/strict";
import test from "node:test";

import {
  along, analogy, frames, linear, nearest, norm, playedPosition, playedTime, spherical,
} from "../../../../browser/morph/paths.js";

const A = Float32Array.of(3, 0, 0);
const B = Float32Array.of(0, 2, 0);
const C = Float32Array.of(0, 0, -1);

const close = (a, b, within = 1e-6) =>
  a.every((value, i) => assert.ok(Math.abs(value - b[i]) < within, `${a} is not ${b}`));

test("both kinds of path begin and end exactly at their ends", () => {
  for (const kind of [linear, spherical]) {
    close(kind(A, B, 0), A);
    close(kind(A, B, 1), B);
  }
});

test("a spherical path between codes of one norm keeps that norm and goes in equal angles; a straight one dips", () => {
  const a = Float32Array.of(2, 0);
  const b = Float32Array.of(0, 2);
  for (const t of [0.1, 0.5, 0.7]) {
    assert.ok(Math.abs(norm(spherical(a, b, t)) - 2) < 1e-6);
    assert.ok(Math.abs(Math.atan2(spherical(a, b, t)[1], spherical(a, b, t)[0]) - (t * Math.PI) / 2) < 1e-6);
  }
  assert.ok(Math.abs(norm(linear(a, b, 0.5)) - Math.SQRT2) < 1e-6);
});

test("where no arc is unique the spherical path is the straight one, and never NaN", () => {
  const origin = new Float32Array(3);
  const opposite = A.map((value) => -value);
  for (const [a, b] of [[A, A], [A, opposite], [origin, A], [origin, origin]]) {
    close(spherical(a, b, 0.25), linear(a, b, 0.25));
  }
});

test("a path through several ends meets each of them after equal time", () => {
  for (const kind of ["linear", "spherical"]) {
    close(along([A, B, C], 0, kind), A);
    close(along([A, B, C], 0.5, kind), B);
    close(along([A, B, C], 1, kind), C);
    close(along([A, B, C], 0.75, kind), along([B, C], 0.5, kind));
  }
});

test("places outside the path are its ends, and one end is a path that stays", () => {
  close(along([A, B], -1, "linear"), A);
  close(along([A, B], 2, "linear"), B);
  close(along([A], 0.3, "spherical"), A);
});

test("the frames hold both ends and change nothing that they were made from", () => {
  const made = frames([A, B], 5, "linear");
  assert.equal(made.length, 5);
  close(made[0], A);
  close(made[4], B);
  made[0][0] = 99;
  assert.equal(A[0], 3);
});

test("the nearest code is found with its row and distance", () => {
  const codes = Float32Array.of(0, 0, 3, 4, -1, -1);
  const found = nearest(codes, Float32Array.of(2.5, 4));
  assert.deepEqual(found, { row: 1, distance: 0.5 });
  assert.deepEqual(nearest(codes, Float32Array.of(3, 0)), { row: 0, distance: 3 });
});

test("without codes there is no nearest one", () => {
  assert.deepEqual(nearest(new Float32Array(0), A), { row: -1, distance: Infinity });
});

test("A - B + C", () => {
  close(analogy(A, B, C), [3, -2, -1]);
});

test("playing goes there and back in equal time for each leg, slow at both ends", () => {
  for (const legs of [1, 3]) {
    assert.equal(playedPosition(0, legs), 0);
    assert.ok(Math.abs(playedPosition(2400 * legs, legs) - 1) < 1e-9);
    assert.ok(Math.abs(playedPosition(4800 * legs, legs)) < 1e-9);
    assert.ok(playedPosition(240 * legs, legs) < 0.03);
    for (const position of [0, 0.25, 0.9, 1]) {
      assert.ok(Math.abs(playedPosition(playedTime(position, legs), legs) - position) < 1e-9);
    }
  }
});
