import assert from "node:assert/strict";
import test from "node:test";

import { createDrawing } from "../../../../browser/pad/strokes.js";

const A = [{ x: 1, y: 1 }];
const B = [{ x: 2, y: 2 }];

test("undo takes strokes back one by one and redo brings them again", () => {
  const drawing = createDrawing();
  drawing.add(A);
  drawing.add(B);
  drawing.undo();
  assert.deepEqual(drawing.strokes(), [A]);
  drawing.redo();
  assert.deepEqual(drawing.strokes(), [A, B]);
});

test("clearing is one step that can be undone", () => {
  const drawing = createDrawing();
  drawing.add(A);
  drawing.add(B);
  drawing.clear();
  assert.deepEqual(drawing.strokes(), []);
  drawing.undo();
  assert.deepEqual(drawing.strokes(), [A, B]);
});

test("a new stroke ends what could be redone", () => {
  const drawing = createDrawing();
  drawing.add(A);
  drawing.undo();
  drawing.add(B);
  assert.equal(drawing.canRedo(), false);
  drawing.redo();
  assert.deepEqual(drawing.strokes(), [B]);
});

test("an empty sheet cannot be cleared, undone or redone", () => {
  const drawing = createDrawing();
  drawing.clear();
  drawing.undo();
  drawing.redo();
  assert.deepEqual([drawing.canUndo(), drawing.canRedo(), drawing.strokes()], [false, false, []]);
});
