import assert from "node:assert/strict";
import { test } from "node:test";
import { colourPoints } from "../../../../browser/map/colouring.js";
import { classColour, packed } from "../../../../browser/ui/colours.js";
import { square } from "./made.mjs";

test("points have the colours of their labels, or of a metric with its scale", () => {
  const byLabel = colourPoints(square(), "label", true);
  assert.equal(byLabel.scale, null);
  assert.equal(byLabel.colours[2], packed(classColour(1)));
  const { colours, scale } = colourPoints(square({ rate: Float32Array.of(1, 2, 3, 9) }), "rate", true);
  assert.deepEqual(scale, { name: "Rate", low: 1, high: 9, dark: true });
  assert.notEqual(colours[0], colours[3]);
});

test("points of one metric that was not measured keep the colours of their labels", () => {
  assert.equal(colourPoints(square({ rate: null }), "rate", false).scale, null);
});

test("greyed points have one colour, another one on dark ground", () => {
  const [dark, light] = [true, false].map((theme) => colourPoints(square(), "label", theme).greys);
  assert.equal(new Set(dark).size, 1);
  assert.notEqual(dark[0], light[0]);
});
