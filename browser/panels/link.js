/** A button that copies the page's address, which holds what is shown. */
import { copy } from "../ui/clipboard.js";
import { make } from "../ui/dom.js";

/** Milliseconds for which the result is shown. */
const SHOWN = 4000;

/**
 * @param {HTMLElement} element
 * @returns {import("../panel.js").Panel}
 */
export function mount(element) {
  const result = make("span", { class: "lx-quiet", role: "status" });
  let timer = 0;

  async function copyAddress() {
    result.textContent = await copy(location.href).then(() => "Copied", () => "Copy it from the address bar");
    clearTimeout(timer);
    timer = setTimeout(() => (result.textContent = ""), SHOWN);
  }

  element.append(make("button", {
    type: "button", style: "width: 100%", click: copyAddress,
    title: "The link holds the model, the code, the map and the selection.",
  }, "Copy link"), result);

  return {
    update() {},
    destroy() {
      clearTimeout(timer);
      element.replaceChildren();
    },
  };
}
