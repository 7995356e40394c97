/** The average rate of a model's codes, in a sentence. */
import { make } from "../ui/dom.js";
import { number } from "../ui/words.js";

/**
 * @param {HTMLElement} element
 * @param {{points: import("../map/points.js").Points}} data
 * @returns {import("../panel.js").Panel}
 */
export function mount(element, { points }) {
  element.append(make("p", { class: "lx-quiet" }, describe(points)));
  return { update() {}, destroy: () => element.replaceChildren() };
}

/** @param {import("../map/points.js").Points} points @returns {string} */
export function describe({ rate }) {
  if (rate === null || rate.length === 0) return "This model's codes have no rate.";
  const mean = rate.reduce((sum, nats) => sum + nats, 0) / rate.length;
  return `Rate (average KL to the prior): ${number(mean, 1)} nats per test image.`;
}
