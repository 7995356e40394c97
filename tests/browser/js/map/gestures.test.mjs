import assert from "node:assert/strict";
import { test } from "node:test";
import { Gestures, wheelFactor } from "../../../../browser/map/gestures.js";

const page = new EventTarget();
globalThis.addEventListener = (...all) => page.addEventListener(...all);
const WHEEL = { deltaY: -100, deltaMode: 0, ctrlKey: false };

/** Create gestures on an element at (10, 20) of the window; `calls` lists their handlers' calls. */
function createElement(tool = "move", keys = []) {
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

test("moving the mouse hovers, at positions from the element's corner", () => {
  const { at, calls } = createElement();
  at("move", 3, 4);
  at("leave", 0, 0);
  assert.deepEqual(calls, [["hover", 3, 4], ["leave"]]);
});

test("a press that moves at most 4 pixels is a tap at its start", () => {
  const { at, calls } = createElement();
  at("down", 50, 50);
  at("move", 52, 53);
  at("up", 52, 53);
  assert.deepEqual(calls, [["tap", 50, 50, false]]);
});

test("dragging pans by the mouse's movement; one finger moves the code", () => {
  const mouse = createElement();
  mouse.at("down", 50, 50);
  mouse.at("move", 60, 50);
  mouse.at("move", 61, 53);
  assert.deepEqual(mouse.calls, [["pan", 10, 0], ["pan", 1, 3]]);
  const { finger, calls } = createElement();
  finger("down", 50, 50);
  finger("move", 60, 50);
  finger("up", 60, 50);
  assert.deepEqual(calls, [["follow", 60, 50], ["followed", true]]);
});

test("one finger that moves up or down is left to the page; two fingers, and one that follows, are not", () => {
  const { finger, calls, send } = createElement();
  const touched = (n) => send("touchmove", { touches: { length: n } }).defaultPrevented;
  finger("down", 50, 50);
  finger("move", 53, 70);
  finger("move", 90, 90);
  assert.deepEqual([calls, touched(1)], [[], false]);
  assert.equal(touched(2), true);
  finger("cancel", 90, 90);
  finger("down", 50, 50);
  finger("move", 60, 50);
  assert.equal(touched(1), true);
});

test("a finger that rests follows from where it is, and then in any direction", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { finger, calls, send } = createElement();
  finger("down", 50, 50);
  context.mock.timers.tick(400);
  assert.deepEqual(calls, [["follow", 50, 50]]);
  finger("move", 50, 90);
  assert.equal(send("touchmove", { touches: { length: 1 } }).defaultPrevented, true);
  finger("up", 50, 90);
  assert.deepEqual(calls.slice(1), [["follow", 50, 90], ["followed", true]]);
  for (const other of [createElement("box"), createElement()]) {
    other.finger("down", 50, 50);
    if (other.gestures.tool === "move") other.finger("up", 50, 50);
    context.mock.timers.tick(400);
    assert.equal(other.calls.some(([name]) => name === "follow"), false);
  }
});

test("with the tool box or with Shift, dragging draws an outline from its start", () => {
  const box = createElement("box");
  box.at("down", 50, 50);
  box.at("move", 60, 70);
  box.at("up", 60, 70);
  assert.deepEqual(box.calls, [["outlineStart", "box", 50, 50], ["outlineMove", 60, 70], ["outlineEnd", true]]);
  const { at, calls } = createElement();
  at("down", 50, 50, { shiftKey: true });
  at("move", 60, 70);
  assert.equal(calls[0][1], "lasso");
});

test("Escape and a cancelled pointer cancel the outline", () => {
  for (const end of [({ send }) => send("keydown", { key: "Escape" }), ({ at }) => at("cancel", 60, 70)]) {
    const made = createElement("lasso");
    made.at("down", 50, 50);
    made.at("move", 60, 70);
    end(made);
    made.at("up", 60, 70);
    assert.deepEqual(made.calls.at(-1), ["outlineEnd", false]);
    assert.equal(made.calls.length, 3);
  }
});

test("two fingers pan by their centre and zoom by their distance, and cancel the first finger's drag", () => {
  const { finger, calls } = createElement();
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

test("other buttons than the main one do nothing", () => {
  const { at, calls } = createElement();
  at("down", 50, 50, { button: 2 });
  at("up", 50, 50, { button: 2 });
  assert.deepEqual(calls, []);
});

test("the wheel zooms only after the pointer has moved over the element, and not after a scroll", () => {
  const { send, at, calls } = createElement();
  const turn = (more = {}) => send("wheel", { ...WHEEL, clientX: 30, clientY: 40, ...more }).defaultPrevented;
  assert.equal(turn(), false);
  at("move", 1, 1);
  assert.equal(turn(), true);
  assert.deepEqual(calls.at(-1), ["zoom", 20, 20, wheelFactor(WHEEL)]);
  page.dispatchEvent(new Event("scroll"));
  assert.equal(turn(), false);
  assert.equal(turn({ ctrlKey: true }), true, "a pinch on a touchpad always zooms");
});

test("the wheel zooms in upwards and out downwards; a line is 16 pixels, a pinch five times as fast", () => {
  const factor = wheelFactor(WHEEL);
  assert.ok(factor > 1);
  assert.ok(Math.abs(factor * wheelFactor({ ...WHEEL, deltaY: 100 }) - 1) < 1e-12);
  assert.ok(Math.abs(wheelFactor({ ...WHEEL, deltaMode: 1 }) / factor ** 16 - 1) < 1e-9);
  assert.ok(Math.abs(wheelFactor({ ...WHEEL, ctrlKey: true }) / factor ** 5 - 1) < 1e-9);
});

test("panning and zooming settle 250 ms after the last movement", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { send, at, calls } = createElement();
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

test("a key that was used is kept from the page, other keys are not", () => {
  const { send } = createElement("move", ["+"]);
  assert.equal(send("keydown", { key: "+" }).defaultPrevented, true);
  assert.equal(send("keydown", { key: "a" }).defaultPrevented, false);
  assert.equal(send("keydown", { key: "+", ctrlKey: true }).defaultPrevented, false);
});

test("after destroy nothing is handled", () => {
  const { gestures, at, calls } = createElement();
  gestures.destroy();
  at("move", 1, 1);
  assert.deepEqual(calls, []);
});
