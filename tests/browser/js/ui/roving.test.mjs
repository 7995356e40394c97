import assert from "node:assert/strict";
import test from "node:test";

import { nextPlace } from "../../../../browser/ui/roving.js";

test("arrow keys go round the places; Home and End lead to the ends", () => {
  assert.equal(nextPlace(0, "ArrowLeft", 10), 9);
  assert.equal(nextPlace(9, "ArrowRight", 10), 0);
  assert.equal(nextPlace(4, "Home", 10), 0);
  assert.equal(nextPlace(4, "End", 10), 9);
  assert.equal(nextPlace(4, "Enter", 10), null);
});
