/**
 * The map of a replay on a canvas: axes, prior, moving codes with their tails, names of classes.
 *
 * @typedef {object} MapView
 * @property {import("../map/geometry.js").Size} size  CSS pixels
 * @property {number} ratio  device pixels for each CSS pixel
 * @property {import("../map/geometry.js").Camera} camera
 * @property {ReturnType<typeof import("../ui/colours.js").theme>} theme
 * @property {string} font  a CSS font family
 * @property {import("./scene.js").Scene} scene
 * @property {number} position  in frames
 * @property {number} tail  in frames
 * @property {Set<number>} hidden  labels that are switched off
 * @property {string[]} names  of the labels
 */
import { drawGrid, drawLabels } from "../map/backdrop.js";
import { clamp } from "../map/geometry.js";
import { classColour } from "../ui/colours.js";
import { classMedians, interpolate } from "./timeline.js";

const RADIUS = 3;
/** Distance from the edge at which codes beyond it are drawn as rings, CSS pixels. */
const RIM = 6;
/** Pieces of a tail, each more opaque and wider than the one before. */
const TAIL_PIECES = 6;
/** Distances between the medians of classes at which names appear and are opaque, CSS pixels. */
const NAMED = [16, 40];
const UNLABELLED = { dark: "#7dd3c8", light: "#0f766e" };
const TURN = 2 * Math.PI;

/** Draw the map at one position. @param {CanvasRenderingContext2D} context @param {MapView} view */
export function drawMap(context, view) {
  const { size, ratio, camera, theme, position, tail, hidden } = view;
  const { axes, prior, tracks, groups, named } = view.scene;
  const screen = screenOf(camera, size);
  const visible = groups.filter(({ label }) => !hidden.has(label));
  const codes = { x: interpolate(tracks.x, position), y: interpolate(tracks.y, position) };
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, size.width, size.height);
  drawGrid(context, { ...view, axes });
  drawLabels(context, { ...view, axes });
  if (prior) drawPrior(context, screen, prior, theme);
  if (tail !== position) drawTails(context, screen, visible, view);
  context.globalAlpha = theme.dark ? 0.92 : 0.85;
  const onScreen = placed(codes, screen);
  drawCodes(context, onScreen, visible, theme);
  drawRings(context, onScreen, visible, view);
  context.globalAlpha = 1;
  if (named) drawNames(context, screen, classMedians(codes, groups), view);
}

/** Functions from data units to CSS pixels. */
function screenOf({ x: left, y: top, height }, size) {
  const scale = size.height / height;
  return {
    scale,
    x: (x) => size.width / 2 + (x - left) * scale,
    y: (y) => size.height / 2 - (y - top) * scale,
  };
}

const placed = ({ x, y }, screen) => ({ x: x.map(screen.x), y: y.map(screen.y) });

function colourOf(label, theme) {
  if (label >= 0) return classColour(label);
  return theme.dark ? UNLABELLED.dark : UNLABELLED.light;
}

/** Circles of one and two standard deviations. */
function drawPrior(context, screen, [x, y], theme) {
  context.strokeStyle = theme.faint;
  context.lineWidth = 1;
  context.setLineDash([4, 5]);
  for (const deviations of [1, 2]) {
    context.beginPath();
    context.arc(screen.x(x), screen.y(y), deviations * screen.scale, 0, TURN);
    context.stroke();
  }
  context.setLineDash([]);
}

function drawCodes(context, { x, y }, groups, theme) {
  for (const { label, rows } of groups) {
    context.fillStyle = colourOf(label, theme);
    context.beginPath();
    for (const i of rows) {
      context.moveTo(x[i] + RADIUS, y[i]);
      context.arc(x[i], y[i], RADIUS, 0, TURN);
    }
    context.fill();
  }
}

/** Rings at the rim for codes beyond the map. */
function drawRings(context, { x, y }, groups, { size, theme }) {
  const outside = (i) =>
    x[i] <= -RADIUS || y[i] <= -RADIUS || x[i] >= size.width + RADIUS || y[i] >= size.height + RADIUS;
  context.lineWidth = 1.5;
  for (const { label, rows } of groups) {
    context.strokeStyle = colourOf(label, theme);
    for (const i of rows.filter(outside)) {
      context.beginPath();
      context.arc(clamp(x[i], RIM, size.width - RIM), clamp(y[i], RIM, size.height - RIM), RADIUS, 0, TURN);
      context.stroke();
    }
  }
}

/** The way of each code from `tail` to `position`, which fades in. */
function drawTails(context, screen, groups, { scene: { tracks }, position, tail, theme }) {
  const placesAt = (share) => {
    const time = tail + (position - tail) * share;
    return placed({ x: interpolate(tracks.x, time), y: interpolate(tracks.y, time) }, screen);
  };
  let from = placesAt(0);
  for (let piece = 1; piece <= TAIL_PIECES; piece += 1) {
    const share = piece / TAIL_PIECES;
    const to = placesAt(share);
    context.globalAlpha = 0.4 * share;
    context.lineWidth = 0.5 + 1.5 * share;
    for (const { label, rows } of groups) {
      context.strokeStyle = colourOf(label, theme);
      context.beginPath();
      for (const i of rows) {
        context.moveTo(from.x[i], from.y[i]);
        context.lineTo(to.x[i], to.y[i]);
      }
      context.stroke();
    }
    from = to;
  }
  context.globalAlpha = 1;
}

/** Names at the medians of classes, which fade in as the classes separate. */
function drawNames(context, screen, medians, { names, hidden, theme, font }) {
  context.font = `600 15px ${font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.lineWidth = 4;
  context.strokeStyle = theme.paper;
  context.fillStyle = theme.ink;
  for (const { label, x, y, distance } of medians) {
    if (names[label] === undefined || hidden.has(label)) continue;
    context.globalAlpha = clamp((distance * screen.scale - NAMED[0]) / (NAMED[1] - NAMED[0]), 0, 1);
    context.strokeText(names[label], screen.x(x), screen.y(y));
    context.fillText(names[label], screen.x(x), screen.y(y));
  }
  context.globalAlpha = 1;
}
