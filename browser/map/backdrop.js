/**
 * Draw what is behind the points: grid lines, and decoded pictures of the plane.
 *
 * Pictures are decoded at the cells of a lattice that is fixed in the plane, so that panning reuses
 * them: beside the page's own work, from the centre of the screen outwards.
 */
import { decodeLater } from "../model/decoding.js";
import { decode, isServed } from "../model/network.js";
import { hasMargin, isDark, paint } from "../ui/pixels.js";
import { number } from "../ui/words.js";
import { niceStep, seen, toScreen } from "./geometry.js";

/** The smallest side of a picture, CSS pixels; the largest is twice that. */
const LEAST_SIDE = 34;
/** Pictures in a row and in a column of the atlas. */
const SLOTS = 40;
/** CSS pixels between pictures without a margin. */
const GAP = 2;
/** The smallest distance of grid lines, CSS pixels. */
const GRID_GAP = 90;
/** Pictures enlarged by less are smoothed, since their pixels would have uneven sizes. */
const SMOOTHED_BELOW = 3;
/** Milliseconds between drawings while pictures are decoded. */
const REDRAW = 60;

const origins = new WeakMap();

/**
 * Return properties of a network's pictures, measured on the decoded code 0.
 *
 * @param {import("../model/network.js").Network} network
 * @returns {{isDark: boolean, hasMargin: boolean}} whether the background, and the border, is black
 */
export function originOf(network) {
  if (!origins.has(network)) {
    const measure = (mean) =>
      origins.set(network, { isDark: isDark(mean), hasMargin: hasMargin(mean, network.imageShape) });
    const code = new Float32Array(network.latentDim);
    origins.set(network, { isDark: false, hasMargin: false }); // until the server has decoded it
    if (isServed(network.decoder)) decodeLater(network, code, null, (_, mean) => measure(mean));
    else measure(decode(network, code));
  }
  return origins.get(network);
}

/**
 * Return the cells of the lattice that the camera shows, those at the centre first.
 *
 * @param {import("./geometry.js").Camera} camera
 * @param {import("./geometry.js").Size} size
 * @returns {{cells: {key: string, x: number, y: number}[], side: number}} centres in data units; the
 *   side in CSS pixels
 */
export function latticeCells(camera, size) {
  const scale = size.height / camera.height;
  const level = Math.ceil(Math.log2(LEAST_SIDE / scale));
  const side = 2 ** level;
  const { left, right, bottom, top } = seen(camera, size);
  const cells = [];
  for (let iy = Math.floor(bottom / side); iy * side < top; iy++) {
    for (let ix = Math.floor(left / side); ix * side < right; ix++) {
      cells.push({ key: `${level}:${ix}:${iy}`, x: (ix + 0.5) * side, y: (iy + 0.5) * side });
    }
  }
  const distance = (cell) => (cell.x - camera.x) ** 2 + (cell.y - camera.y) ** 2;
  cells.sort((a, b) => distance(a) - distance(b));
  return { cells, side: side * scale };
}

/**
 * @typedef {object} DecodedView
 * @property {import("../model/network.js").Network} network
 * @property {import("./planes.js").Plane} plane  with an inverse
 * @property {Float32Array} held  code of the dimensions outside the plane
 * @property {number|null} label  that a conditional model decodes with
 * @property {string} key  names everything that the pictures depend on
 * @property {boolean} inverted  whether black and white are swapped
 * @property {import("./geometry.js").Camera} camera
 * @property {import("./geometry.js").Size} size
 * @property {number} ratio  device pixels for each CSS pixel
 */

