/** The encoded set that the map shows: its points in one plane, and how they are fetched. */
import { fetchBytes } from "../files/assets.js";
import { ease, GridIndex } from "./geometry.js";
import { origins, planeOf } from "./planes.js";
import { muOf, nearestCode, readPoints, withPositions } from "./points.js";
import { readSprite } from "./sprite.js";

/** Milliseconds that points take from one plane to the next. */
const TRAVEL = 400;

/** An encoded set in one plane. No DOM. Examples are positions in its arrays, -1 for none. */
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
    this.travel = null;
  }

  /** @returns {import("./geometry.js").Bounds} of all points */
  get bounds() {
    return this.index.bounds;
  }

  /** Whether points are on their way from the plane before. */
  get moving() {
    return this.travel !== null;
  }

  /** @param {number} example @returns {[number, number]} */
  placeOfExample(example) {
    return [this.plane.x[example], this.plane.y[example]];
  }

  /**
   * Where a code lies in the plane, or null where it has no place.
   *
   * @param {ArrayLike<number>} z
   * @param {number|null} [id]  of the example whose code it is
   * @returns {[number, number]|null}
   */
  placeOf(z, id = null) {
    const { points, plane } = this;
    if (z.length !== points.latentDim) return null;
    const known = points.byId.get(id);
    if (plane.project && !(plane.rows && known !== undefined)) return plane.project(z);
    const example = known ?? nearestCode(points, z);
    return example < 0 ? null : this.placeOfExample(example);
  }

  /**
   * The code at a place: decoded from the plane, or the nearest example's where it has no inverse.
   *
   * @param {number} x
   * @param {number} y
   * @param {ArrayLike<number>} held  the code that gives what the plane leaves open
   * @param {(example: number) => boolean} accepts
   * @returns {{z: Float32Array, example: number}|null} null where there is no example
   */
  codeAt(x, y, held, accepts) {
    if (this.plane.lift) return { z: this.plane.lift(x, y, held), example: -1 };
    const example = this.index.nearestAnywhere(x, y, accepts);
    return example < 0 ? null : { z: Float32Array.from(muOf(this.points, example)), example };
  }

  /**
   * The nearest example in a direction, within 45 degrees of it.
   *
   * @param {[number, number]} from
   * @param {[number, number]} direction  of length 1, along an axis
   * @param {number} least  data units that it has to be away at least
   * @param {(example: number) => boolean} accepts
   * @returns {number} -1 where there is none
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
   * Let every point travel from where the same example was.
   *
   * @param {EncodedSet} before
   * @param {import("./geometry.js").Camera} camera  that `before` was seen through
   * @param {import("./geometry.js").Camera} nextCamera
   * @param {number} now  milliseconds
   */
  travelFrom(before, camera, nextCamera, now) {
    const from = { points: before.points, plane: before.positions(now), camera };
    this.travel = { ...origins(from, { points: this.points, plane: this.plane, camera: nextCamera }), start: null };
  }

  /** Where the points are at a time. @param {number} now  milliseconds @returns {{x: Float32Array, y: Float32Array}} */
  positions(now) {
    if (this.travel === null) return this.plane;
    this.travel.start ??= now;
    const t = ease(Math.min(1, (now - this.travel.start) / TRAVEL));
    if (t >= 1) {
      this.travel = null;
      return this.plane;
    }
    return { x: between(this.travel.x, this.plane.x, t), y: between(this.travel.y, this.plane.y, t) };
  }
}

function between(from, to, t) {
  const values = new Float32Array(to.length);
  for (let n = 0; n < values.length; n++) values[n] = from[n] + (to[n] - from[n]) * t;
  return values;
}

/** Fetches encoded sets and their originals; an answer that a later request has overtaken is dropped. */
export class SetLoader {
  /**
   * @param {object} on
   * @param {() => void} on.request  a set is being fetched
   * @param {(points: import("./points.js").Points) => void} on.points
   * @param {(sprite: import("./sprite.js").Sprite|null) => void} on.sprite  null while another is fetched
   * @param {(error: Error) => void} on.error  no set
   */
  constructor(on) {
    this.on = on;
    this.wanted = null;
    this.arrived = null;
    this.sprite = null;
    this.stopped = false;
  }

  /** Whether the points that came last are those that `data` names. */
  isShowing({ codes, positions }) {
    return this.arrived?.codes === codes && this.arrived.positions === positions;
  }

  /**
   * Fetch what `data` names, if it is not what was requested last.
   *
   * @typedef {import("../files/assets.js").Source} Source
   * @param {{codes: Source, positions?: Source|null, sprite?: Source|null}} data
   */
  request({ codes, positions, sprite }) {
    if (this.wanted?.codes !== codes || this.wanted.positions !== positions) this.#fetchSet({ codes, positions });
    if (this.sprite !== sprite) {
      this.sprite = sprite;
      this.on.sprite(null);
      if (sprite) whenIdle(() => this.#fetchSprite(sprite));
    }
  }

  stop() {
    this.stopped = true;
  }

  async #fetchSet(wanted) {
    this.wanted = wanted;
    this.on.request();
    const overtaken = () => this.stopped || this.wanted !== wanted;
    try {
      const addresses = [wanted.codes, wanted.positions].filter(Boolean);
      const [codes, positions] = await Promise.all(addresses.map(fetchBytes));
      if (overtaken()) return;
      this.arrived = wanted;
      const points = readPoints(codes);
      this.on.points(positions ? withPositions(points, positions) : points);
    } catch (error) {
      if (!overtaken()) this.on.error(error);
    }
  }

  async #fetchSprite(address) {
    try {
      const sprite = await fetchBytes(address).then(readSprite);
      if (!this.stopped && this.sprite === address) this.on.sprite(sprite);
    } catch (error) {
      // Cards say that they show reconstructions: that is what is left without the originals.
      console.warn(error);
    }
  }
}

function whenIdle(fn) {
  if (typeof requestIdleCallback === "function") requestIdleCallback(fn, { timeout: 2000 });
  else setTimeout(fn, 300);
}
