/** A line of words that follows the code that is shown. */
import { schedule, store, unschedule } from "../state/store.js";
import { make } from "../ui/dom.js";

/**
 * @template Data
 * @param {HTMLElement} element
 * @param {Data} data
 * @param {(data: Data) => string} words
 * @param {Record<string, string>} [attributes]
 * @returns {import("../panel.js").Panel}
 */
export function createLine(element, data, words, attributes = {}) {
  const line = make("p", { class: "lx-number", ...attributes });
  element.append(line);
  const draw = () => (line.textContent = words(data));
  const stop = store.subscribe(() => schedule(draw));
  schedule(draw);
  return {
    update(next) {
      data = next;
      schedule(draw);
    },
    destroy() {
      stop();
      unschedule(draw);
      line.remove();
    },
  };
}
