import assert from "node:assert/strict";
import test from "node:test";

import { traverse } from "../../../../browser/sliders/traversal.js";

test("a traversal changes one dimension and holds the others", () => {
  const codes = traverse(Float32Array.of(1, 2, 3), 1, [-3, 0, 3]);
  assert.deepEqual([...codes], [1, -3, 3, 1, 0, 3, 1, 3, 3]);
});
