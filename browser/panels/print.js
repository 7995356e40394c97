/** A button that prints the page. */
import { make } from "../ui/dom.js";

/** @param {HTMLElement} element @returns {import("../panel.js").Panel} */
export function mount(element) {
  element.append(make("button", { type: "button", click: () => window.print() }, "Print"));
  return {
    update() {},
    destroy: () => element.replaceChildren(),
  };
}
