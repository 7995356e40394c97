/** Elements, made in one expression. */

/**
 * @param {string} tag
 * @param {Record<string, unknown>} [properties] functions become listeners of the event that they
 *   are named after; false and null leave an attribute out, true sets it empty
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

const QUIET = 600;

/**
 * A live region for screen readers that says the latest text, at most every 600 ms.
 *
 * @returns {{element: HTMLElement, say: (text: string|(() => string)) => void, stop: () => void}}
 *   a function is called only when its text is said
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
    }, QUIET);
  };
  return { element, say, stop: () => clearTimeout(timer) };
}
