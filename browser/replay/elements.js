/** The elements of a replay: map, manifold, samples and the bar with the time. */
import { createLegend } from "../map/legend.js";
import { make } from "../ui/dom.js";
import { sparkline } from "../ui/sparkline.js";

/**
 * Make them and add them to `element`.
 *
 * @typedef {object} Handlers
 * @property {() => void} toggle  play or pause
 * @property {(position: number) => void} scrub  the slider is moved
 * @property {() => void} release  the slider is released
 * @property {(event: KeyboardEvent) => void} key
 * @property {(hidden: Set<number>) => void} hide  classes to hide
 *
 * @param {HTMLElement} element @param {Handlers} handlers
 */
export function build(element, { toggle, scrub, release, key, hide }) {
  const map = make("canvas", { role: "img" });
  const grid = make("canvas", { class: "lx-tiles", role: "img" });
  const samples = make("canvas", { class: "lx-tiles", role: "img" });
  const stage = make("div", { class: "lx-stage lx-replay-stage" }, map);
  const legend = createLegend(hide);
  const gridFigure = make("figure", { class: "lx-replay-grid" },
    make("div", { class: "lx-replay-plane" },
      make("span", { class: "lx-axis lx-axis-up" }, "z₂ →"),
      make("div", {}, grid),
      make("span", { class: "lx-axis" }, "z₁ →")));
  const samplesFigure = make("figure", { class: "lx-replay-samples" },
    make("figcaption", { class: "lx-quiet" }, "The same samples from the prior, decoded at each moment"), samples);
  const play = make("button", { type: "button", class: "lx-first", click: toggle }, "Play");
  const slider = make("input", {
    type: "range", min: 0, step: "any", "aria-label": "Time of the training",
    input: () => scrub(Number(slider.value)),
    // A drag that ends where it began causes no change event.
    pointerup: release, pointercancel: release, change: release,
  });
  const curve = sparkline("ELBO", "nats", "over the training");
  const moment = make("span", { class: "lx-number" });
  const live = make("span", { class: "lx-live" }, "live");
  const bar = make("div", { class: "lx-replay-bar" },
    play,
    make("div", { class: "lx-replay-time" }, curve.element, slider),
    make("p", { class: "lx-replay-moment" }, moment, live));
  const root = make("div", {
    class: "lx-replay", role: "group", "aria-label": "Replay of the training", hidden: true, keydown: key,
  }, make("figure", { class: "lx-replay-map" }, stage, legend.element), gridFigure, bar, samplesFigure);
  const notice = make("p", { class: "lx-quiet lx-replay-notice", role: "status" });
  const note = make("p", { class: "lx-quiet lx-replay-note" });
  element.classList.add("lx-replay-frame");
  element.append(notice, root, note);
  return { map, grid, samples, stage, legend, gridFigure, play, slider, curve, moment, live, bar, root, notice, note };
}
