/**
 * The drawing pad: what the model sees of a drawing, its code and its reconstruction.
 *
 * All follow the pen. On release the picture that the model saw is sent up as `drawing`:
 * `{pixels, z, model}`, the pixels as base64 of height · width bytes; null for an empty pad.
 *
 * @typedef {object} PadData
 * @property {import("../pad/centring.js").Frame | null} frame  how the model's dataset places its
 *   ink; null for photographs, which cannot be drawn
 * @property {number} [drawing_version]  another one clears the pad
 */
import { createFollower, encodeEach } from "../model/decoding.js";
import { isMixture, kl } from "../model/prior.js";
import { createCanvas } from "../pad/canvas.js";
import { centre } from "../pad/centring.js";
import { same, schedule, store, unschedule } from "../state/store.js";
import { announcer, make } from "../ui/dom.js";
import { createTiles } from "../ui/tiles.js";
import { code, number } from "../ui/words.js";

/**
 * @param {HTMLElement} element
 * @param {PadData} data
 * @param {import("../panel.js").Emit} emit
 * @returns {import("../panel.js").Panel}
 */
export function mount(element, data, emit) {
  const origin = {};
  const live = announcer();
  let settings = data;
  let width = 0;
  /** What the model sees: (height · width) in [0, 1], null on an empty pad. */
  let seen = null;
  /** Whether the ink is newer than `seen`. */
  let stale = true;
  const encoding = createEncoding(() => schedule(show));

  const on = { inked: () => (stale = true), settled: settle, redraw: () => schedule(show) };
  const pad = createCanvas(on, () => settings.frame);
  const hint = make("p", { class: "lx-sheet-hint", "aria-hidden": "true" }, "Draw here");
  const undo = make("button", { type: "button", title: "Ctrl+Z", click: pad.undo }, "Undo");
  const redo = make("button", { type: "button", title: "Ctrl+Shift+Z", click: pad.redo }, "Redo");
  const clear = make("button", { type: "button", title: "Delete", click: pad.clear }, "Clear");
  const result = createResult();
  const root = make("div", { class: "lx-pad", keydown: onShortcut },
    make("div", { class: "lx-pad-sheet" },
      make("div", { class: "lx-stack" }, pad.canvas, hint),
      make("div", { class: "lx-buttons" }, undo, redo, clear)),
    result.element, live.element);
  element.append(root);

  function onShortcut(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    const letter = event.key.toLowerCase();
    if (letter === "z" && !event.shiftKey) pad.undo();
    else if (letter === "z" || letter === "y") pad.redo();
    else return;
    event.preventDefault();
  }

  function ready() {
    const { network } = store.get();
    return Boolean(settings.frame && network?.encoder && network.decoder && network.imageShape[0] === 1);
  }

  /** Centre and encode what is drawn, for all panels of the page. */
  function look() {
    const { network, y } = store.get();
    const [, height, width] = network.imageShape;
    const wasEmpty = seen === null;
    stale = false;
    seen = centre(pad.ink(), [height, width], settings.frame);
    // The posterior of an upload stays while the pad is empty.
    if (!seen && wasEmpty) return;
    // Whole grey levels, as in the bytes that are sent up.
    if (seen) seen = seen.map((value) => Math.round(255 * value) / 255);
    encoding.cancel();
    if (!seen) store.set({ posterior: null, live: null }, origin);
    else encoding.encode(seen, (posterior) => store.set({ posterior, live: posterior.mu }, origin));
  }

  /** Encode the drawing with another label; its code is pinned again where it was pinned. */
  function relabel() {
    const { z, posterior: before } = store.get();
    if (!seen || !before || !ready()) return;
    const follows = same(z, before.mu);
    encoding.encode(seen, (posterior) => {
      store.set({ posterior, ...(follows ? { z: posterior.mu, pinnedId: null, live: null } : {}) }, origin);
      if (follows) send();
    });
  }

  function settle() {
    unschedule(show);
    show();
    if (!ready()) return;
    if (!seen) {
      emit.state("drawing", null);
      live.say("The drawing is empty");
      return;
    }
    encoding.then(pin);
  }

  /** Select the code of what is drawn, and send the drawing up. */
  function pin() {
    const { posterior } = store.get();
    store.set({ z: posterior.mu, pinnedId: null, live: null }, origin);
    send();
    live.say(() => read(posterior.mu));
  }

  /** Say what the drawing is, as the nearest codes of the page's map are; without one, its code. */
  function read(mu) {
    const found = store.get().reading?.read(mu) ?? null;
    return found === null
      ? `Encoded as ${code(mu)}`
      : `Reads as ${found.name}: ${found.votes} of the ${found.of} nearest codes`;
  }

  function send() {
    const { posterior, network } = store.get();
    const bytes = Uint8Array.from(seen, (value) => Math.round(255 * value));
    emit.state("drawing", { pixels: btoa(String.fromCharCode(...bytes)), z: Array.from(posterior.mu), model: network.hash });
  }

  function show() {
    pad.show(width);
    const state = pad.state();
    hint.hidden = !state.empty || state.pen;
    undo.disabled = !state.undo;
    redo.disabled = !state.redo;
    clear.disabled = state.empty;
    root.classList.toggle("lx-waiting", !ready());
    if (!settings.frame) result.say("This model was trained on photographs; drawings are unlike anything it knows.");
    if (!ready()) return;
    if (stale) look();
    result.show(seen, settings.frame);
  }

  const unsubscribe = store.subscribe((state, changed, by) => {
    if (by === origin) return;
    if (changed.has("network")) stale = true;
    else if (changed.has("y")) relabel();
    if (["network", "y", "posterior", "dims"].some((key) => changed.has(key))) schedule(show);
  });
  const observer = new ResizeObserver(() => {
    width = pad.canvas.clientWidth;
    schedule(show);
  });
  observer.observe(root);

  return {
    update(next) {
      if (next.drawing_version !== settings.drawing_version) {
        pad.reset();
        stale = true;
      }
      settings = next;
      schedule(show);
    },
    destroy() {
      encoding.cancel();
      if (seen) store.set({ posterior: null, live: null }, origin);
      unsubscribe();
      observer.disconnect();
      unschedule(show);
      live.stop();
      root.remove();
    },
  };
}

