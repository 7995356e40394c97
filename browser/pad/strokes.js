/**
 * The strokes of a drawing, with undo and redo. No DOM.
 *
 * @typedef {import("./ink.js").Stroke} Stroke
 */

/** An empty drawing. Each stroke, and clearing, is a step that can be undone. */
export function createDrawing() {
  let past = [];
  /** @type {Stroke[]} */
  let strokes = [];
  let future = [];

  /** @param {Stroke[]} next */
  function become(next) {
    past.push(strokes);
    strokes = next;
    future = [];
  }

  return {
    strokes: () => strokes,
    canUndo: () => past.length > 0,
    canRedo: () => future.length > 0,
    /** @param {Stroke} stroke finished */
    add: (stroke) => become([...strokes, stroke]),
    clear() {
      if (strokes.length > 0) become([]);
    },
    undo() {
      if (past.length === 0) return;
      future.push(strokes);
      strokes = past.pop();
    },
    redo() {
      if (future.length === 0) return;
      past.push(strokes);
      strokes = future.pop();
    },
  };
}
