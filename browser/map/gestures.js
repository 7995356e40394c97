/**
 * Recognise gestures of mouse, pen, fingers, wheel and keys on an element.
 *
 * @typedef {object} Handlers  all positions in CSS pixels from the element's corner
 * @property {() => "move"|"box"|"lasso"} tool  what a drag does
 * @property {(x: number, y: number) => void} hover  a mouse or pen moves with nothing pressed
 * @property {() => void} leave
 * @property {(x: number, y: number, touch: boolean) => void} tap
 * @property {(dx: number, dy: number) => void} pan
 * @property {(x: number, y: number, factor: number) => void} zoom  around a position
 * @property {() => void} settled  panning or zooming has ended
 * @property {(x: number, y: number) => void} follow  one finger is held down, or dragged sideways or after that
 * @property {(kept: boolean) => void} followed  the finger was lifted (kept), or a second finger was added
 * @property {(tool: "box"|"lasso", x: number, y: number) => void} outlineStart
 * @property {(x: number, y: number) => void} outlineMove
 * @property {(kept: boolean) => void} outlineEnd  the outline is finished (kept), or was cancelled
 * @property {(key: string, shift: boolean) => boolean} key  returns whether the key was used
 * @property {() => void} blur
 */

/** Largest movement of a tap, CSS pixels. */
const SLACK = 4;
/** Milliseconds that a finger rests until it drags the code instead of the page. */
const HOLD = 350;
const WHEEL_SPEED = 0.0016;
/** CSS pixels per line, for wheels that scroll lines (`WheelEvent.DOM_DELTA_LINE`). */
const LINE = 16;
const DELTA_LINE = 1;
/** Browsers report a pinch on a touchpad as a slow wheel with Ctrl. */
const PINCH_SPEED = 5;
/** Milliseconds without movement after which panning and zooming have ended. */
const SETTLE = 250;
const ZOOM_KEYS = "+=-_0";

/**
 * Return the zoom factor of a wheel event.
 *
 * @param {{deltaY: number, deltaMode: number, ctrlKey: boolean}} wheel
 * @returns {number} above 1 zooms in
 */
export function wheelFactor({ deltaY, deltaMode, ctrlKey }) {
  const pixels = deltaY * (deltaMode === DELTA_LINE ? LINE : 1);
  return Math.exp(-pixels * (ctrlKey ? PINCH_SPEED : 1) * WHEEL_SPEED);
}

export class Gestures {
  /** @param {HTMLElement} target @param {Handlers} handlers */
  constructor(target, handlers) {
    this.target = target;
    this.handlers = handlers;
    /** Positions of the pressed pointers by their ids. */
    this.pressed = new Map();
    /** @type {null|"press"|"pan"|"pinch"|"follow"|"box"|"lasso"} */
    this.action = null;
    this.holding = 0;
    /** The tool of the current press. */
    this.tool = null;
    this.start = null;
    this.last = null;
    /** Whether the wheel zooms. It scrolls the page until the pointer has moved over the element. */
    this.wheelZooms = false;
    this.settling = 0;
    this.listening = new AbortController();
    this.#listen();
  }

  destroy() {
    clearTimeout(this.holding);
    clearTimeout(this.settling);
    this.listening.abort();
  }

