/** A small line chart without axes, with a mark at one position. */

import { make } from "./dom.js";
import { number } from "./words.js";

const WIDTH = 100;
const HEIGHT = 24;
/** Parsed as HTML: the SVG namespace is an address, and an exported page contains none. */
const DRAWING = `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img">
<line class="lx-spark-reference" x1="0" x2="${WIDTH}"/><polyline class="lx-spark-line"/>
<line class="lx-spark-mark" y1="0" y2="${HEIGHT}"/></svg>`;

/**
 * Return the points of a line over equal steps.
 *
 * @param {ArrayLike<number>} values NaN for values that are not known yet
 * @param {number} low the value at the bottom
 * @param {number} high the value at the top
 * @returns {string} a polyline's `points`
 */
export function linePoints(values, low, high) {
  return Array.from(values, (value, i) => [
    (WIDTH * i) / Math.max(1, values.length - 1),
    heightOf(value, low, high),
  ]).filter(([, y]) => Number.isFinite(y)).map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join(" ");
}

/** The vertical position of a value, from the top. */
function heightOf(value, low, high) {
  return HEIGHT - 1 - ((value - low) / Math.max(high - low, 1e-9)) * (HEIGHT - 2);
}

/**
 * Create a sparkline.
 *
 * @param {string} name of the metric
 * @param {string} unit
 * @param {string} [along] what the horizontal direction is, for screen readers
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
   * Draw values, and mark one.
   *
   * @param {ArrayLike<number>} values
   * @param {object} mark
   * @param {number} mark.at its position, 0 to 1
   * @param {number} mark.value written beside the name
   * @param {number} [mark.reference] the height of a horizontal line
   * @param {string} [mark.said] written behind the name
   */
  function show(values, { at, value: marked, reference: level, said }) {
    const known = Array.from(values).filter(Number.isFinite);
    const hasLevel = Number.isFinite(level);
    if (hasLevel) known.push(level);
    const low = Math.min(...known);
    const high = Math.max(...known);
    line.setAttribute("points", linePoints(values, low, high));
    mark.setAttribute("x1", WIDTH * at);
    mark.setAttribute("x2", WIDTH * at);
    reference.style.display = hasLevel ? "" : "none";
    if (hasLevel) {
      const y = heightOf(level, low, high);
      reference.setAttribute("y1", y);
      reference.setAttribute("y2", y);
    }
    note.textContent = said ?? "";
    value.textContent = Number.isFinite(marked) ? `${number(marked)} ${unit}`.trim() : "";
    const range = known.length > 0 ? `, between ${number(low)} and ${number(high)}` : "";
    drawing.setAttribute("aria-label", `${name} ${along}${range}`);
  }

  return { element, show };
}
