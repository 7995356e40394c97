import assert from "node:assert/strict";
import { test } from "node:test";
import { colourPoints } from "../../../../browser/map/colouring.js";
import { classColour, packed } from "../../../../browser/ui/colours.js";
import { square } from "./fixtures.mjs";

test("points are coloured by label, or by a metric with a scale", () => {
  const byLabel = colourPoints(square(), "label", true);
  assert.equal(byLabel.scale, null);
  assert.equal(byLabel.colours[2], packed(classColour(1)));
  const { colours, scale } = colourPoints(square({ rate: Float32Array.of(1, 2, 3, 9) }), "rate", true);
  assert.deepEqual(scale, { name: "Rate", low: 1, high: 9, dark: true });
  assert.notEqual(colours[0], colours[3]);
});

test("points are coloured by label if the metric was not measured", () => {
  assert.equal(colourPoints(square({ rate: null }), "rate", false).scale, null);
});

test("grey points have one colour, a different one on a dark background", () => {
  const [dark, light] = [true, false].map((theme) => colourPoints(square(), "label", theme).greys);
  assert.equal(new Set(dark).size, 1);
  assert.notEqual(dark[0], light[0]);
});
