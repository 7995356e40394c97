import assert from "node:assert/strict";
import test from "node:test";

import { positionUnder } from "../../../../browser/morph/frames.js";

test("the ends of a path are the middles of the first and the last picture", () => {
  const box = { left: 100, width: 400 };
  const close = (x, expected) => assert.ok(Math.abs(positionUnder(x, box, 4) - expected) < 1e-9);
  close(150, 0);
  close(450, 1);
  close(300, 0.5);
  assert.ok(positionUnder(100, box, 4) < 0);
});
