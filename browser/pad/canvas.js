/** The canvas that is drawn on, by pointer or by a pen that keys move; with undo and redo. */
import { make } from "../ui/dom.js";
import { addSegment, blank, penRadius, render } from "./ink.js";
import { createDrawing } from "./strokes.js";

/** Side of the raster; strokes are kept in its pixels. */
const SIDE = 280;
/** The pen that keys move stays this far inside. */
const MARGIN = 13;
const KEY_STEP = 8;
const PEN = { down: "#5eead4", up: "#9ca3af" };
const LABEL = "Drawing pad. Draw with a pen, a finger or the mouse; or move the pen with the arrow keys and lower or lift it with the space bar. Delete clears.";

/** Move the pen, null in the middle, by an arrow key up to the border. @returns {import("./ink.js").Point | null} null for other keys */
export function movePen(pen, key, fast) {
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  if (!way) return null;
  const { x, y } = pen ?? { x: SIDE / 2, y: SIDE / 2 };
  const step = KEY_STEP * (fast ? 3 : 1);
  const inside = (value) => Math.min(SIDE - MARGIN, Math.max(MARGIN, value));
  return { x: inside(x + way[0] * step), y: inside(y + way[1] * step) };
}

/**
 * @param {{inked: () => void, settled: () => void, redraw: () => void}} on  `inked`: the ink has
 *   changed; `settled`: after a stroke, undo, redo or clear; `redraw`: `show` is needed
 * @param {() => any} frame  of the data, for the width of strokes; see `penRadius`
 */
export function createCanvas({ inked, settled, redraw }, frame) {
  const radius = () => penRadius(frame(), SIDE);
  const drawing = createDrawing();
  let ink = blank(SIDE, SIDE);
  /** The unfinished stroke, and the pointer that draws it; no pointer for the pen that keys move. */
  let stroke = null;
  let pointer = null;
  /** Position of the pen that keys move; null before the first key. */
  let pen = null;
  /** Points of the stroke that are on screen; Infinity to redraw everything. */
  let shown = 0;

  const canvas = make("canvas", {
    class: "lx-sheet", tabindex: 0, role: "application", "aria-roledescription": "drawing pad", "aria-label": LABEL,
    pointerdown: begin, pointermove: follow, pointerup: end, pointercancel: end, keydown: onKey, focus: redraw,
    blur: () => {
      liftPen();
      pen = null;
      redraw();
    },
  });
  const context = canvas.getContext("2d");

  function place(event) {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return { x: ((event.clientX - left) / width) * SIDE, y: ((event.clientY - top) / height) * SIDE };
  }

  function begin(event) {
    if (stroke || event.button > 0) return;
    event.preventDefault();
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    pointer = event.pointerId;
    start(place(event));
  }

  function follow(event) {
    if (!stroke || event.pointerId !== pointer) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const each of passed.length > 0 ? passed : [event]) extend(place(each));
  }

  function end(event) {
    if (!stroke || event.pointerId !== pointer) return;
    pointer = null;
    finish();
  }

  function start(point) {
    stroke = [];
    shown = Infinity;
    extend(point);
  }

  function extend(point) {
    addSegment(ink, stroke.at(-1) ?? point, point, radius());
    stroke.push(point);
    inked();
    redraw();
  }

  function finish() {
    drawing.add(stroke);
    stroke = null;
    settled();
  }

  function liftPen() {
    if (stroke && pointer === null) finish();
  }

  /** Undo, redo or clear. */
  function change(step) {
    step();
    ink = render(drawing.strokes(), SIDE, SIDE, radius());
    inked();
    settled();
  }

  function onKey(event) {
    const moved = movePen(pen, event.key, event.shiftKey);
    if (moved) {
      pen = moved;
      if (stroke && pointer === null) extend(pen);
    } else if (event.key === " " || event.key === "Enter") {
      pen ??= { x: SIDE / 2, y: SIDE / 2 };
      if (stroke) liftPen();
      else start(pen);
    } else if (event.key === "Delete" || event.key === "Backspace" || event.key === "Escape") {
      if (!stroke) change(drawing.clear);
    } else return;
    event.preventDefault();
    redraw();
  }

  /** Draw the new part of a stroke by pointer, else everything. @param {number} width  CSS pixels */
  function show(width) {
    const side = Math.round(width * window.devicePixelRatio);
    const resized = canvas.width !== side;
    if (resized) canvas.width = canvas.height = side;
    if (resized || !stroke || pointer === null || shown > stroke.length) {
      context.clearRect(0, 0, side, side);
      for (const points of drawing.strokes()) drawLine(context, points, radius());
      shown = 0;
    }
    if (stroke) {
      drawLine(context, stroke, radius(), Math.max(0, shown - 1));
      shown = stroke.length;
    }
    if (pen) drawPen(context, pen, radius(), stroke ? PEN.down : PEN.up);
  }

  return {
    canvas, show,
    ink: () => ink,
    undo: () => change(drawing.undo),
    redo: () => change(drawing.redo),
    clear: () => change(drawing.clear),
    /** Clear without a call of `settled`. */
    reset() {
      drawing.clear();
      ink = blank(SIDE, SIDE);
    },
    /** Whether it is empty, the keys have a pen, and strokes can be undone and redone. */
    state: () => ({
      empty: !stroke && drawing.strokes().length === 0,
      pen: pen !== null,
      undo: drawing.canUndo(),
      redo: drawing.canRedo(),
    }),
  };
}

/** Draw a line through the points of a stroke, from one of them on. */
function drawLine(context, points, radius, first = 0) {
  const scale = context.canvas.width / SIDE;
  context.lineCap = "round";
  context.lineJoin = "round";
  context.lineWidth = 2 * radius * scale;
  context.strokeStyle = "#fff";
  context.beginPath();
  context.moveTo(points[first].x * scale, points[first].y * scale);
  for (let i = first; i < points.length; i += 1) context.lineTo(points[i].x * scale, points[i].y * scale);
  context.stroke();
}

function drawPen(context, { x, y }, radius, colour) {
  const scale = context.canvas.width / SIDE;
  context.beginPath();
  context.arc(x * scale, y * scale, radius * scale, 0, 2 * Math.PI);
  context.lineWidth = 2 * window.devicePixelRatio;
  context.strokeStyle = colour;
  context.stroke();
}
