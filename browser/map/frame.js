/** The elements of the map: its layers, its tools, its notices. They know nothing of codes. */
import { make } from "../ui/dom.js";

const TOOLS = { move: "Move", box: "Box", lasso: "Lasso" };

/**
 * Makes the elements and puts them into place.
 *
 * @param {HTMLElement} element
 * @param {{manifold?: number, tools: boolean, height: number}} data
 */
export function build(element, data) {
  const manifold = make("canvas", { "aria-hidden": "true" });
  const ground = make("canvas", { "aria-hidden": "true" });
  const points = make("canvas", { "aria-hidden": "true" });
  const overlay = make("canvas", {
    tabindex: "0",
    role: "application",
    "aria-label":
      "Map of the latent space. Arrow keys move the code, Enter pins it, plus and minus zoom, 0 shows all, Escape clears the selection.",
  });
  const hint = make("p", { class: "lx-hint", hidden: true });
  hint.textContent = "No inverse here: empty space shows the nearest real code.";
  const notice = make("p", { class: "lx-notice", role: "status", hidden: true });
  const count = make("span", { class: "lx-number", role: "status" });
  const clear = make("button", { type: "button" }, "Clear");
  const status = make("div", { class: "lx-status", hidden: true }, count, clear);
  const stage = make("div", { class: "lx-stage", "aria-busy": "true" }, manifold, ground, points, overlay, hint, status, notice);

  const tools = Object.entries(TOOLS).map(([name, word]) =>
    make("button", { type: "button", "aria-pressed": String(name === "move"), "data-tool": name }, word),
  );
  const nearer = make("button", { type: "button", "aria-label": "Zoom in" }, "+");
  const farther = make("button", { type: "button", "aria-label": "Zoom out" }, "−");
  const whole = make("button", { type: "button" }, "Fit");
  const slider = make("input", {
    type: "range", min: "0", max: "1", step: "0.02", value: String(data.manifold ?? 0),
  });
  const fade = make("label", { class: "lx-fade" }, "Decoded plane", slider);
  const bar = make(
    "div",
    { class: "lx-tools", role: "toolbar", "aria-label": "Map tools" },
    make("div", { class: "lx-group" }, ...tools),
    make("div", { class: "lx-group" }, farther, nearer, whole),
    fade,
  );
  element.classList.add("lx-map");
  element.append(bar, stage);

  function configure(next) {
    bar.hidden = !next.tools;
    stage.style.setProperty("--height", `${next.height}px`);
  }
  configure(data);

  return {
    stage, manifold, ground, points, overlay, hint, notice, status, count, fade, configure,
    groundContext: ground.getContext("2d"),
    pointsContext: points.getContext("2d"),
    overlayContext: overlay.getContext("2d"),
    font: () => getComputedStyle(stage).fontFamily,
    setFade: (value) => (slider.value = String(value)),
    onTool(fn) {
      for (const button of tools) {
        button.addEventListener("click", () => {
          for (const other of tools) other.setAttribute("aria-pressed", String(other === button));
          fn(button.dataset.tool);
        });
      }
    },
    onZoom(fn) {
      nearer.addEventListener("click", () => fn(1.5));
      farther.addEventListener("click", () => fn(1 / 1.5));
    },
    onFit: (fn) => whole.addEventListener("click", fn),
    onClear: (fn) => clear.addEventListener("click", fn),
    onFade: (fn) => slider.addEventListener("input", () => fn(Number(slider.value))),
    onFaded: (fn) => slider.addEventListener("change", fn),
  };
}
