/** Create elements. */

/**
 * Create an element with attributes, listeners and children.
 *
 * @param {string} tag
 * @param {Record<string, unknown>} [properties] attributes by name, or listeners by the name of their
 *   event; false and null omit an attribute, true sets it to the empty string
 * @param {...(Node | string)} children
 * @returns {any} the element
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** Return whether the user wants no animation. */
export function prefersReducedMotion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** Milliseconds between two announcements. */
const PAUSE = 600;

/**
 * Create a live region that announces the latest text to screen readers, at most every 600 ms.
 *
 * @returns {{element: HTMLElement, say: (text: string|(() => string)) => void, stop: () => void}}
 *   `say` takes a text, or a function that is called only when its text is announced
 */
export function announcer() {
  const element = make("div", { class: "lx-hidden-text", role: "status", "aria-live": "polite" });
  let timer = 0;
  let latest = "";
  const say = (text) => {
    latest = text;
    if (timer) return;
    timer = setTimeout(() => {
      timer = 0;
      element.textContent = typeof latest === "function" ? latest() : latest;
    }, PAUSE);
  };
  return { element, say, stop: () => clearTimeout(timer) };
}
