import assert from "node:assert/strict";
import test from "node:test";

import { linePoints } from "../../../../browser/ui/sparkline.js";

test("a sparkline spans its width, has the largest value on top and omits unknown values", () => {
  assert.equal(linePoints([1, 3, 2], 1, 3), "0.00,23.00 50.00,1.00 100.00,12.00");
  assert.equal(linePoints([1, NaN, 3], 1, 3), "0.00,23.00 100.00,1.00");
  assert.equal(linePoints([2, 2], 2, 2), "0.00,23.00 100.00,23.00");
});
