import assert from "node:assert/strict";
import { test } from "node:test";
import { Opacity } from "../../../../browser/map/state.js";

test("an opacity that Python returns is ignored, a different one is applied", () => {
  const sent = [];
  const opacity = new Opacity(0, { state: (name, value) => sent.push([name, value]) });
  opacity.value = 0.5;
  opacity.send();
  opacity.value = 0.7;
  assert.equal(opacity.adopt(0, 0.5), false);
  assert.equal(opacity.value, 0.7, "the slider still moves");
  assert.equal(opacity.adopt(0.5, 0.5), false);
  assert.equal(opacity.adopt(0.5, 0.2), true);
  assert.equal(opacity.value, 0.2);
  assert.deepEqual(sent, [["manifold", 0.5]]);
});
