/** What is shown, in words: the example of the code, or the nearest one, with its costs. */
import { classOf } from "../map/example.js";
import { muOf } from "../map/points.js";
import { nearestCodes } from "../map/reading.js";
import { store } from "../state/store.js";
import { number } from "../ui/words.js";
import { createLine } from "./line.js";

/**
 * @param {HTMLElement} element
 * @param {{points: import("../map/points.js").Points, classes: string[]}} data
 * @returns {import("../panel.js").Panel}
 */
export function mount(element, data) {
  return createLine(element, data, (known) => describe(known, store.get(), store.shown()));
}

/** Describe a code. @returns {string} */
export function describe({ points, classes }, { hovered, live, pinnedId }, z) {
  if (z.length !== points.latentDim || points.count === 0) return "";
  const own = points.byId.get(hovered ?? (live === null ? pinnedId : null));
  if (own !== undefined) return `Test image ${nameOf(points, own, classes)}${costs(points, own)}.`;
  const [nearest] = nearestCodes(points, z, 1);
  const distance = Math.hypot(...muOf(points, nearest).map((value, k) => value - z[k]));
  return `Nearest test image: ${nameOf(points, nearest, classes)} (distance ${number(distance)}).`;
}

function nameOf(points, at, classes) {
  const name = classOf(points, at, classes);
  return name === null ? `#${points.ids[at]}` : `#${points.ids[at]}, class ${name}`;
}

function costs({ rate, distortion }, at) {
  const known = [["rate", rate], ["distortion", distortion]].filter(([, values]) => values !== null);
  return known.map(([name, values]) => `; ${name} ${number(values[at], 1)} nats`).join("");
}
