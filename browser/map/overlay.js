/** Drawing what lies over the points: the codes that are shown, their spread, and outlines. */
import * as geometry from "./geometry.js";
import { sigmaOf } from "./points.js";

/** CSS pixels. */
const RADIUS = { pinned: 6, example: 7, live: 5, cursor: 4, small: 11 };
/** Ellipses with a half axis below this get a ring, or they would be overlooked. */
const SMALL = 7;

/**
 * Draw the whole layer.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {import("./state.js").MapState} state
 * @param {import("../state/store.js").ExplorerState} shared
 */
export function drawOverlay(context, { data, set, camera, theme, selection, pointer }, shared) {
  const { z, live, pinnedId, hovered, posterior } = shared;
  const { points, plane } = set;
  const pen = new Pen(context, camera, theme);
  pen.clear();
  const selected = selection.outlineIn(plane.key);
  if (selected) pen.path(selected, { closed: true, dashed: true });
  if (set.moving) return;
  drawPinned(pen, set, z, pinnedId, data.ellipses);
  if (posterior && plane.covariance && posterior.mu.length === points.latentDim) {
    drawPosterior(pen, plane, posterior);
  }
  const example = hovered === null ? undefined : points.byId.get(hovered);
  if (example !== undefined) drawExample(pen, set, example, pointer.cursor, data.ellipses);
  const elsewhere = live && !pointer.hovering && set.placeOf(live);
  if (elsewhere) pen.ring(elsewhere, RADIUS.live);
  if (pointer.cursor && pointer.hovering && plane.lift && context.canvas.matches(":focus-visible")) {
    pen.ring(pointer.cursor, RADIUS.cursor);
  }
  if (pointer.outline) pen.path(pointer.outline.path, { closed: pointer.outline.kind === "box" });
}

function drawPinned(pen, set, z, pinnedId, ellipses) {
  const place = set.placeOf(z, pinnedId);
  if (!place) return;
  const example = set.points.byId.get(pinnedId);
  if (ellipses && example !== undefined) pen.spread(place, set.plane, sigmaOf(set.points, example));
  pen.crosshair(place, RADIUS.pinned);
}

/** The posterior of a drawing or an upload. */
function drawPosterior(pen, plane, { mu, logvar }) {
  const place = plane.project(mu);
  const length = pen.spread(place, plane, logvar.map((value) => Math.exp(value / 2)));
  if (length < SMALL) pen.ring(place, RADIUS.small);
}

/** The example under the pointer, joined to the pointer where that is at another code. */
function drawExample(pen, set, example, cursor, ellipses) {
  const place = set.placeOfExample(example);
  if (cursor && !set.plane.lift) pen.line(cursor, place);
  if (ellipses) pen.spread(place, set.plane, sigmaOf(set.points, example));
  pen.ring(place, RADIUS.example);
}

/** Lines that are seen on any ground, between places in data units. */
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

  /** Stroke the current path, over a wider line of the theme's background. */
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

  circle(place, radius) {
    this.context.beginPath();
    this.context.arc(...this.camera.toScreen(...place), radius, 0, 2 * Math.PI);
  }

  ring(place, radius) {
    this.circle(place, radius);
    this.stroke(this.theme.ink);
  }

  crosshair(place, radius) {
    const { context, camera } = this;
    const [column, row] = camera.toScreen(...place).map((value) => Math.round(value) + 0.5);
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
    this.circle(place, radius);
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

  /** The ellipse of one standard deviation, where the plane has one. @returns {number} its long half axis, CSS pixels */
  spread(place, plane, sigma) {
    if (!plane.covariance) return 0;
    const { long, short, angle } = geometry.ellipse(...plane.covariance(sigma));
    const { unit } = this.camera;
    this.context.beginPath();
    this.context.ellipse(...this.camera.toScreen(...place), long / unit, short / unit, -angle, 0, 2 * Math.PI);
    this.stroke(this.theme.accent, 1.5);
    return long / unit;
  }
}
