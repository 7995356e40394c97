import assert from "node:assert/strict";
import test from "node:test";

import { nextLabel } from "../../../../browser/panels/labels.js";

test("arrow keys go round the labels; Home and End lead to the ends", () => {
  assert.equal(nextLabel(0, "ArrowLeft", 10), 9);
  assert.equal(nextLabel(9, "ArrowRight", 10), 0);
  assert.equal(nextLabel(4, "Home", 10), 0);
  assert.equal(nextLabel(4, "End", 10), 9);
  assert.equal(nextLabel(4, "Enter", 10), null);
});
