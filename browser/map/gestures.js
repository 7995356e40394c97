/**
 * What a person means by pointer, touch, wheel and keys over a drawing.
 *
 * @typedef {object} Intentions  all places in CSS pixels from the drawing's corner
 * @property {() => "move"|"box"|"lasso"} tool  what a drag does
 * @property {(x: number, y: number) => void} hover  a mouse or pen moves with nothing pressed
 * @property {() => void} leave
 * @property {(x: number, y: number, touch: boolean) => void} tap
 * @property {(dx: number, dy: number) => void} pan
 * @property {(x: number, y: number, factor: number) => void} zoom  around a place
 * @property {() => void} settled  panning or zooming is over for now
 * @property {(x: number, y: number) => void} follow  one finger drags the code
 * @property {(kept: boolean) => void} followed  the finger was lifted, or a second one came
 * @property {(tool: "box"|"lasso", x: number, y: number) => void} outlineStart
 * @property {(x: number, y: number) => void} outlineMove
 * @property {(kept: boolean) => void} outlineEnd
 * @property {(key: string, shift: boolean) => boolean} key  whether the key meant something
 * @property {() => void} blur
 */

/** CSS pixels that a press may move and still be a tap. */
const SLACK = 4;
const WHEEL_SPEED = 0.0016;
const SETTLE = 250;

/**
 * @param {HTMLElement} target
 * @param {Intentions} intend
 * @returns {() => void} stops listening
 */
export function attach(target, intend) {
  const listening = new AbortController();
  const on = (name, fn, options = {}) => {
    target.addEventListener(name, fn, { signal: listening.signal, ...options });
  };
  const fingers = new Map();
  let doing = null;
  let start = null;
  let last = null;
  let armed = false;
  let settling = 0;

  function place(event) {
    const corner = target.getBoundingClientRect();
    return { x: event.clientX - corner.left, y: event.clientY - corner.top };
  }

  function settle() {
    clearTimeout(settling);
    settling = setTimeout(intend.settled, SETTLE);
  }

  function stop(kept) {
    if (doing === "box" || doing === "lasso") intend.outlineEnd(kept);
    if (doing === "follow") intend.followed(kept);
    if (doing === "pan" || doing === "pinch") settle();
    doing = null;
  }

  function span() {
    const [a, b] = [...fingers.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, length: Math.hypot(a.x - b.x, a.y - b.y) };
  }

  on("pointerdown", (event) => {
    if (event.button !== 0) return;
    target.focus({ preventScroll: true });
    target.setPointerCapture(event.pointerId);
    const at = place(event);
    fingers.set(event.pointerId, at);
    if (fingers.size === 2) {
      stop(false);
      doing = "pinch";
      last = span();
    } else if (fingers.size === 1) {
      start = at;
      last = at;
      doing = event.shiftKey ? "press-lasso" : `press-${intend.tool()}`;
    }
  });

  on("pointermove", (event) => {
    const at = place(event);
    const touch = event.pointerType === "touch";
    armed = true;
    if (!fingers.has(event.pointerId)) {
      if (!touch) intend.hover(at.x, at.y);
      return;
    }
    fingers.set(event.pointerId, at);
    if (doing === "pinch") {
      const now = span();
      intend.pan(now.x - last.x, now.y - last.y);
      if (last.length > 0) intend.zoom(now.x, now.y, now.length / last.length);
      last = now;
      return;
    }
    if (doing?.startsWith("press-") && Math.hypot(at.x - start.x, at.y - start.y) > SLACK) {
      const tool = doing.slice("press-".length);
      doing = tool === "move" ? (touch ? "follow" : "pan") : tool;
      if (doing === "box" || doing === "lasso") intend.outlineStart(doing, start.x, start.y);
    }
    if (doing === "pan") intend.pan(at.x - last.x, at.y - last.y);
    if (doing === "follow") intend.follow(at.x, at.y);
    if (doing === "box" || doing === "lasso") intend.outlineMove(at.x, at.y);
    last = at;
  });

  function lift(event, kept) {
    if (!fingers.delete(event.pointerId)) return;
    if (doing === "pinch") {
      // What the other finger does until it is lifted means nothing.
      stop(true);
    } else if (kept && doing?.startsWith("press-")) {
      doing = null;
      intend.tap(start.x, start.y, event.pointerType === "touch");
    } else {
      stop(kept);
    }
  }

  on("pointerup", (event) => lift(event, true));
  on("pointercancel", (event) => lift(event, false));
  on("pointerleave", (event) => {
    armed = false;
    if (event.pointerType !== "touch" && fingers.size === 0) intend.leave();
  });

  on("dblclick", (event) => {
    const at = place(event);
    intend.zoom(at.x, at.y, event.shiftKey ? 0.5 : 2);
    settle();
  });

  // A page that scrolls under a resting pointer keeps scrolling: the wheel belongs to the map only
  // once the pointer has moved over it.
  addEventListener("scroll", () => (armed = false), {
    signal: listening.signal, capture: true, passive: true,
  });
  on(
    "wheel",
    (event) => {
      if (!armed && !event.ctrlKey) return;
      event.preventDefault();
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      const pinch = event.ctrlKey ? 5 : 1;
      const at = place(event);
      intend.zoom(at.x, at.y, Math.exp(-event.deltaY * lines * pinch * WHEEL_SPEED));
      settle();
    },
    { passive: false },
  );

  on("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && doing !== null) {
      stop(false);
      event.preventDefault();
    } else if (intend.key(event.key, event.shiftKey)) {
      event.preventDefault();
      // The page around has shortcuts of its own.
      event.stopPropagation();
      if ("+=-_0".includes(event.key)) settle();
    }
  });
  on("blur", () => intend.blur());

  return () => {
    clearTimeout(settling);
    listening.abort();
  };
}