/** Encoding of what is seen: at once, or when the server has. @param {() => void} arrived  called then */
function createEncoding(arrived) {
  let stop = null; // while a picture is on its way
  let afterwards = () => {};

  function cancel() {
    stop?.();
    stop = null;
    afterwards = () => {};
  }

  function encode(x, take) {
    cancel();
    const { network, y } = store.get();
    let isDone = false;
    const end = encodeEach(network, x, y, (posterior) => {
      const isLate = stop !== null;
      isDone = true;
      stop = null;
      take(posterior);
      if (isLate) [arrived, afterwards].forEach((call) => call());
    });
    if (!isDone) stop = end;
  }

  /** Call a function when no picture is on its way. */
  function then(callback) {
    if (stop === null) callback();
    else afterwards = callback;
  }

  return { encode, cancel, then };
}

/** What the model sees, with the box that the ink fits into, its reconstruction, code and rate. */
function createResult() {
  const seenCanvas = make("canvas", { class: "lx-tiles", role: "img", "aria-label": "What the model sees" });
  const reconstruction = make("canvas", { class: "lx-tiles", role: "img", "aria-label": "Reconstruction" });
  const box = make("div", { class: "lx-ink-frame", "aria-hidden": "true" });
  const words = make("p", { class: "lx-number lx-pad-words" });
  const element = make("div", { class: "lx-pad-side" },
    make("figure", {}, make("figcaption", {}, "What the model sees"), make("div", { class: "lx-stack" }, seenCanvas, box)),
    make("figure", {}, make("figcaption", {}, "Reconstruction"), reconstruction),
    words);
  const all = [createTiles(seenCanvas), createTiles(reconstruction)];
  let isEmpty = true;
  const follow = createFollower((mean) => {
    if (!isEmpty) all[1].picture(0, mean);
  });

  function show(seen, frame) {
    const { network, y, posterior } = store.get();
    const shape = network.imageShape;
    const margin = (side) => `${50 * (1 - Math.min(1, frame.box / side))}%`;
    box.style.inset = `${margin(shape[1])} ${margin(shape[2])}`;
    isEmpty = !(seen && posterior);
    for (const tiles of all) {
      const fresh = tiles.layOut({ columns: 1, shape });
      if (isEmpty && !fresh) tiles.clear();
    }
    if (!isEmpty) {
      all[0].picture(0, seen);
      follow(network, posterior.mu, y);
    }
    words.textContent = isEmpty ? "" : [code(posterior.mu), ...rate(posterior)].join("; ");
  }

  /** The rate in words; none for a model without one, or of two layers, where this is a part of it. */
  function rate(posterior) {
    const { network, y } = store.get();
    if (network.stochasticLayers > 1 || network.hasRate === false) return [];
    const about = isMixture(network.prior) ? "about " : "";
    return [`rate ${about}${number(kl(posterior, network.prior, y), 1)} nats`];
  }

  return { element, show, say: (text) => (words.textContent = text) };
}