/** Draws the decoded pictures of a plane, and keeps them in an atlas. */
export class DecodedPlane {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => void} redraw  called when new pictures are decoded, to call `draw` in the next frame
   */
  constructor(canvas, redraw) {
    this.canvas = canvas;
    this.redraw = redraw;
    this.context = canvas.getContext("2d");
    this.atlas = document.createElement("canvas");
    this.atlasContext = this.atlas.getContext("2d");
    /** Indices in the atlas by the keys of cells. */
    this.slots = new Map();
    this.key = null;
    /** Keys of cells that are being decoded. */
    this.decoding = new Set();
    this.stop = () => {};
  }

  /** @param {DecodedView} view */
  draw(view) {
    if (this.key !== view.key) this.#forget(view);
    const { camera, size, ratio, network } = view;
    const { cells, side } = latticeCells(camera, size);
    const gap = originOf(network).hasMargin ? 0 : GAP;
    const enlargement = (side - gap) / Math.max(this.image.width, this.image.height);
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.context.clearRect(0, 0, size.width, size.height);
    this.context.imageSmoothingEnabled = enlargement < SMOOTHED_BELOW;
    for (const cell of cells) {
      if (this.slots.has(cell.key)) this.#drawCell(cell, toScreen(camera, size, cell.x, cell.y), enlargement);
    }
    this.#decodeMissing(cells.filter(({ key }) => !this.slots.has(key)), view);
  }

  clear() {
    this.#stopDecoding();
    this.key = null;
    this.slots.clear();
    this.context.setTransform(1, 0, 0, 1, 0, 0);
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  destroy() {
    this.#stopDecoding();
  }

  #forget({ key, network }) {
    this.#stopDecoding();
    this.key = key;
    this.slots.clear();
    const [, height, width] = network.imageShape;
    this.atlas.width = SLOTS * width;
    this.atlas.height = SLOTS * height;
    this.image = new ImageData(width, height);
  }

  #positionInAtlas(slot) {
    return [(slot % SLOTS) * this.image.width, Math.floor(slot / SLOTS) * this.image.height];
  }

  #drawCell({ key }, [x, y], enlargement) {
    const { width, height } = this.image;
    const [wide, high] = [width * enlargement, height * enlargement];
    const from = this.#positionInAtlas(this.slots.get(key));
    this.context.drawImage(this.atlas, ...from, width, height, x - wide / 2, y - high / 2, wide, high);
  }

  #decodeMissing(missing, { network, plane, held, label, inverted }) {
    const { decoding } = this;
    if (missing.length === decoding.size && missing.every(({ key }) => decoding.has(key))) return;
    this.#stopDecoding();
    if (missing.length === 0) return;
    for (const { key } of missing) decoding.add(key);
    const codes = new Float32Array(missing.length * network.latentDim);
    missing.forEach(({ x, y }, i) => codes.set(plane.lift(x, y, held), i * network.latentDim));
    let redrawn = performance.now();
    this.stop = decodeLater(network, codes, label, (i, mean) => {
      const { key } = missing[i];
      paint(mean, network.imageShape, this.image, 0, 0, inverted);
      this.#keep(key);
      decoding.delete(key);
      if (decoding.size > 0 && performance.now() - redrawn <= REDRAW) return;
      redrawn = performance.now();
      this.redraw();
    });
  }

  #stopDecoding() {
    this.stop();
    this.decoding.clear();
  }

  /** Keep the picture that was painted in the atlas. */
  #keep(key) {
    if (this.slots.size >= SLOTS * SLOTS) this.slots.clear();
    const slot = this.slots.size;
    this.atlasContext.putImageData(this.image, ...this.#positionInAtlas(slot));
    this.slots.set(key, slot);
  }
}

/**
 * Draw grid lines; `drawLabels` writes their numbers over the points.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {object} view  as of `drawLabels`
 */
export function drawGrid(context, { axes, camera, size, theme }) {
  for (const { at, zero } of across(camera, size)) {
    line(context, theme.line, [at, 0], [at, size.height], zero);
  }
  if (axes[1] === null) return;
  for (const { at, zero } of upwards(camera, size)) {
    line(context, theme.line, [0, at], [size.width, at], zero);
  }
}

/** The grid's step in data units, and the digits of its numbers. */
function scaleOf(camera, size) {
  const step = niceStep(camera.height, size.height / GRID_GAP);
  return { step, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

/** The vertical lines: their numbers, and their columns on the screen. */
function across(camera, size) {
  const { left, right } = seen(camera, size);
  return steps(left, right, scaleOf(camera, size), (value) => toScreen(camera, size, value, 0)[0]);
}

/** The horizontal lines: their numbers, and their rows on the screen. */
function upwards(camera, size) {
  const { bottom, top } = seen(camera, size);
  return steps(bottom, top, scaleOf(camera, size), (value) => toScreen(camera, size, 0, value)[1]);
}

function steps(from, to, { step, digits }, place) {
  const found = [];
  for (let n = Math.ceil(from / step); n * step <= to; n++) {
    const exact = place(n * step);
    found.push({ exact, at: Math.round(exact) + 0.5, zero: n === 0, text: number(n * step, digits) });
  }
  return found;
}

/**
 * Write the numbers of the grid, and the names of the axes.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {object} view
 * @param {[string, string|null]} view.axes  null for a vertical direction without a meaning
 * @param {{name: string, y: number}[]} [view.rows]  names at these heights, instead of numbers
 * @param {import("./geometry.js").Camera} view.camera
 * @param {import("./geometry.js").Size} view.size
 * @param {ReturnType<typeof import("../ui/colours.js").theme>} view.theme
 * @param {string} view.font  a CSS font family
 * @param {number} [view.scale]  of the text, 1 for a page's usual type
 */
export function drawLabels(context, { axes, rows = [], camera, size, theme, font, scale = 1 }) {
  context.font = `${11 * scale}px ${font}`;
  context.fillStyle = theme.faint;
  context.strokeStyle = theme.paper;
  context.textAlign = "center";
  context.textBaseline = "bottom";
  for (const { exact: x, text } of across(camera, size)) {
    if (x > 26 && x < size.width - 26) write(context, text, x, size.height - 4);
  }
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (const { exact: y, text } of axes[1] === null ? [] : upwards(camera, size)) {
    if (y > 24 && y < size.height - 24) write(context, text, 5, y);
  }
  context.fillStyle = theme.ink;
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (const { name, y } of rows) write(context, name, 6, toScreen(camera, size, 0, y)[1]);
  context.textAlign = "right";
  context.textBaseline = "bottom";
  write(context, `${axes[0]} →`, size.width - 8, size.height - 4 - 14 * scale);
  context.textAlign = "left";
  context.textBaseline = "top";
  if (axes[1] !== null) write(context, `↑ ${axes[1]}`, 6, 6);
}

function line(context, colour, from, to, axis) {
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.globalAlpha = axis ? 0.9 : 0.45;
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
  context.globalAlpha = 1;
}

/** Draw text with a border in the background's colour, so that it is readable on pictures. */
function write(context, text, x, y) {
  context.lineWidth = 3;
  context.lineJoin = "round";
  context.strokeText(text, x, y);
  context.fillText(text, x, y);
}
