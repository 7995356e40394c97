/** The elements of the map: toolbar, canvases, messages. */
import { make } from "../ui/dom.js";
import { rove } from "../ui/roving.js";

const TOOLS = { move: "Move", box: "Box", lasso: "Lasso" };
/** Zoom factor of the buttons. */
const ZOOM = 1.5;
const LABEL =
  "Map of the latent space. Arrow keys move the code, Enter selects it, plus and minus zoom, 0 shows all, " +
  "Escape clears the selection, question mark lists the keys.";
/** Shown where a finger is the pointer. */
const FINGERS = "Tap to select a point. Hold, then drag, to decode. Two fingers move and zoom the map.";

/**
 * @typedef {object} FrameHandlers
 * @property {(name: "move"|"box"|"lasso") => void} tool
 * @property {(factor: number) => void} zoom
 * @property {() => void} fit
 * @property {() => void} clear  clears the selection
 * @property {() => void} keys  shows the list of keys
 * @property {(opacity: number) => void} fade  called while the slider of the decoded plane moves
 * @property {() => void} faded  called when it is released
 */

/**
 * Create the elements of the map.
 *
 * @param {HTMLElement} element
 * @param {{manifold?: number, tools: boolean, height: number | null}} data
 * @param {FrameHandlers} on
 */
export function createFrame(element, data, on) {
  const layer = (properties = { "aria-hidden": "true" }) => make("canvas", properties);
  const [decoded, grid, points] = [layer(), layer(), layer()];
  const overlay = layer({ tabindex: "0", role: "application", "aria-label": LABEL });
  const hint = make("p", { class: "lx-hint", hidden: true });
  const notice = make("p", { class: "lx-notice", role: "status", hidden: true });
  const count = make("span", { class: "lx-number", role: "status" });
  const clear = make("button", { type: "button", click: on.clear }, "Clear");
  const status = make("div", { class: "lx-status", hidden: true }, count, clear);
  const stage = make("div", { class: "lx-stage", "aria-busy": "true" });
  stage.append(decoded, grid, points, overlay, hint, status, notice);
  const tool = (name) => {
    stage.dataset.tool = name;
    on.tool(name);
  };
  const toolbar = createToolbar(data, { ...on, tool });
  const fingers = make("p", { class: "lx-fingers lx-quiet" }, FINGERS);
  element.classList.add("lx-map");
  element.append(toolbar.element, stage, fingers);

  function configure({ tools, height }) {
    toolbar.element.hidden = !tools;
    fingers.hidden = !tools;
    // A map that fills the first screen leaves room for the title and the controls around it; others
    // grow with the page's font.
    stage.style.setProperty("--height", height ? `${height / 16}rem` : "max(20rem, 100dvh - var(--around, 19rem) - var(--above, 0px))");
  }
  configure(data);

  return {
    stage, decoded, grid, points, overlay, configure,
    /** Put controls above the map, which leaves them room. @param {HTMLElement} controls @returns {() => void} stops watching them */
    insert(controls) {
      stage.before(controls);
      const observer = new ResizeObserver(() => stage.style.setProperty("--above", `${controls.offsetHeight}px`));
      observer.observe(controls);
      return () => observer.disconnect();
    },
    /** Set the slider of the decoded plane. @param {number} opacity */
    setFade: (opacity) => (toolbar.slider.value = String(opacity)),
    showFade: (shown) => (toolbar.fade.hidden = !shown),
    /**
     * Call `resized` with the size of the canvases, and after each change of it in device pixels.
     *
     * @param {(size: import("./geometry.js").Size, ratio: number) => void} resized  takes CSS pixels, and
     *   device pixels per CSS pixel
     * @returns {() => void} stops watching
     */
    watchSize(resized) {
      const observer = new ResizeObserver(() => {
        const size = { width: stage.clientWidth, height: stage.clientHeight };
        const ratio = window.devicePixelRatio || 1;
        const [width, height] = [Math.round(size.width * ratio), Math.round(size.height * ratio)];
        if (width > 0 && (width !== points.width || height !== points.height)) resized(size, ratio);
      });
      observer.observe(stage);
      return () => observer.disconnect();
    },
    font: () => getComputedStyle(stage).fontFamily,
    /** Return how much larger than usual the page's type is, as on a projector. */
    scale: () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16,
    /** Say what is decoded where it is not the point itself. @param {string|null} text */
    showHint(text) {
      hint.textContent = text ?? "";
      hint.hidden = text === null;
    },
    /** Show a message over the canvases. @param {string|null} text */
    showNotice(text) {
      notice.textContent = text ?? "";
      notice.hidden = text === null;
    },
    /** Show why there are no points. @param {string} text */
    showFailure(text) {
      this.showNotice(text);
      this.showBusy(false);
    },
    /** Say whether points are loading or moving, and clicks are ignored. @param {boolean} busy */
    showBusy(busy) {
      if (stage.ariaBusy !== String(busy)) stage.ariaBusy = String(busy);
    },
    /** Show the number of selected examples. @param {number|null} selected  null without a selection */
    showCount(selected) {
      if (selected !== null) count.textContent = `${selected.toLocaleString("en")} selected`;
      status.hidden = selected === null;
    },
  };
}

function createToolbar(data, on) {
  const choose = ({ currentTarget }) => {
    for (const tool of tools) tool.setAttribute("aria-pressed", String(tool === currentTarget));
    on.tool(currentTarget.dataset.tool);
  };
  const tools = Object.entries(TOOLS).map(([name, word]) => {
    const pressed = String(name === "move");
    return make("button", { type: "button", "aria-pressed": pressed, "data-tool": name, click: choose }, word);
  });
  const farther = make("button", { type: "button", "aria-label": "Zoom out", click: () => on.zoom(1 / ZOOM) }, "−");
  const nearer = make("button", { type: "button", "aria-label": "Zoom in", click: () => on.zoom(ZOOM) }, "+");
  const keys = make("button", {
    type: "button", class: "lx-keys-button", "aria-label": "Keys", title: "Keys", click: on.keys,
  }, "?");
  const whole = make("button", { type: "button", click: on.fit }, "Fit");
  const slider = make("input", {
    type: "range", min: "0", max: "1", step: "0.02", value: String(data.manifold ?? 0),
    input: () => on.fade(Number(slider.value)), change: on.faded,
  });
  const fade = make("label", { class: "lx-fade" }, "Decoded images", slider);
  const element = make(
    "div",
    { class: "lx-tools", role: "toolbar", "aria-label": "Map tools" },
    make("div", { class: "lx-group" }, ...tools),
    make("div", { class: "lx-group" }, farther, nearer, whole, keys),
    fade,
  );
  rove(element);
  return { element, slider, fade };
}
