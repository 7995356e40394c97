/** Draw what is over the points: pinned and live codes, their posteriors, and outlines. */
import * as geometry from "./geometry.js";
import { sigmaOf } from "./points.js";

/** Radii of markers, CSS pixels. */
const RADIUS = { pinned: 6, example: 7, live: 5, cursor: 4, small: 11 };
/** Ellipses with a smaller semi-axis get a ring, so that they are visible. */
const SMALL = 7;

/**
 * Draw the overlay.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {import("./state.js").MapState} state
 * @param {import("../state/store.js").ExplorerState} shared  of the store
 */
export function drawOverlay(context, { data, set, camera, theme, selection, pointer }, shared) {
  const { z, live, pinnedId, hovered, posterior } = shared;
  const { points, plane } = set;
  const pen = new Pen(context, camera, theme);
  pen.clear();
  const selected = selection.polygonIn(plane.key);
  if (selected) pen.path(selected, { closed: true, dashed: true });
  if (set.moving) return;
  drawPinned(pen, set, z, pinnedId, data.ellipses);
  if (posterior && plane.covariance && posterior.mu.length === points.latentDim) {
    drawPosterior(pen, plane, posterior);
  }
  const example = hovered === null ? undefined : points.byId.get(hovered);
  if (example !== undefined) drawExample(pen, set, example, pointer.cursor, data.ellipses);
  const remote = live && !pointer.hovering && set.placeOf(live, hovered);
  if (remote) pen.ring(remote, RADIUS.live);
  if (pointer.cursor && pointer.hovering && plane.lift && context.canvas.matches(":focus-visible")) {
    pen.ring(pointer.cursor, RADIUS.cursor);
  }
  if (pointer.outline) pen.path(pointer.outline.path, { closed: pointer.outline.kind === "box" });
}

function drawPinned(pen, set, z, pinnedId, ellipses) {
  const point = set.placeOf(z, pinnedId);
  if (!point) return;
  const example = set.points.byId.get(pinnedId);
  if (ellipses && example !== undefined) pen.spread(point, set.plane, sigmaOf(set.points, example));
  pen.crosshair(point, RADIUS.pinned);
}

/** Draw the posterior of a drawing or an upload. */
function drawPosterior(pen, plane, { mu, logvar }) {
  const point = plane.project(mu);
  const length = pen.spread(point, plane, logvar.map((value) => Math.exp(value / 2)));
  if (length < SMALL) pen.ring(point, RADIUS.small);
}

/** Draw the example under the pointer, in a plane without an inverse with a line to the pointer. */
function drawExample(pen, set, example, cursor, ellipses) {
  const point = set.positionOfExample(example);
  if (cursor && !set.plane.lift) pen.line(cursor, point);
  if (ellipses) pen.spread(point, set.plane, sigmaOf(set.points, example));
  pen.ring(point, RADIUS.example);
}

/** Draws markers and lines at points in data units. */
class Pen {
  constructor(context, camera, theme) {
    this.context = context;
    this.camera = camera;
    this.theme = theme;
  }

  clear() {
    const { ratio, size } = this.camera;
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.context.clearRect(0, 0, size.width, size.height);
  }

  /** Stroke the current path over a wider line in the background's colour, so that it has contrast. */
  stroke(colour, width = 1.5) {
    const { context } = this;
    context.strokeStyle = this.theme.paper;
    context.lineWidth = width + 2;
    context.stroke();
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke();
    context.lineWidth = 1;
  }

  circle(point, radius) {
    this.context.beginPath();
    this.context.arc(...this.camera.toScreen(...point), radius, 0, 2 * Math.PI);
  }

  ring(point, radius) {
    this.circle(point, radius);
    this.stroke(this.theme.ink);
  }

  crosshair(point, radius) {
    const { context, camera } = this;
    const [column, row] = camera.toScreen(...point).map((value) => Math.round(value) + 0.5);
    context.save();
    context.globalAlpha = 0.55;
    context.strokeStyle = this.theme.accent;
    context.setLineDash([3, 4]);
    context.beginPath();
    context.moveTo(column, 0);
    context.lineTo(column, camera.size.height);
    context.moveTo(0, row);
    context.lineTo(camera.size.width, row);
    context.stroke();
    context.restore();
    this.circle(point, radius);
    this.stroke(this.theme.accent, 2.5);
  }

  line(from, to) {
    this.context.beginPath();
    this.context.moveTo(...this.camera.toScreen(...from));
    this.context.lineTo(...this.camera.toScreen(...to));
    this.stroke(this.theme.faint, 1);
  }

  path(corners, { closed, dashed = false }) {
    const { context } = this;
    context.beginPath();
    for (const corner of corners) context.lineTo(...this.camera.toScreen(...corner));
    if (closed) context.closePath();
    context.save();
    if (dashed) context.setLineDash([6, 4]);
    this.stroke(this.theme.ink, 1);
    context.restore();
  }

  /**
   * Draw the ellipse of one standard deviation, if the plane has one.
   *
   * @returns {number} its long semi-axis, CSS pixels
   */
  spread(point, plane, sigma) {
    if (!plane.covariance) return 0;
    const { long, short, angle } = geometry.ellipse(...plane.covariance(sigma));
    const { unit } = this.camera;
    this.context.beginPath();
    this.context.ellipse(...this.camera.toScreen(...point), long / unit, short / unit, -angle, 0, 2 * Math.PI);
    this.stroke(this.theme.accent, 1.5);
    return long / unit;
  }
}
