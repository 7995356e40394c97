/**
 * Load encoded sets and their originals. Responses to earlier requests are dropped.
 *
 * @typedef {import("../files/assets.js").Source} Source
 */
import { fetchBytes } from "../files/assets.js";
import { readColumns } from "./columns.js";
import { readPoints, withPositions } from "./points.js";
import { readSprite } from "./sprite.js";

export class SetLoader {
  /**
   * @param {object} on
   * @param {() => void} on.request  called when a set is requested
   * @param {(points: import("./points.js").Points) => void} on.points  called with the set
   * @param {(sprite: import("./sprite.js").Sprite|null) => void} on.sprite  called with the originals, and
   *   with null when others are requested
   * @param {(error: Error) => void} on.error  called when the set cannot be loaded
   */
  constructor(on) {
    this.on = on;
    this.requested = null;
    this.loaded = null;
    this.sprite = null;
    this.stopped = false;
  }

  /** Return whether the set that was loaded last is the one in `data`. */
  hasLoaded({ codes, positions, columns }) {
    return this.loaded !== null && isSame(this.loaded, { codes, positions, columns });
  }

  /**
   * Request the set and the originals in `data`, unless they were requested last.
   *
   * @param {{codes: Source, positions?: Source|null, columns?: Source|null, sprite?: Source|null}} data
   */
  request({ codes, positions, columns, sprite }) {
    const wanted = { codes, positions, columns };
    if (this.requested === null || !isSame(this.requested, wanted)) this.#fetchSet(wanted);
    if (this.sprite !== sprite) {
      this.sprite = sprite;
      this.on.sprite(null);
      if (sprite) whenIdle(() => this.#fetchSprite(sprite));
    }
  }

  stop() {
    this.stopped = true;
  }

  async #fetchSet(request) {
    this.requested = request;
    this.on.request();
    const isOld = () => this.stopped || this.requested !== request;
    try {
      const sources = [request.codes, request.positions, request.columns];
      const [codes, positions, columns] = await Promise.all(sources.map((source) => source && fetchBytes(source)));
      if (isOld()) return;
      this.loaded = request;
      const points = readPoints(codes);
      points.columns = columns ? readColumns(points, columns) : [];
      this.on.points(positions ? withPositions(points, positions) : points);
    } catch (error) {
      if (!isOld()) this.on.error(error);
    }
  }

  async #fetchSprite(address) {
    try {
      const sprite = await fetchBytes(address).then(readSprite);
      if (!this.stopped && this.sprite === address) this.on.sprite(sprite);
    } catch (error) {
      // Without the originals, cards show reconstructions alone.
      console.warn(error);
    }
  }
}

function isSame(one, other) {
  return ["codes", "positions", "columns"].every((part) => (one[part] ?? null) === (other[part] ?? null));
}

function whenIdle(fn) {
  if (typeof requestIdleCallback === "function") requestIdleCallback(fn, { timeout: 2000 });
  else setTimeout(fn, 300);
}
