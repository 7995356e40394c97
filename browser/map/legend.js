/** The legend of a map: what the colours mean, which classes are shown, and what is looked for. */
import { classColour, sequentialGradient } from "../ui/colours.js";
import { make } from "../ui/dom.js";
import { rove } from "../ui/roving.js";
import { measured, number } from "../ui/words.js";

/** Milliseconds after the last letter of a search before Python is told. */
const PAUSE = 500;

/** Return a set with a label added, or removed if it was there. @param {Set<number>} labels @param {number} label */
export function toggled(labels, label) {
  const next = new Set(labels);
  if (!next.delete(label)) next.add(label);
  return next;
}

/**
 * Create a legend.
 *
 * @param {(hidden: Set<number>) => void} onToggle  called with all hidden labels
 * @param {object} [on]
 * @param {(key: string, members: string[]) => void} [on.category]  called with the categories of a
 *   column that are to be shown or hidden
 * @param {(text: string, final: boolean) => void} [on.search]
 */
export function createLegend(onToggle, on = {}) {
  const element = make("div", { class: "lx-legend" });
  const toolbar = make("div", { role: "toolbar", "aria-label": "Classes shown on the map" });
  const refreshStop = rove(toolbar);
  const search = createSearch((text, final) => on.search?.(text, final));

  /** Put buttons into the toolbar; the focus stays at its place. @param {HTMLElement[]} buttons */
  function showButtons(buttons) {
    const focused = [...toolbar.children].indexOf(toolbar.getRootNode().activeElement);
    toolbar.replaceChildren(...buttons);
    toolbar.inert = false;
    element.replaceChildren(toolbar);
    refreshStop();
    if (focused >= 0) buttons[focused]?.focus();
  }

  /**
   * Show classes as buttons that hide and show them.
   *
   * @param {string[]} classes  names of the labels 0, 1, …
   * @param {Set<number>} hidden  labels
   */
  function showClasses(classes, hidden) {
    showButtons(classes.map((name, label) => createButton(
      { name, colour: classColour(label), pressed: !hidden.has(label) }, () => onToggle(toggled(hidden, label)))));
  }

  /**
   * Show a legend's scale in the room of its classes, so that nothing below it moves.
   *
   * @param {import("./colouring.js").Scale} scale
   */
  function showScale({ name, low, high, dark, unit = "nats", clipped = true, missing = 0 }) {
    const bar = make("span", { class: "lx-scale", "aria-hidden": "true" });
    bar.style.background = sequentialGradient(dark);
    toolbar.inert = true;
    const written = unit ? (value) => number(value, 1) : measured;
    const without = missing > 0 ? [make("span", { class: "lx-quiet" }, `${missing.toLocaleString("en")} without, grey`)] : [];
    element.append(
      make("div", { class: "lx-legend-scale", role: "note" },
        make("span", { class: "lx-legend-name" }, unit ? `${name}, ${unit}` : name),
        make("span", { class: "lx-number" }, written(low)),
        bar,
        make("span", { class: "lx-number" }, written(high)),
        make("span", { class: "lx-quiet" }, clipped ? "1st to 99th percentile" : "smallest to largest"),
        ...without),
    );
  }

  /**
   * Show the categories of a column as buttons that filter them.
   *
   * @param {import("./colouring.js").Categories} categories
   * @param {(name: string) => boolean} isKept
   */
  function showCategories({ key, entries, note }, isKept) {
    const buttons = entries.map(({ name, colour, count, members }) => createButton(
      { name, colour, count, pressed: members.some(isKept) }, () => on.category?.(key, members)));
    showButtons(buttons);
    if (note) toolbar.append(make("span", { class: "lx-quiet lx-legend-note" }, note));
  }

  /**
   * Show what the colours mean: a scale, categories or a search, else classes, else nothing.
   *
   * @param {import("./colouring.js").Colouring} colouring
   * @param {string[]|null|undefined} classes
   * @param {Set<number>} hidden
   * @param {object} [filter]
   * @param {(name: string) => boolean} [filter.isKept]  whether a category is shown
   * @param {string} [filter.search]
   */
  function show(colouring, classes, hidden, { isKept = () => true, search: wanted = "" } = {}) {
    if (colouring.categories) return showCategories(colouring.categories, isKept);
    if (colouring.search) {
      search.show(colouring.search, wanted);
      if (!search.element.isConnected || element.firstChild !== search.element) element.replaceChildren(search.element);
      return;
    }
    if (classes?.length) showClasses(classes, hidden);
    else clear();
    if (colouring.scale) showScale(colouring.scale);
  }

  function clear() {
    element.replaceChildren();
  }

  return { element, show, showClasses, clear, destroy: search.stop };
}

function createButton({ name, colour, count, pressed }, click) {
  const swatch = make("span", { class: "lx-swatch", "aria-hidden": "true" });
  swatch.style.background = colour;
  const title = `Show or hide ${name}${count === undefined ? "" : `: ${count.toLocaleString("en")}`}`;
  const text = make("span", { class: "lx-legend-name" }, name);
  return make("button", { type: "button", "aria-pressed": String(pressed), title, click }, swatch, text);
}

/** Create the search of a column of text. @param {(text: string, final: boolean) => void} on */
function createSearch(on) {
  let timer = 0;
  const told = (final) => {
    clearTimeout(timer);
    on(input.value, final);
    if (!final) timer = setTimeout(() => on(input.value, true), PAUSE);
  };
  const input = make("input", { type: "search", maxlength: 100, input: () => told(false), change: () => told(true) });
  const name = make("span", { class: "lx-legend-name" });
  const found = make("span", { class: "lx-quiet", role: "status" });
  const element = make("div", { class: "lx-search" }, make("label", {}, name, input), found);
  return {
    element,
    stop: () => clearTimeout(timer),
    /** @param {{name: string, found: number}} search @param {string} wanted */
    show({ name: column, found: count }, wanted) {
      name.textContent = `Find in ${column}`;
      if (input.value !== wanted) input.value = wanted;
      found.textContent = wanted === "" ? "Matches are marked." : `${count.toLocaleString("en")} found`;
    },
  };
}
