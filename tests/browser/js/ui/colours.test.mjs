import assert from "node:assert/strict";
import { test } from "node:test";
import { classColour, colourByLabel, colourByValue, packed, sequentialColour } from "../../../../browser/ui/colours.js";

test("classes beyond ten have their own colours, and points without a label the given one", () => {
  assert.notEqual(classColour(3), classColour(13));
  const colours = colourByLabel([0, -1], 2, "#102030");
  assert.equal(colours[0], packed(classColour(0)));
  assert.equal(colours[1], 0x302010);
});

test("a metric's colours run from its 1st to its 99th percentile", () => {
  const values = Float32Array.from({ length: 1001 }, (_, i) => i);
  values[1000] = 1e9;
  const { colours, low, high } = colourByValue(values, true);
  assert.deepEqual([low, high], [10, 990]);
  assert.equal(colours[0], packed(sequentialColour(0, true)));
  assert.equal(colours[1000], packed(sequentialColour(1, true)));
});

test("the scale has contrast with the background", () => {
  const luminance = (hex) => {
    const [red, green, blue] = [1, 3, 5].map((i) => Number.parseInt(hex.slice(i, i + 2), 16));
    return 0.299 * red + 0.587 * green + 0.114 * blue;
  };
  assert.ok(luminance(sequentialColour(0, true)) > 80);
  assert.ok(luminance(sequentialColour(1, false)) < 215);
});
