/**
 * A presentation: a small way out, and keys that step the lesson which is open.
 *
 * Arrows step where nothing else takes them; Page Up and Page Down, which a presenter's remote sends,
 * step everywhere.
 */
import { make } from "../ui/dom.js";

/** Buttons of the lesson's panel, by key. */
const STEPS = {
  ArrowRight: "next", PageDown: "next", ArrowLeft: "previous", PageUp: "previous",
};
/** What takes arrows itself when it has the focus. */
const OWN_KEYS = "input, textarea, select, canvas, [role=slider], [role=radio], [role=tab], [contenteditable], [tabindex='0']";

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
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
    const focused = document.activeElement;
    if (event.key === "Escape") {
      if (document.querySelector("dialog[open], [role=dialog]") === null) leave();
      return;
    }
    const way = STEPS[event.key];
    if (way === undefined || (event.key.startsWith("Arrow") && focused?.matches(OWN_KEYS))) return;
    const button = document.querySelector(`[data-lesson-step="${way}"], .st-key-lesson-${way} button`);
    if (button === null) return;
    event.preventDefault();
    button.click();
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
