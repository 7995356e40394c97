/**
 * One line for a newcomer, with links to the Learn page. The browser remembers that it was shown.
 *
 * It stays until it is closed or the page is left, and is not there on the next visit.
 */
import { make } from "../ui/dom.js";

const KEY = "latent-explorer-welcomed";
/** Whether this visit is the first; null until it is known. */
let isFirst = null;

/** Return whether this is the first visit. A browser that remembers nothing is never welcomed. */
function firstVisit() {
  if (isFirst !== null) return isFirst;
  try {
    isFirst = localStorage.getItem(KEY) === null;
    localStorage.setItem(KEY, "1");
  } catch {
    isFirst = false;
  }
  return isFirst;
}

/** @param {HTMLElement} element @returns {import("../panel.js").Panel} */
export function mount(element) {
  const close = () => {
    isFirst = false;
    element.replaceChildren();
  };
  if (firstVisit()) {
    const link = (query, words) => make("a", { href: `learn?${query}`, target: "_self" }, words);
    element.append(
      make(
        "p",
        { class: "lx-welcome" },
        make("span", {}, "New here? ", link("lesson=latent-space", "Take the first lesson"), " or see ", link("section=method", "the method in six steps"), "."),
        make("button", { type: "button", class: "lx-plain", "aria-label": "Close", click: close }, "×"),
      ),
    );
  }
  return { update() {}, destroy: () => element.replaceChildren() };
}