  #listen() {
    const { signal } = this.listening;
    const on = (name, fn, options = {}) => this.target.addEventListener(name, fn, { signal, ...options });
    on("pointerdown", (event) => this.#press(event));
    on("pointermove", (event) => this.#move(event));
    on("pointerup", (event) => this.#lift(event, true));
    on("pointercancel", (event) => this.#lift(event, false));
    on("pointerleave", (event) => this.#leave(event));
    for (const name of ["touchstart", "touchmove"]) on(name, (event) => this.#keepFromPage(event), { passive: false });
    on("dblclick", (event) => this.#zoom(event, event.shiftKey ? 0.5 : 2));
    on("wheel", (event) => this.#wheel(event), { passive: false });
    on("keydown", (event) => this.#key(event));
    on("blur", () => this.handlers.blur());
    addEventListener("scroll", () => (this.wheelZooms = false), { signal, capture: true, passive: true });
  }

  #position(event) {
    const corner = this.target.getBoundingClientRect();
    return { x: event.clientX - corner.left, y: event.clientY - corner.top };
  }

  /** Return the centre and the distance of two fingers. */
  #span() {
    const [a, b] = [...this.pressed.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, length: Math.hypot(a.x - b.x, a.y - b.y) };
  }

  #press(event) {
    if (event.button !== 0) return;
    this.target.focus({ preventScroll: true });
    this.target.setPointerCapture(event.pointerId);
    const position = this.#position(event);
    this.pressed.set(event.pointerId, position);
    if (this.pressed.size === 2) {
      clearTimeout(this.holding);
      this.#end(false);
      this.action = "pinch";
      this.last = this.#span();
    } else if (this.pressed.size === 1) {
      this.start = position;
      this.last = position;
      this.action = "press";
      this.tool = event.shiftKey ? "lasso" : this.handlers.tool();
      if (event.pointerType === "touch" && this.tool === "move") this.holding = setTimeout(() => this.#hold(), HOLD);
    }
  }

  #hold() {
    this.action = "follow";
    this.handlers.follow(this.start.x, this.start.y);
  }

  /** Stop the browser from scrolling for this touch. One finger scrolls the page unless it does something here. */
  #keepFromPage(event) {
    const ours = event.touches.length > 1 || this.action === "follow" || this.#isOutline;
    if (ours && event.cancelable) event.preventDefault();
  }

  #move(event) {
    const position = this.#position(event);
    const touch = event.pointerType === "touch";
    this.wheelZooms = true;
    if (!this.pressed.has(event.pointerId)) {
      if (!touch) this.handlers.hover(position.x, position.y);
      return;
    }
    this.pressed.set(event.pointerId, position);
    if (this.action === "pinch") this.#pinch();
    else this.#drag(position, touch);
  }

  #pinch() {
    const now = this.#span();
    this.handlers.pan(now.x - this.last.x, now.y - this.last.y);
    if (this.last.length > 0) this.handlers.zoom(now.x, now.y, now.length / this.last.length);
    this.last = now;
  }

  #drag({ x, y }, touch) {
    const { handlers, start, last } = this;
    if (this.action === "press" && Math.hypot(x - start.x, y - start.y) > SLACK) {
      clearTimeout(this.holding);
      const scrolls = touch && Math.abs(y - start.y) > Math.abs(x - start.x);
      const moves = touch ? (scrolls ? null : "follow") : "pan";
      this.action = this.tool === "move" ? moves : this.tool;
      if (this.#isOutline) handlers.outlineStart(this.action, start.x, start.y);
    }
    if (this.action === "pan") handlers.pan(x - last.x, y - last.y);
    if (this.action === "follow") handlers.follow(x, y);
    if (this.#isOutline) handlers.outlineMove(x, y);
    this.last = { x, y };
  }

  get #isOutline() {
    return this.action === "box" || this.action === "lasso";
  }

  #lift(event, kept) {
    if (!this.pressed.delete(event.pointerId)) return;
    clearTimeout(this.holding);
    if (kept && this.action === "press") {
      this.action = null;
      this.handlers.tap(this.start.x, this.start.y, event.pointerType === "touch");
    } else {
      // This ends a pinch when the first finger is lifted; the other one then does nothing.
      this.#end(kept);
    }
  }

  #leave(event) {
    this.wheelZooms = false;
    if (event.pointerType !== "touch" && this.pressed.size === 0) this.handlers.leave();
  }

  /** End the current action. @param {boolean} kept  whether it is finished, not cancelled */
  #end(kept) {
    if (this.#isOutline) this.handlers.outlineEnd(kept);
    if (this.action === "follow") this.handlers.followed(kept);
    if (this.action === "pan" || this.action === "pinch") this.#settle();
    this.action = null;
  }

  #settle() {
    clearTimeout(this.settling);
    this.settling = setTimeout(this.handlers.settled, SETTLE);
  }

  #wheel(event) {
    if (!this.wheelZooms && !event.ctrlKey) return;
    event.preventDefault();
    this.#zoom(event, wheelFactor(event));
  }

  #zoom(event, factor) {
    const { x, y } = this.#position(event);
    this.handlers.zoom(x, y, factor);
    this.#settle();
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && this.action !== null) {
      this.#end(false);
      event.preventDefault();
    } else if (this.handlers.key(event.key, event.shiftKey)) {
      event.preventDefault();
      // Streamlit has shortcuts too.
      event.stopPropagation();
      if (ZOOM_KEYS.includes(event.key)) this.#settle();
    }
  }
}
