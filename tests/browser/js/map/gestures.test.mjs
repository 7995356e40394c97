import assert from "node:assert/strict";
import { test } from "node:test";
import { Gestures, wheelFactor } from "../../../../browser/map/gestures.js";

const page = new EventTarget();
globalThis.addEventListener = (...all) => page.addEventListener(...all);
const WHEEL = { deltaY: -100, deltaMode: 0, ctrlKey: false };

/** A drawing at (10, 20) of its window, and what its gestures were taken for. */
function drawing(tool = "move", keys = []) {
  const calls = [];
  const names = ["hover", "leave", "tap", "pan", "zoom", "settled", "follow", "followed", "outlineStart", "outlineMove", "outlineEnd", "blur"];
  const handlers = Object.fromEntries(names.map((name) => [name, (...values) => calls.push([name, ...values])]));
  const target = Object.assign(new EventTarget(), {
    getBoundingClientRect: () => ({ left: 10, top: 20 }), focus() {}, setPointerCapture() {},
  });
  const gestures = new Gestures(target, { ...handlers, tool: () => tool, key: (key) => keys.includes(key) });
  const send = (name, values = {}) => {
    const event = Object.assign(new Event(name, { cancelable: true, bubbles: true }), values);
    target.dispatchEvent(event);
    return event;
  };
  const at = (name, x, y, more = {}) =>
    send(`pointer${name}`, { pointerId: 1, pointerType: "mouse", button: 0, clientX: x + 10, clientY: y + 20, ...more });
  return { calls, gestures, send, at, finger: (name, x, y, pointerId = 1) => at(name, x, y, { pointerId, pointerType: "touch" }) };
}

test("a mouse that moves hovers, at places from the drawing's corner", () => {
  const { at, calls } = drawing();
  at("move", 3, 4);
  at("leave", 0, 0);
  assert.deepEqual(calls, [["hover", 3, 4], ["leave"]]);
});

test("a press that moves no more than 4 pixels is a tap where it began", () => {
  const { at, calls } = drawing();
  at("down", 50, 50);
  at("move", 52, 53);
  at("up", 52, 53);
  assert.deepEqual(calls, [["tap", 50, 50, false]]);
});

test("a drag pans by what the mouse moved, one finger drags the code", () => {
  const mouse = drawing();
  mouse.at("down", 50, 50);
  mouse.at("move", 60, 50);
  mouse.at("move", 61, 53);
  assert.deepEqual(mouse.calls, [["pan", 10, 0], ["pan", 1, 3]]);
  const { finger, calls } = drawing();
  finger("down", 50, 50);
  finger("move", 60, 50);
  finger("up", 60, 50);
  assert.deepEqual(calls, [["follow", 60, 50], ["followed", true]]);
});

test("with a tool, or Shift, a drag draws an outline from where it began", () => {
  const box = drawing("box");
  box.at("down", 50, 50);
  box.at("move", 60, 70);
  box.at("up", 60, 70);
  assert.deepEqual(box.calls, [["outlineStart", "box", 50, 50], ["outlineMove", 60, 70], ["outlineEnd", true]]);
  const { at, calls } = drawing();
  at("down", 50, 50, { shiftKey: true });
  at("move", 60, 70);
  assert.equal(calls[0][1], "lasso");
});

test("Escape gives up what is being drawn, and a cancelled pointer does too", () => {
  for (const end of [({ send }) => send("keydown", { key: "Escape" }), ({ at }) => at("cancel", 60, 70)]) {
    const made = drawing("lasso");
    made.at("down", 50, 50);
    made.at("move", 60, 70);
    end(made);
    made.at("up", 60, 70);
    assert.deepEqual(made.calls.at(-1), ["outlineEnd", false]);
    assert.equal(made.calls.length, 3);
  }
});

test("two fingers pan by their middle and zoom by their distance; the first one's drag does not count", () => {
  const { finger, calls } = drawing();
  finger("down", 40, 50);
  finger("move", 50, 50);
  finger("down", 150, 50, 2);
  assert.deepEqual(calls.splice(0), [["follow", 50, 50], ["followed", false]]);
  finger("move", 250, 50, 2);
  assert.deepEqual(calls.splice(0), [["pan", 50, 0], ["zoom", 150, 50, 2]]);
  finger("up", 250, 50, 2);
  finger("move", 90, 90);
  finger("up", 90, 90);
  assert.deepEqual(calls, [], "the other finger means nothing until it is lifted");
});

test("only the main button presses", () => {
  const { at, calls } = drawing();
  at("down", 50, 50, { button: 2 });
  at("up", 50, 50, { button: 2 });
  assert.deepEqual(calls, []);
});

test("the wheel scrolls the page until the pointer has moved over the drawing, and again after a scroll", () => {
  const { send, at, calls } = drawing();
  const turn = (more = {}) => send("wheel", { ...WHEEL, clientX: 30, clientY: 40, ...more }).defaultPrevented;
  assert.equal(turn(), false);
  at("move", 1, 1);
  assert.equal(turn(), true);
  assert.deepEqual(calls.at(-1), ["zoom", 20, 20, wheelFactor(WHEEL)]);
  page.dispatchEvent(new Event("scroll"));
  assert.equal(turn(), false);
  assert.equal(turn({ ctrlKey: true }), true, "a pinch on a touchpad always zooms");
});

test("the wheel zooms in upwards, out downwards by as much; lines count 16 pixels, a pinch fivefold", () => {
  const factor = wheelFactor(WHEEL);
  assert.ok(factor > 1);
  assert.ok(Math.abs(factor * wheelFactor({ ...WHEEL, deltaY: 100 }) - 1) < 1e-12);
  assert.ok(Math.abs(wheelFactor({ ...WHEEL, deltaMode: 1 }) / factor ** 16 - 1) < 1e-9);
  assert.ok(Math.abs(wheelFactor({ ...WHEEL, ctrlKey: true }) / factor ** 5 - 1) < 1e-9);
});

test("panning and zooming settle a quarter of a second after the last", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { send, at, calls } = drawing();
  at("down", 50, 50);
  at("move", 90, 50);
  at("up", 90, 50);
  context.mock.timers.tick(200);
  send("dblclick", { clientX: 10, clientY: 20, shiftKey: false });
  context.mock.timers.tick(200);
  assert.deepEqual(calls, [["pan", 40, 0], ["zoom", 0, 0, 2]]);
  context.mock.timers.tick(60);
  assert.deepEqual(calls.at(-1), ["settled"]);
});

test("a key that does something is kept from the page, one that does nothing is not", () => {
  const { send } = drawing("move", ["+"]);
  assert.equal(send("keydown", { key: "+" }).defaultPrevented, true);
  assert.equal(send("keydown", { key: "a" }).defaultPrevented, false);
  assert.equal(send("keydown", { key: "+", ctrlKey: true }).defaultPrevented, false);
});

test("after the end nothing is heard", () => {
  const { gestures, at, calls } = drawing();
  gestures.destroy();
  at("move", 1, 1);
  assert.deepEqual(calls, []);
});
