/** The outline of a selection while it is drawn. No DOM. */
import { box, simplify } from "./geometry.js";

/** @typedef {import("./geometry.js").Point} Point  in data units */

export class Outline {
  /** @param {"box"|"lasso"} kind @param {Point} start */
  constructor(kind, start) {
    this.kind = kind;
    this.start = start;
    this.path = [start];
  }

  /** Draw on to a place; a box gets its opposite corner there. @param {Point} place */
  extend(place) {
    if (this.kind === "lasso") this.path.push(place);
    else this.path = box(this.start, place);
  }

  /**
   * @param {number} tolerance  how far the polygon may be from the path, in data units
   * @returns {Point[]|null} a closed polygon of few corners; null where the path holds nothing
   */
  polygon(tolerance) {
    const corners = simplify(this.path, tolerance);
    return corners.length < 3 ? null : corners;
  }
}
