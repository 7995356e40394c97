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

/** Contrast of two colours by WCAG 2.2. */
function contrast(one, other) {
  const luminance = (hex) => {
    const linear = [1, 3, 5].map((i) => {
      const value = Number.parseInt(hex.slice(i, i + 2), 16) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

/** The grounds of app/.streamlit/config.toml. */
const GROUNDS = { light: "#ffffff", dark: "#0f1514" };

test("every class stands out 3 to 1 from the ground of both themes", () => {
  for (const ground of Object.values(GROUNDS)) {
    for (let label = 0; label < 40; label++) {
      assert.ok(contrast(classColour(label), ground) >= 3, `${label} on ${ground}`);
    }
  }
});

test("the scale of a metric stands out 3 to 1 from its ground", () => {
  for (const [theme, ground] of Object.entries(GROUNDS)) {
    for (let i = 0; i <= 20; i++) {
      assert.ok(contrast(sequentialColour(i / 20, theme === "dark"), ground) >= 3, `${i / 20} on ${theme}`);
    }
  }
});
