import assert from "node:assert/strict";
import { test } from "node:test";
import { drawMap } from "../../../../browser/replay/drawing.js";

const theme = { ink: "ink", paper: "paper", accent: "accent", faint: "faint", line: "line", dark: false };
const size = { width: 200, height: 100 };
const scene = {
  axes: ["z₁", "z₂"], prior: null, named: false,
  tracks: { x: [Float32Array.of(0, 1, 99)], y: [Float32Array.of(0, -1, 0)] },
  groups: [{ label: 0, rows: [0, 2] }, { label: 1, rows: [1] }],
};
const view = {
  scene, size, theme, ratio: 2, font: "sans", position: 0, tail: 0, hidden: new Set(), names: ["a", "b"],
  camera: { x: 0, y: 0, height: 10 },
};

/** A canvas context that records arcs, lines and texts. */
function record(change = {}) {
  const context = { arcs: [], lines: 0, texts: [], alphas: [] };
  for (const name of [
    "setTransform", "clearRect", "beginPath", "stroke", "fill", "moveTo", "setLineDash", "strokeText",
  ]) context[name] = () => {};
  context.arc = (x, y, radius) => context.arcs.push([x, y, radius]);
  context.lineTo = () => (context.lines += 1);
  context.fillText = (text) => context.texts.push([text, context.globalAlpha]);
  drawMap(context, { ...view, ...change, scene: { ...scene, ...change.scene } });
  return context;
}

test("codes are discs at their places, and rings at the rim where they lie beyond it", () => {
  const { arcs } = record();
  assert.deepEqual(arcs, [[100, 50, 3], [1090, 50, 3], [110, 60, 3], [194, 50, 3]]);
});

test("classes that are switched off are not drawn", () => {
  assert.deepEqual(record({ hidden: new Set([0]) }).arcs, [[110, 60, 3]]);
});

test("a standard normal prior is circles of one and two standard deviations", () => {
  const { arcs } = record({ hidden: new Set([0, 1]), scene: { prior: [1, 1] } });
  assert.deepEqual(arcs, [[110, 40, 10], [110, 40, 20]]);
});

test("moving codes have tails in pieces, resting ones have none", () => {
  const tracks = { x: [Float32Array.of(0, 1, 2), Float32Array.of(1, 2, 3)], y: [new Float32Array(3), new Float32Array(3)] };
  const still = record({ scene: { tracks } });
  const moving = record({ position: 1, tail: 0.5, scene: { tracks } });
  assert.equal(moving.lines - still.lines, 3 * 6);
});

test("names of classes appear as their medians part", () => {
  const named = (gap) => {
    const tracks = { x: [Float32Array.of(0, gap, 0)], y: [new Float32Array(3)] };
    return Object.fromEntries(record({ scene: { tracks, named: true } }).texts);
  };
  assert.equal(named(1).a, 0);
  assert.ok(named(2.8).a > 0.4 && named(2.8).a < 0.6);
  assert.equal(named(6).b, 1);
  assert.equal(record().texts.some(([text]) => text === "a"), false);
});
