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

  /** Add a point to the lasso, or move the opposite corner of the box there. @param {Point} point */
  extend(point) {
    if (this.kind === "lasso") this.path.push(point);
    else this.path = box(this.start, point);
  }

  /**
   * Return the outline as a polygon with few corners.
   *
   * @param {number} tolerance  largest distance from the path, data units
   * @returns {Point[]|null} null for a path without an area
   */
  polygon(tolerance) {
    const corners = simplify(this.path, tolerance);
    return corners.length < 3 ? null : corners;
  }
}
