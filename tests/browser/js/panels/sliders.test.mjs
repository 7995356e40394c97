import assert from "node:assert/strict";
import test from "node:test";

import { rank, traverse } from "../../../../browser/panels/sliders.js";

test("dimensions are ranked by KL, ties by number; the dead are apart", () => {
  assert.deepEqual(rank([0.5, 0.001, 2, 0.5, NaN], 0.01), { active: [2, 0, 3], inactive: [1, 4] });
});

test("a traversal changes one dimension and holds the others", () => {
  const codes = traverse(Float32Array.of(1, 2, 3), 1, [-3, 0, 3]);
  assert.deepEqual([...codes], [1, -3, 3, 1, 0, 3, 1, 3, 3]);
});
