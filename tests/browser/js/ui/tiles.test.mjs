import assert from "node:assert/strict";
import test from "node:test";

import { enlarge } from "../../../../browser/ui/tiles.js";

test("each pixel is enlarged to a square of its colour", () => {
  const to = new Uint32Array(6 * 9);
  enlarge(Uint32Array.of(1, 2, 3, 4, 5, 6), 2, to, 3);
  for (let row = 0; row < 9; row += 1) {
    for (let column = 0; column < 6; column += 1) {
      assert.equal(to[row * 6 + column], 1 + Math.floor(row / 3) * 2 + Math.floor(column / 3));
    }
  }
});

test("a factor of 1 changes nothing", () => {
  const to = new Uint32Array(4);
  enlarge(Uint32Array.of(7, 8, 9, 10), 2, to, 1);
  assert.deepEqual([...to], [7, 8, 9, 10]);
});
