/** The encoded set of the map in one plane. No DOM. */
import { ease, GridIndex } from "./geometry.js";
import { origins, planeOf } from "./planes.js";
import { muOf, nearestCode } from "./points.js";

/** Milliseconds of the movement from one plane to the next. */
const MOVE_TIME = 400;

/** An encoded set in one plane. Examples are given by index, -1 for none. */
export class EncodedSet {
  /**
   * @param {import("./points.js").Points} points
   * @param {string} projection
   * @param {[number, number]} dims
   */
  constructor(points, projection, dims) {
    this.points = points;
    this.plane = planeOf(points, projection, dims);
    this.index = new GridIndex(this.plane.x, this.plane.y);
    /** Where points move from, and since when; null once they have arrived. */
    this.transition = null;
  }

  /** The bounds of all points. @returns {import("./geometry.js").Bounds} */
  get bounds() {
    return this.index.bounds;
  }

  /** Whether codes differ from their points on the plane: there are further dimensions. */
  get projected() {
    return this.plane.lift !== null && this.points.latentDim > 2;
  }

  /** Whether points are moving from the plane before. */
  get moving() {
    return this.transition !== null;
  }

  /** Return the position of an example. @param {number} example @returns {import("./geometry.js").Point} */
  positionOfExample(example) {
    return [this.plane.x[example], this.plane.y[example]];
  }

  /**
   * Return the position of a code, which without a projection is that of the nearest example.
   *
   * @param {ArrayLike<number>} z
   * @param {number|null} [id]  of the example whose code it is
   * @returns {import("./geometry.js").Point|null} null for a code of another length
   */
  positionOf(z, id = null) {
    const { points, plane } = this;
    if (z.length !== points.latentDim) return null;
    const known = points.byId.get(id);
    if (plane.project && !(plane.rows && known !== undefined)) return plane.project(z);
    const example = known ?? nearestCode(points, z);
    return example < 0 ? null : this.positionOfExample(example);
  }

  /**
   * Return where a code is drawn. Without a projection only examples have a place.
   *
   * @param {ArrayLike<number>} z
   * @param {number|null} id  of the example whose code it is
   * @returns {import("./geometry.js").Point|null}
   */
  placeOf(z, id) {
    return this.plane.project || this.points.byId.has(id) ? this.positionOf(z, id) : null;
  }

  /**
   * Return the code at a point, which in a plane without an inverse is that of the nearest example.
   *
   * @param {number} x
   * @param {number} y
   * @param {ArrayLike<number>} held  code of the dimensions outside the plane
   * @param {(example: number) => boolean} accepts  which examples count
   * @returns {{z: Float32Array, example: number}|null} null without an inverse and without examples
   */
  codeAt(x, y, held, accepts) {
    if (this.plane.lift) return { z: this.plane.lift(x, y, held), example: -1 };
    const example = this.index.nearestAnywhere(x, y, accepts);
    return example < 0 ? null : { z: Float32Array.from(muOf(this.points, example)), example };
  }

  /**
   * Return the nearest example within 45 degrees of a direction.
   *
   * @param {import("./geometry.js").Point} from
   * @param {[number, number]} direction  a unit vector along an axis
   * @param {number} least  smallest distance, data units
   * @param {(example: number) => boolean} accepts  which examples count
   * @returns {number}
   */
  nextExample([x, y], [dx, dy], least, accepts) {
    let best = -1;
    let shortest = Infinity;
    for (let n = 0; n < this.points.count; n++) {
      if (!accepts(n)) continue;
      const right = this.plane.x[n] - x;
      const up = this.plane.y[n] - y;
      const along = right * dx + up * dy;
      const across = Math.abs(right * dy) + Math.abs(up * dx);
      if (along <= least || across > along) continue;
      if (along + across < shortest) {
        shortest = along + across;
        best = n;
      }
    }
    return best;
  }

  /**
   * Move every point from where the same example was on the screen.
   *
   * @param {EncodedSet} before  the set that was shown
   * @param {import("./geometry.js").Camera} camera  of `before`
   * @param {import("./geometry.js").Camera} nextCamera  of this set
   * @param {number} now  milliseconds
   */
  moveFrom(before, camera, nextCamera, now) {
    const from = { points: before.points, plane: before.positions(now), camera };
    const to = { points: this.points, plane: this.plane, camera: nextCamera };
    this.transition = { ...origins(from, to), start: null };
  }

  /** Return the positions at a time in ms. @param {number} now @returns {{x: Float32Array, y: Float32Array}} */
  positions(now) {
    if (this.transition === null) return this.plane;
    this.transition.start ??= now;
    const t = ease(Math.min(1, (now - this.transition.start) / MOVE_TIME));
    if (t >= 1) {
      this.transition = null;
      return this.plane;
    }
    return { x: between(this.transition.x, this.plane.x, t), y: between(this.transition.y, this.plane.y, t) };
  }
}

function between(from, to, t) {
  const values = new Float32Array(to.length);
  for (let n = 0; n < values.length; n++) values[n] = from[n] + (to[n] - from[n]) * t;
  return values;
}
