import assert from "node:assert/strict";
import { test } from "node:test";
import { latticeCells } from "../../../../browser/map/backdrop.js";

test("lattice cells cover the screen, have sides of 34 to 68 pixels, and start at the centre", () => {
  const camera = { x: 0.3, y: -0.2, height: 4 };
  const { cells, side } = latticeCells(camera, { width: 600, height: 400 });
  assert.ok(side >= 34 && side < 68);
  const unit = (side * 4) / 400;
  const holds = ([x, y]) => cells.some((cell) => Math.abs(cell.x - x) <= unit / 2 && Math.abs(cell.y - y) <= unit / 2);
  for (const corner of [[-2.7, -2.2], [3.3, -2.2], [-2.7, 1.8], [3.3, 1.8]]) assert.ok(holds(corner));
  assert.ok(Math.hypot(cells[0].x - camera.x, cells[0].y - camera.y) <= unit);
  assert.equal(new Set(cells.map(({ key }) => key)).size, cells.length);
});

test("panning keeps the keys of the cells that stay on the screen", () => {
  const size = { width: 400, height: 400 };
  const before = new Set(latticeCells({ x: 0, y: 0, height: 4 }, size).cells.map(({ key }) => key));
  const after = latticeCells({ x: 0.37, y: 0, height: 4 }, size).cells;
  assert.ok(after.filter(({ key }) => before.has(key)).length >= 0.7 * after.length);
});
