import assert from "node:assert/strict";
import { test } from "node:test";
import { className, classOf, describe } from "../../../../browser/map/example.js";
import { points, square } from "./fixtures.mjs";

const page = { dims: [0, 1], sprite: null, network: null, y: null };

test("a class is named, or given by its number; without labels there is none", () => {
  assert.equal(className(["nought"], 0), "nought");
  assert.equal(className(["nought"], 4), "4");
  assert.equal(classOf(square(), 2, ["nought", "one"]), "one");
  assert.equal(classOf(points([1], [0, 0]), 0, ["nought"]), null);
});

test("the card shows class, id, posterior, and the metrics that were measured", () => {
  const sigma = new Float32Array(8).fill(0.5);
  const { title, rows } = describe(square({ sigma, rate: [1, 2, 3, 4] }), 1, { ...page, classes: ["nought"] });
  assert.equal(title, "nought · example 11");
  assert.deepEqual(rows, [["z₁", "1.00 ± 0.50"], ["z₂", "−1.00 ± 0.50"], ["rate", "2.0 nats"]]);
  assert.equal(describe(points([5], [0, 0], { sigma }), 0, page).title, "Example 5");
});

test("codes without a spread are listed without one", () => {
  const { rows } = describe(points([5], [0.5, 2], { sigma: null }), 0, page);
  assert.deepEqual(rows, [["z₁", "0.50"], ["z₂", "2.00"]]);
});

test("for more than three dimensions, the card lists those of the plane and the norm", () => {
  const set = points([1], [3, 0, 0, 4], { sigma: Float32Array.of(1, 1, 1, 1) });
  const { rows } = describe(set, 0, { ...page, dims: [3, 3] });
  assert.deepEqual(rows, [["z₄", "4.00 ± 1.00"], ["‖mu‖", "5.00"]]);
});

test("the card shows the original if there is one, with a caption", () => {
  const drawn = [];
  const sprite = { size: { width: 8, height: 9 }, has: (id) => id === 11, draw: (_, id) => drawn.push(id) };
  const set = square({ sigma: new Float32Array(8) });
  const [{ caption, width, height, paint }] = describe(set, 1, { ...page, sprite }).pictures;
  assert.deepEqual([caption, width, height], ["Original", 8, 9]);
  paint(null);
  assert.deepEqual(drawn, [11]);
  assert.deepEqual(describe(set, 0, { ...page, sprite }).pictures, []);
});
