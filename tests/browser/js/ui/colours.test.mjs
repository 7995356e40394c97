import assert from "node:assert/strict";
import { test } from "node:test";
import { classColour, colourByLabel, colourByValue, packed, sequentialColour } from "../../../../browser/ui/colours.js";

test("classes beyond ten keep colours of their own, and no label has the plain one", () => {
  assert.notEqual(classColour(3), classColour(13));
  const colours = colourByLabel([0, -1], 2, "#102030");
  assert.equal(colours[0], packed(classColour(0)));
  assert.equal(colours[1], 0x302010);
});

test("a figure's colours run from its low to its high percentile", () => {
  const values = Float32Array.from({ length: 1001 }, (_, i) => i);
  values[1000] = 1e9;
  const { colours, low, high } = colourByValue(values, true);
  assert.deepEqual([low, high], [10, 990]);
  assert.equal(colours[0], packed(sequentialColour(0, true)));
  assert.equal(colours[1000], packed(sequentialColour(1, true)));
});

test("the scale keeps off the colour of the paper it is seen on", () => {
  const luminance = (hex) => {
    const [red, green, blue] = [1, 3, 5].map((i) => Number.parseInt(hex.slice(i, i + 2), 16));
    return 0.299 * red + 0.587 * green + 0.114 * blue;
  };
  assert.ok(luminance(sequentialColour(0, true)) > 80);
  assert.ok(luminance(sequentialColour(1, false)) < 215);
});
