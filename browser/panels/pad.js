/**
 * The drawing pad: what the model sees of a drawing, its code and its reconstruction follow the pen.
 *
 * On release the picture that the model saw goes to Python as `drawing`: `{pixels, z}`, the pixels
 * as base64 of height * width bytes; null after the sheet was cleared.
 *
 * @typedef {object} PadData
 * @property {import("../pad/centring.js").Frame | null} frame how the model's dataset places its ink; null
 *   for photographs, which cannot be drawn
 * @property {number} [drawing_version] a new one clears the sheet
 */
import { centre } from "../pad/centring.js";
import { announcer, make } from "../ui/dom.js";
import { createDrawing } from "../pad/strokes.js";
import { addSegment, blank, render } from "../pad/ink.js";
import { decode, encode } from "../model/network.js";
import { isMixture, kl } from "../model/prior.js";
import { same, schedule, store, unschedule } from "../state/store.js";
import { code, number } from "../ui/words.js";
import { createTiles } from "../ui/tiles.js";

/** Raster pixels a side; strokes are kept in this unit. */
const SHEET = 280;
/** A digit drawn over two thirds of the sheet gets MNIST's stroke, almost 3 of 28 pixels. */
const RADIUS = 13;
const KEY_STEP = 8;

/**
 * @param {HTMLElement} element
 * @param {PadData} data
 * @param {import("../panel.js").Emit} emit
 */
