/** The camera of the map: the part of the plane that is shown, and its size on the screen. No DOM. */
import * as geometry from "./geometry.js";

/** The smallest and the largest height of the camera, in extents of all points. */
const CLOSEST = 1 / 400;
const FARTHEST = 8;

export class MapCamera {
  /** @param {import("../panel.js").Emit} emit @param {() => void} changed  called after each change */
  constructor(emit, changed) {
    this.emit = emit;
    this.changed = changed;
    /** @type {geometry.Camera|null} null until points and size are known */
    this.position = null;
    /** Whether the camera shows all points; it then follows changes of points and size. */
    this.fitted = true;
    /** @type {geometry.Bounds|null} of all points */
    this.bounds = null;
    this.size = { width: 0, height: 0 };
    /** Device pixels per CSS pixel. */
    this.ratio = 1;
    /** The version of Python's camera that was taken over last. */
    this.version = undefined;
  }

  /** Data units per CSS pixel. */
  get unit() {
    return this.position.height / this.size.height;
  }

  /** Zoom factor, 1 with all points in view. */
  get magnification() {
    return geometry.fit(this.bounds, this.size).height / this.position.height;
  }

  /** Set the size in CSS pixels, and device pixels per CSS pixel. @param {geometry.Size} size @param {number} ratio */
  resize(size, ratio) {
    this.size = size;
    this.ratio = ratio;
    if (this.fitted) this.fit();
  }

  /**
   * Set the bounds of all points.
   *
   * @param {geometry.Bounds} bounds
   * @param {boolean} samePlane  whether a camera that was moved stays
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

  /** Show all points, and send the camera to Python. */
  reset() {
    if (this.bounds === null) return;
    this.fit();
    this.send();
  }

  /**
   * Apply a camera that Python sends, once for each version of it.
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

  /** Zoom around a screen position. @param {number} px @param {number} py @param {number} factor  above 1 zooms in */
  zoom(px, py, factor) {
    if (this.position === null) return;
    const { left, right, bottom, top } = this.bounds;
    const extent = Math.max(right - left, top - bottom, 1e-6);
    const limits = { least: extent * CLOSEST, most: extent * FARTHEST };
    this.#move(geometry.zoom(this.position, factor, this.toData(px, py), limits));
  }

  /** Zoom around the centre. @param {number} factor */
  zoomCentre(factor) {
    this.zoom(this.size.width / 2, this.size.height / 2, factor);
  }

  /** Zoom around the centre, and send the camera to Python. @param {number} factor */
  zoomCentreAndSend(factor) {
    this.zoomCentre(factor);
    this.send();
  }

  /** Move the plane on the screen. @param {number} dx @param {number} dy  CSS pixels */
  pan(dx, dy) {
    if (this.position === null) return;
    const { x, y, height } = this.position;
    this.#move({ x: x - dx * this.unit, y: y + dy * this.unit, height });
  }

  /** Pan until a point is `edge` CSS pixels from the edges. @param {geometry.Point} point @param {number} edge */
  keepInView(point, edge) {
    const [px, py] = this.toScreen(...point);
    const dx = geometry.clamp(px, edge, this.size.width - edge) - px;
    const dy = geometry.clamp(py, edge, this.size.height - edge) - py;
    if (dx !== 0 || dy !== 0) this.pan(dx, dy);
  }

  /** Send the camera to Python. */
  send() {
    if (this.position) this.emit.state("camera", { ...this.position });
  }

  #move(position) {
    this.position = position;
    this.fitted = false;
    this.changed();
  }

  /** Convert data units to a screen position. @returns {geometry.Point} CSS pixels from the top left corner */
  toScreen(x, y) {
    return geometry.toScreen(this.position, this.size, x, y);
  }

  /** Convert a screen position to data units. @returns {geometry.Point} */
  toData(px, py) {
    return geometry.toData(this.position, this.size, px, py);
  }
}
