/** The legend of a map: what the colours mean, and which classes are shown. */
import { classColour, sequentialGradient } from "../ui/colours.js";
import { make } from "../ui/dom.js";
import { rove } from "../ui/roving.js";
import { number } from "../ui/words.js";

/** Return a set with a label added, or removed if it was there. @param {Set<number>} labels @param {number} label */
export function toggled(labels, label) {
  const next = new Set(labels);
  if (!next.delete(label)) next.add(label);
  return next;
}

/** Create a legend. @param {(hidden: Set<number>) => void} onToggle  called with all hidden labels */
export function createLegend(onToggle) {
  const element = make("div", { class: "lx-legend" });
  const toolbar = make("div", { role: "toolbar", "aria-label": "Classes shown on the map" });
  const refreshStop = rove(toolbar);

  /**
   * Show classes as buttons that hide and show them.
   *
   * @param {string[]} classes  names of the labels 0, 1, …
   * @param {Set<number>} hidden  labels
   */
  function showClasses(classes, hidden) {
    const buttons = classes.map((name, label) => {
      const swatch = make("span", { class: "lx-swatch", "aria-hidden": "true" });
      swatch.style.background = classColour(label);
      const pressed = String(!hidden.has(label));
      const click = () => onToggle(toggled(hidden, label));
      const title = `Show or hide ${name}`;
      return make("button", { type: "button", "aria-pressed": pressed, title, click }, swatch, name);
    });
    const focused = [...toolbar.children].indexOf(toolbar.getRootNode().activeElement);
    toolbar.replaceChildren(...buttons);
    toolbar.inert = false;
    element.replaceChildren(toolbar);
    refreshStop();
    if (focused >= 0) buttons[focused]?.focus();
  }

  /**
   * Show a legend's scale in the room of its classes, so that nothing below it moves.
   *
   * @param {import("./colouring.js").Scale} scale of a metric
   */
  function showScale({ name, low, high, dark }) {
    const bar = make("span", { class: "lx-scale", "aria-hidden": "true" });
    bar.style.background = sequentialGradient(dark);
    toolbar.inert = true;
    element.append(
      make("div", { class: "lx-legend-scale", role: "note" },
        make("span", {}, `${name}, nats`),
        make("span", { class: "lx-number" }, number(low, 1)),
        bar,
        make("span", { class: "lx-number" }, number(high, 1)),
        make("span", { class: "lx-quiet" }, "1st to 99th percentile")),
    );
  }

  /**
   * Show a scale, else classes, else nothing.
   *
   * @param {import("./colouring.js").Scale|null} scale
   * @param {string[]|null|undefined} classes
   * @param {Set<number>} hidden
   */
  function show(scale, classes, hidden) {
    if (classes?.length) showClasses(classes, hidden);
    else clear();
    if (scale) showScale(scale);
  }

  function clear() {
    element.replaceChildren();
  }

  return { element, show, showClasses, clear };
}
