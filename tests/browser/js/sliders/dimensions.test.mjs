import assert from "node:assert/strict";
import test from "node:test";

import { rank } from "../../../../browser/sliders/dimensions.js";

test("dimensions are ranked by KL, ties by number; the dead are apart", () => {
  assert.deepEqual(rank([0.5, 0.001, 2, 0.5, NaN], 0.01), { used: [2, 0, 3], unused: [1, 4] });
});
