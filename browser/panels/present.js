/**
 * A presentation: a small way out, and Page Up and Page Down, which a presenter's remote sends.
 *
 * The open lesson takes arrows and these keys itself while nothing else has the focus.
 */
import { make } from "../ui/dom.js";

/** Buttons of the open lesson. */
const STEPS = { PageUp: ".lx-lesson-way button:first-child", PageDown: ".lx-lesson-next" };

/** Return whether the focus is on what the person uses, and not on the page or its lesson. @param {Event} event */
function isBusy(event) {
  const [target] = event.composedPath();
  return ![document.body, document.documentElement].includes(target) && target.closest?.(".lx-lesson") === null;
}

/** Return an element of a panel; panels may be in shadow trees. @param {string} selector */
function find(selector, root = document) {
  const here = root.querySelector(selector);
  if (here) return here;
  for (const element of root.querySelectorAll("*")) {
    const inside = element.shadowRoot && find(selector, element.shadowRoot);
    if (inside) return inside;
  }
  return null;
}

/**
 * @param {HTMLElement} element
 * @param {object} _
 * @param {import("../panel.js").Emit} emit
 * @returns {import("../panel.js").Panel}
 */
export function mount(element, _, emit) {
  const leave = () => emit.trigger("leave", true);
  element.append(make("button", {
    type: "button", class: "lx-plain lx-present", click: leave, title: "End the presentation (Escape)",
    "aria-label": "End the presentation",
  }, "×"));

  function onKey(event) {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.key === "Escape" && document.querySelector("[role=dialog]") === null) leave();
    else if (event.key in STEPS && isBusy(event)) {
      event.preventDefault();
      find(STEPS[event.key])?.click();
    }
  }

  document.addEventListener("keydown", onKey);
  return {
    update() {},
    destroy() {
      document.removeEventListener("keydown", onKey);
      element.replaceChildren();
    },
  };
}
