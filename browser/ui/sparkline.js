/** A thin line over the frames of a path, with a mark at one place. */

import { make } from "./dom.js";
import { number } from "./words.js";

const WIDTH = 100;
const HEIGHT = 24;
/** For the parser, which knows the namespace: an exported page names no address, not even that. */
const DRAWING = `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img">
<line class="lx-spark-reference" x1="0" x2="${WIDTH}"/><polyline class="lx-spark-line"/>
<line class="lx-spark-mark" y1="0" y2="${HEIGHT}"/></svg>`;

/**
 * The points of a line: values over equal steps, the extremes at the edges.
 *
 * @param {ArrayLike<number>} values NaN where unknown yet
 * @param {number} low
 * @param {number} high
 * @returns {string} as a polyline has them
 */
export function linePoints(values, low, high) {
  const span = Math.max(high - low, 1e-9);
  return Array.from(values, (value, i) => [
    (WIDTH * i) / Math.max(1, values.length - 1),
    HEIGHT - 1 - ((value - low) / span) * (HEIGHT - 2),
  ]).filter(([, y]) => Number.isFinite(y)).map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join(" ");
}

/**
 * @param {string} name
 * @param {string} unit
 * @param {string} [along] what the line goes along
 */
export function sparkline(name, unit, along = "along the path") {
  const holder = make("template");
  holder.innerHTML = DRAWING;
  const drawing = holder.content.firstElementChild;
  const [reference, line, mark] = drawing.children;
  const value = make("output", { class: "lx-number" });
  const note = make("span", { class: "lx-quiet" });
  const element = make("div", { class: "lx-spark" },
    make("div", { class: "lx-spark-name" }, make("span", {}, name, note), value), drawing);

  /**
   * @param {ArrayLike<number>} values
   * @param {{at: number, value: number, reference?: number, said?: string}} place at in [0, 1]
   */
  function show(values, place) {
    const known = Array.from(values).filter(Number.isFinite);
    if (Number.isFinite(place.reference)) known.push(place.reference);
    const low = Math.min(...known);
    const high = Math.max(...known);
    line.setAttribute("points", linePoints(values, low, high));
    mark.setAttribute("x1", WIDTH * place.at);
    mark.setAttribute("x2", WIDTH * place.at);
    reference.style.display = Number.isFinite(place.reference) ? "" : "none";
    if (Number.isFinite(place.reference)) {
      const y = HEIGHT - 1 - ((place.reference - low) / Math.max(high - low, 1e-9)) * (HEIGHT - 2);
      reference.setAttribute("y1", y);
      reference.setAttribute("y2", y);
    }
    note.textContent = place.said ?? "";
    value.textContent = Number.isFinite(place.value) ? `${number(place.value)} ${unit}`.trim() : "";
    const range = known.length > 0 ? `, between ${number(low)} and ${number(high)}` : "";
    drawing.setAttribute("aria-label", `${name} ${along}${range}`);
  }

  return { element, show };
}