export function mount(element, data, emit) {
  const origin = {};
  const live = announcer();
  const drawing = createDrawing();
  let settings = data;
  let ink = blank(SHEET, SHEET);
  /** The stroke being drawn, and the pointer that draws it. */
  let stroke = null;
  let pointer = null;
  /** Where the keyboard's pen is, and whether it touches the sheet. */
  let keyPen = null;
  /** How many points of the stroke are drawn already. */
  let inked = 0;
  let sheetWidth = 0;
  let seen = null;
  let stale = true;

  const sheet = make("canvas", {
    class: "lx-sheet",
    tabindex: 0,
    role: "application",
    "aria-roledescription": "drawing pad",
    "aria-label": "Drawing pad. Draw with a pen, a finger or the mouse; or move the pen with the arrow keys and lower or lift it with the space bar. Delete clears.",
    pointerdown: begin,
    pointermove: draw,
    pointerup: end,
    pointercancel: end,
    keydown: onKey,
    focus: () => schedule(show),
    blur: () => {
      liftKeyPen();
      keyPen = null;
      schedule(show);
    },
  });
  const hint = make("p", { class: "lx-sheet-hint", "aria-hidden": "true" }, "Draw here");
  const undo = make("button", { type: "button", title: "Ctrl+Z", click: () => step(drawing.undo) }, "Undo");
  const redo = make("button", { type: "button", title: "Ctrl+Shift+Z", click: () => step(drawing.redo) }, "Redo");
  const clear = make("button", { type: "button", title: "Delete", click: () => step(drawing.clear) }, "Clear");
  const seenCanvas = make("canvas", { class: "lx-tiles", role: "img", "aria-label": "What the model sees" });
  const frame = make("div", { class: "lx-ink-frame", "aria-hidden": "true" });
  const rebuilt = make("canvas", { class: "lx-tiles", role: "img", "aria-label": "Its reconstruction" });
  const words = make("p", { class: "lx-number lx-pad-words" });
  const root = make(
    "div",
    { class: "lx-pad", keydown: onShortcut },
    make("div", { class: "lx-pad-sheet" },
      make("div", { class: "lx-stack" }, sheet, hint),
      make("div", { class: "lx-buttons" }, undo, redo, clear)),
    make("div", { class: "lx-pad-side" },
      make("figure", {}, make("figcaption", {}, "What the model sees"), make("div", { class: "lx-stack" }, seenCanvas, frame)),
      make("figure", {}, make("figcaption", {}, "Reconstruction"), rebuilt),
      words),
    live.element,
  );
  element.append(root);
  const context = sheet.getContext("2d");
  const seenTiles = createTiles(seenCanvas);
  const rebuiltTiles = createTiles(rebuilt);

  function place(event) {
    const { left, top, width, height } = sheet.getBoundingClientRect();
    return { x: ((event.clientX - left) / width) * SHEET, y: ((event.clientY - top) / height) * SHEET };
  }

  function begin(event) {
    if (stroke || event.button > 0) return;
    event.preventDefault();
    sheet.focus({ preventScroll: true });
    sheet.setPointerCapture(event.pointerId);
    pointer = event.pointerId;
    lower(place(event));
  }

  function lower(point) {
    stroke = [point];
    inked = Infinity;
    addSegment(ink, point, point, RADIUS);
    stale = true;
    schedule(show);
  }

  function lineTo(point) {
    addSegment(ink, stroke[stroke.length - 1], point, RADIUS);
    stroke.push(point);
    stale = true;
    schedule(show);
  }

  function draw(event) {
    if (!stroke || event.pointerId !== pointer) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const each of passed.length > 0 ? passed : [event]) lineTo(place(each));
  }

  function end(event) {
    if (!stroke || event.pointerId !== pointer) return;
    pointer = null;
    finish();
  }

  function finish() {
    drawing.add(stroke);
    stroke = null;
    settle();
  }

  function step(change) {
    change();
    ink = render(drawing.strokes(), SHEET, SHEET, RADIUS);
    stale = true;
    settle();
  }

  function onShortcut(event) {
    const command = event.ctrlKey || event.metaKey;
    const letter = event.key.toLowerCase();
    if (command && letter === "z") step(event.shiftKey ? drawing.redo : drawing.undo);
    else if (command && letter === "y") step(drawing.redo);
    else return;
    event.preventDefault();
  }

  function liftKeyPen() {
    if (stroke && pointer === null) finish();
  }

  function onKey(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (way) {
      const from = keyPen ?? { x: SHEET / 2, y: SHEET / 2 };
      const size = KEY_STEP * (event.shiftKey ? 3 : 1);
      const inside = (value) => Math.min(SHEET - RADIUS, Math.max(RADIUS, value));
      keyPen = { x: inside(from.x + way[0] * size), y: inside(from.y + way[1] * size) };
      if (stroke && pointer === null) lineTo(keyPen);
    } else if (event.key === " " || event.key === "Enter") {
      keyPen ??= { x: SHEET / 2, y: SHEET / 2 };
      if (stroke) liftKeyPen();
      else lower(keyPen);
    } else if (event.key === "Delete" || event.key === "Backspace" || event.key === "Escape") {
      if (!stroke) step(drawing.clear);
    } else return;
    event.preventDefault();
    schedule(show);
  }

  function ready() {
    const { network } = store.get();
    return Boolean(settings.frame && network?.encoder && network.decoder && network.imageShape[0] === 1);
  }

  /** Centres and encodes what is on the sheet, and lets the whole page follow. */
  function look() {
    const { network, y } = store.get();
    stale = false;
    const [, height, width] = network.imageShape;
    const wasEmpty = seen === null;
    seen = centre(ink, [height, width], settings.frame);
    // A posterior that an upload put there is not the empty sheet's to take away.
    if (!seen && wasEmpty) return;
    // Whole grey levels, as in the file that reaches Python.
    if (seen) seen.forEach((value, i) => { seen[i] = Math.round(255 * value) / 255; });
    const posterior = seen ? encode(network, seen, y) : null;
    store.set({ posterior, live: posterior?.mu ?? null }, origin);
  }

  /** Another label gives the drawing another code; where its code was pinned, the new one is. */
  function relabel() {
    const { network, y, z, posterior: before } = store.get();
    if (!seen || !before || !ready()) return;
    const posterior = encode(network, seen, y);
    const follows = same(z, before.mu);
    store.set({ posterior, ...(follows ? { z: posterior.mu, pinnedId: null, live: null } : {}) }, origin);
    if (follows) send();
  }

  function settle() {
    unschedule(show);
    show();
    if (!ready()) return;
    if (!seen) {
      emit.state("drawing", null);
      live.say("The sheet is empty");
      return;
    }
    const { posterior } = store.get();
    store.set({ z: posterior.mu, pinnedId: null, live: null }, origin);
    send();
    live.say(`Encoded as ${code(posterior.mu)}`);
  }

  /** What the model saw of the drawing goes to Python. */
  function send() {
    const { posterior, network } = store.get();
    const bytes = Uint8Array.from(seen, (value) => Math.round(255 * value));
    emit.state("drawing", { pixels: btoa(String.fromCharCode(...bytes)), z: Array.from(posterior.mu), model: network.hash });
  }

  /** Draws what is new of the stroke under the pen, or all when anything else changed. */
  function drawSheet() {
    const shown = Math.round(sheetWidth * window.devicePixelRatio);
    const scale = shown / SHEET;
    const whole = sheet.width !== shown || !stroke || pointer === null || inked > stroke.length;
    if (sheet.width !== shown) {
      sheet.width = shown;
      sheet.height = shown;
    }
    if (whole) {
      context.clearRect(0, 0, shown, shown);
      for (const points of drawing.strokes()) drawLine(points, 0, scale);
      inked = 0;
    }
    if (stroke) {
      drawLine(stroke, Math.max(0, inked - 1), scale);
      inked = stroke.length;
    }
    if (!keyPen) return;
    context.beginPath();
    context.arc(keyPen.x * scale, keyPen.y * scale, RADIUS * scale, 0, 2 * Math.PI);
    context.lineWidth = 2 * window.devicePixelRatio;
    context.strokeStyle = stroke ? "#5eead4" : "#9ca3af";
    context.stroke();
  }

  function drawLine(points, first, scale) {
    context.lineCap = "round";
    context.lineJoin = "round";
    context.lineWidth = 2 * RADIUS * scale;
    context.strokeStyle = "#fff";
    context.beginPath();
    context.moveTo(points[first].x * scale, points[first].y * scale);
    for (let i = first; i < points.length; i += 1) context.lineTo(points[i].x * scale, points[i].y * scale);
    context.stroke();
  }

  function show() {
    drawSheet();
    const empty = !stroke && drawing.strokes().length === 0;
    hint.hidden = !empty || keyPen !== null;
    undo.disabled = !drawing.canUndo();
    redo.disabled = !drawing.canRedo();
    clear.disabled = empty;
    const { network, y } = store.get();
    root.classList.toggle("lx-waiting", !ready());
    if (!settings.frame) words.textContent = "This model was trained on photographs: a drawing means nothing to it.";
    if (!ready()) return;
    if (stale) look();
    const { posterior } = store.get();
    const [, height, width] = network.imageShape;
    const shape = network.imageShape;
    const fresh = [
      seenTiles.layOut({ columns: 1, shape }),
      rebuiltTiles.layOut({ columns: 1, shape }),
    ];
    const margin = (side) => `${50 * (1 - Math.min(1, settings.frame.box / side))}%`;
    frame.style.inset = `${margin(height)} ${margin(width)}`;
    if (!seen || !posterior) {
      if (!fresh[0]) seenTiles.clear();
      if (!fresh[1]) rebuiltTiles.clear();
      words.textContent = "";
      return;
    }
    seenTiles.picture(0, seen);
    rebuiltTiles.picture(0, decode(network, posterior.mu, y));
    words.textContent = [code(posterior.mu), ...rateInWords(posterior)].join("; ");
  }

  /** Nothing for a model of two stochastic layers, whose rate is not this one alone. */
  function rateInWords(posterior) {
    const { network, y } = store.get();
    if (network.stochasticLayers > 1) return [];
    const about = isMixture(network.prior) ? "about " : "";
    return [`rate ${about}${number(kl(posterior, network.prior, y), 1)} nats`];
  }

  const unsubscribe = store.subscribe((state, changed, by) => {
    if (by === origin) return;
    if (changed.has("network")) stale = true;
    else if (changed.has("y")) relabel();
    if (["network", "y", "posterior", "dims"].some((key) => changed.has(key))) schedule(show);
  });
  const observer = new ResizeObserver(() => {
    sheetWidth = sheet.clientWidth;
    schedule(show);
  });
  observer.observe(root);

  return {
    update(next) {
      if (next.drawing_version !== settings.drawing_version) {
        drawing.clear();
        ink = blank(SHEET, SHEET);
        stale = true;
      }
      settings = next;
      schedule(show);
    },
    destroy() {
      if (seen) store.set({ posterior: null, live: null }, origin);
      unsubscribe();
      observer.disconnect();
      unschedule(show);
      live.stop();
      root.remove();
    },
  };
}
