/**
 * The label for a conditional model, chosen by click or arrow keys.
 *
 * Sends up `y`.
 *
 * @typedef {{names: string[], side?: string | null}} LabelsData  `names` of the labels 0, 1, …
 */
import { storeOf } from "../state/store.js";
import { classColour } from "../ui/colours.js";
import { make } from "../ui/dom.js";
import { nextPlace } from "../ui/roving.js";

/** Names of at most so many letters are arranged in columns. */
const SHORT = 2;

/**
 * @param {HTMLElement} element
 * @param {LabelsData} data
 * @param {import("../panel.js").Emit} emit
 * @returns {import("../panel.js").Panel}
 */
export function mount(element, data, emit) {
  const store = storeOf(data.side);
  let shown = "";
  const group = make("div", { class: "lx-labels", role: "radiogroup", "aria-label": "Label given to the model", keydown: onKey });
  element.append(make("div", { class: "lx-field lx-labels-field" }, make("span", { class: "lx-quiet" }, "Label given to the model"), group));

  function choose(y) {
    if (y === store.get().y) return;
    store.set({ y });
    emit.state("y", y);
  }

  function onKey(event) {
    const to = nextPlace(store.get().y ?? 0, event.key, data.names.length);
    if (to === null) return;
    event.preventDefault();
    choose(to);
    group.children[to].focus();
  }

  function build() {
    const wanted = data.names.join("\n");
    if (wanted === shown) return;
    shown = wanted;
    group.classList.toggle("lx-short", data.names.every((name) => name.length <= SHORT));
    group.replaceChildren(...data.names.map((name, y) => {
      const swatch = make("span", { class: "lx-swatch", "aria-hidden": "true" });
      swatch.style.background = classColour(y);
      return make("button", { type: "button", role: "radio", click: () => choose(y) }, swatch, name);
    }));
  }

  function mark() {
    const { y } = store.get();
    [...group.children].forEach((button, label) => {
      button.setAttribute("aria-checked", String(label === y));
      button.tabIndex = label === (y ?? 0) ? 0 : -1;
    });
  }

  function update(next) {
    data = next;
    build();
    mark();
  }

  const unsubscribe = store.subscribe((state, changed) => {
    if (changed.has("y")) mark();
  });
  update(data);

  return {
    update,
    destroy() {
      unsubscribe();
      element.replaceChildren();
    },
  };
}
