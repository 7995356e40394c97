/** The camera of the map: which part of the plane is shown, and how large it is drawn. No DOM. */
import * as geometry from "./geometry.js";

/** How much closer, and how much farther away, the camera may go than the extent of all points. */
const CLOSEST = 400;
const FARTHEST = 8;

export class MapCamera {
  /** @param {import("../panel.js").Emit} emit @param {() => void} changed  called after each change */
  constructor(emit, changed) {
    this.emit = emit;
    this.changed = changed;
    /** @type {geometry.Camera|null} null until there are points and a size */
    this.position = null;
    /** Whether the camera shows all points, and keeps doing so when the size changes. */
    this.fitted = true;
    /** @type {geometry.Bounds|null} of all points */
    this.bounds = null;
    this.size = { width: 0, height: 0 };
    /** Device pixels for each CSS pixel. */
    this.ratio = 1;
    this.version = undefined;
  }

  /** Data units for each CSS pixel. */
  get unit() {
    return this.position.height / this.size.height;
  }

  /** How much larger points are than with all of them in view. */
  get magnification() {
    return geometry.fit(this.bounds, this.size).height / this.position.height;
  }

  /** @param {geometry.Size} size  CSS pixels @param {number} ratio  device pixels for each of them */
  resize(size, ratio) {
    this.size = size;
    this.ratio = ratio;
    if (this.fitted) this.fit();
  }

  /**
   * Take over the extent of other points.
   *
   * @param {geometry.Bounds} bounds
   * @param {boolean} samePlane  whether places mean what they meant, so that the camera may stay
   */
  setBounds(bounds, samePlane) {
    this.bounds = bounds;
    if (this.position === null || this.fitted || !samePlane) this.fit();
  }

  /** Show all points. */
  fit() {
    this.fitted = true;
    if (this.bounds === null || this.size.width === 0) return;
    this.position = geometry.fit(this.bounds, this.size);
    this.changed();
  }

  /** Show all points, and tell Python. */
  reset() {
    if (this.bounds === null) return;
    this.fit();
    this.send();
  }

  /**
   * Take over a camera from Python, once for each version of it.
   *
   * @param {geometry.Camera|null} position  null to show all points
   * @param {number} version
   */
  adopt(position, version) {
    if (version === this.version || this.bounds === null || this.size.width === 0) return;
    const first = this.version === undefined;
    this.version = version;
    if (position) this.#move({ ...position });
    else if (!first) this.fit();
  }

  /** Zoom around a place of the drawing. @param {number} px @param {number} py @param {number} factor  above 1 comes closer */
  zoom(px, py, factor) {
    if (this.position === null) return;
    const { left, right, bottom, top } = this.bounds;
    const extent = Math.max(right - left, top - bottom, 1e-6);
    const limits = { least: extent / CLOSEST, most: extent * FARTHEST };
    this.#move(geometry.zoom(this.position, factor, this.toData(px, py), limits));
  }

  /** Zoom around the middle. @param {number} factor */
  zoomMiddle(factor) {
    this.zoom(this.size.width / 2, this.size.height / 2, factor);
  }

  /** Zoom as `zoomMiddle` does, and tell Python. @param {number} factor */
  zoomMiddleAndSend(factor) {
    this.zoomMiddle(factor);
    this.send();
  }

  /** Move the drawing. @param {number} dx @param {number} dy  CSS pixels */
  pan(dx, dy) {
    if (this.position === null) return;
    const { x, y, height } = this.position;
    this.#move({ x: x - dx * this.unit, y: y + dy * this.unit, height });
  }

  /** Pan as little as brings a place at least `edge` CSS pixels inside. @param {geometry.Point} place */
  keepInView(place, edge) {
    const [px, py] = this.toScreen(...place);
    const dx = geometry.clamp(px, edge, this.size.width - edge) - px;
    const dy = geometry.clamp(py, edge, this.size.height - edge) - py;
    if (dx !== 0 || dy !== 0) this.pan(dx, dy);
  }

  /** Tell Python. */
  send() {
    if (this.position) this.emit.state("camera", { ...this.position });
  }

  #move(position) {
    this.position = position;
    this.fitted = false;
    this.changed();
  }

  /** @returns {geometry.Point} CSS pixels from the top left corner */
  toScreen(x, y) {
    return geometry.toScreen(this.position, this.size, x, y);
  }

  /** @returns {geometry.Point} data units */
  toData(px, py) {
    return geometry.toData(this.position, this.size, px, py);
  }
}
