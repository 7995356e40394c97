/** What the colours of the map mean; classes are switched off and on here. */
import { classColour, sequentialGradient } from "../ui/colours.js";
import { make } from "../ui/dom.js";
import { number } from "../ui/words.js";

/**
 * @param {(hidden: Set<number>) => void} onToggle
 */
export function createLegend(onToggle) {
  const element = make("div", { class: "lx-legend" });

  /**
   * @param {string[]} classes
   * @param {Set<number>} hidden  labels that are switched off
   */
  function showClasses(classes, hidden) {
    const buttons = classes.map((name, label) => {
      const swatch = make("span", { class: "lx-swatch", "aria-hidden": "true" });
      swatch.style.background = classColour(label);
      const button = make(
        "button",
        { type: "button", "aria-pressed": String(!hidden.has(label)), title: `Show or hide ${name}` },
        swatch,
        name,
      );
      button.addEventListener("click", () => {
        const next = new Set(hidden);
        if (!next.delete(label)) next.add(label);
        onToggle(next);
      });
      return button;
    });
    element.setAttribute("role", "group");
    element.setAttribute("aria-label", "Classes shown on the map");
    const focused = [...element.children].indexOf(element.getRootNode().activeElement);
    element.replaceChildren(...buttons);
    if (focused >= 0) buttons[focused]?.focus();
  }

  /** @param {string} name @param {number} low @param {number} high @param {boolean} dark */
  function showScale(name, low, high, dark) {
    const bar = make("span", { class: "lx-scale", "aria-hidden": "true" });
    bar.style.background = sequentialGradient(dark);
    element.setAttribute("role", "note");
    element.removeAttribute("aria-label");
    element.replaceChildren(
      make("span", {}, `${name}, nats`),
      make("span", { class: "lx-number" }, number(low, 1)),
      bar,
      make("span", { class: "lx-number" }, number(high, 1)),
      make("span", { class: "lx-quiet" }, "1st to 99th percentile"),
    );
  }

  function clear() {
    element.replaceChildren();
  }

  return { element, showClasses, showScale, clear };
}
