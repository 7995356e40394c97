/**
 * What lies behind the points: grid lines, and the decoded pictures of the plane.
 *
 * The pictures lie on a lattice of the plane that does not move with the camera, so panning shows
 * known pictures again; they are decoded in slices, from the middle outwards.
 */
import { niceStep, seen, toScreen } from "./geometry.js";
import { decode, pixelCount } from "../model/network.js";
import { hasMargin, paint } from "../ui/pixels.js";
import { inSlices } from "../ui/slices.js";
import { number } from "../ui/words.js";

/** The least side of a picture on the map, CSS pixels; the most is twice that. */
const LEAST_SIDE = 34;
const SLOTS = 40;
/** CSS pixels between pictures that run to their edges. */
const GAP = 2;
const GRID_GAP = 90;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {() => void} redraw  asks for `draw` in the next frame, when new pictures are there
 */
export function createManifold(canvas, redraw) {
  const context = canvas.getContext("2d");
  const atlas = document.createElement("canvas");
  const atlasContext = atlas.getContext("2d");
  const slots = new Map();
  let contents = null;
  let stopDecoding = () => {};

  /** Forgets all pictures when anything that they depend on has changed. */
  function renew(key, network) {
    if (contents?.key === key) return;
    stopDecoding();
    const [, height, width] = network.imageShape;
    atlas.width = SLOTS * width;
    atlas.height = SLOTS * height;
    slots.clear();
    const mean = new Float32Array(pixelCount(network));
    const image = new ImageData(width, height);
    const middle = decode(network, new Float32Array(network.latentDim));
    const gap = hasMargin(middle, network.imageShape) ? 0 : GAP;
    contents = { key, width, height, mean, image, gap };
  }

  function decodeTile({ key, x, y }, view) {
    if (slots.size >= SLOTS * SLOTS) slots.clear();
    const slot = slots.size;
    const { width, height, mean, image } = contents;
    const z = view.plane.lift(x, y, view.held);
    paint(decode(view.network, z, view.label, mean), view.network.imageShape, image, 0, 0, view.inverted);
    atlasContext.putImageData(image, (slot % SLOTS) * width, Math.floor(slot / SLOTS) * height);
    slots.set(key, slot);
  }

  function lattice({ camera, size }) {
    const scale = size.height / camera.height;
    const level = Math.ceil(Math.log2(LEAST_SIDE / scale));
    const cell = 2 ** level;
    const { left, right, bottom, top } = seen(camera, size);
    const tiles = [];
    for (let iy = Math.floor(bottom / cell); iy * cell < top; iy++) {
      for (let ix = Math.floor(left / cell); ix * cell < right; ix++) {
        const x = (ix + 0.5) * cell;
        const y = (iy + 0.5) * cell;
        tiles.push({ key: `${level}:${ix}:${iy}`, x, y });
      }
    }
    const distance = (tile) => (tile.x - camera.x) ** 2 + (tile.y - camera.y) ** 2;
    tiles.sort((a, b) => distance(a) - distance(b));
    return { tiles, side: cell * scale };
  }

  /**
   * @param {object} view
   * @param {import("../model/network.js").Network} view.network
   * @param {import("./planes.js").Plane} view.plane  with an inverse
   * @param {Float32Array} view.held  the code that fills what the plane leaves open
   * @param {number|null} view.label  given to a conditional model
   * @param {string} view.key  changes with everything that the pictures depend on
   * @param {boolean} view.inverted
   * @param {import("./geometry.js").Camera} view.camera
   * @param {import("./geometry.js").Size} view.size
   * @param {number} view.ratio  device pixels for each CSS pixel
   */
  function draw(view) {
    renew(view.key, view.network);
    const { tiles, side } = lattice(view);
    const { width, height, gap } = contents;
    const enlargement = (side - gap) / Math.max(width, height);
    context.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
    context.clearRect(0, 0, view.size.width, view.size.height);
    // Barely enlarged pixels come out uneven unless they are smoothed.
    context.imageSmoothingEnabled = enlargement < 3;
    const missing = [];
    for (const tile of tiles) {
      const slot = slots.get(tile.key);
      if (slot === undefined) {
        missing.push(tile);
        continue;
      }
      const [x, y] = toScreen(view.camera, view.size, tile.x, tile.y);
      context.drawImage(
        atlas,
        (slot % SLOTS) * width,
        Math.floor(slot / SLOTS) * height,
        width,
        height,
        x - (width * enlargement) / 2,
        y - (height * enlargement) / 2,
        width * enlargement,
        height * enlargement,
      );
    }
    stopDecoding();
    stopDecoding = () => {};
    if (missing.length === 0) return;
    let redrawn = performance.now();
    stopDecoding = inSlices(() => {
      const tile = missing.shift();
      if (tile !== undefined) decodeTile(tile, view);
      const now = performance.now();
      if (missing.length === 0 || now - redrawn > 60) {
        redrawn = now;
        redraw();
      }
      return missing.length === 0;
    });
  }

  function clear() {
    stopDecoding();
    contents = null;
    slots.clear();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
  }

  return { draw, clear, destroy: () => stopDecoding() };
}

/**
 * Grid lines with their numbers, and the names of the axes.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {object} view
 * @param {[string, string|null]} view.axes  null where heights mean nothing
 * @param {{name: string, y: number}[]} [view.rows]  what stands at some heights then
 * @param {import("./geometry.js").Camera} view.camera
 * @param {import("./geometry.js").Size} view.size
 * @param {ReturnType<typeof import("../ui/colours.js").theme>} view.theme
 * @param {string} view.font  a CSS font family
 */
export function drawGrid(context, { axes, rows = [], camera, size, theme, font }) {
  const { left, right, bottom, top } = seen(camera, size);
  const step = niceStep(camera.height, size.height / GRID_GAP);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  context.font = `11px ${font}`;
  context.fillStyle = theme.faint;
  for (let n = Math.ceil(left / step); n * step <= right; n++) {
    const [x] = toScreen(camera, size, n * step, 0);
    const column = Math.round(x) + 0.5;
    line(context, theme.line, [column, 0], [column, size.height], n === 0);
    context.strokeStyle = theme.paper;
    context.textAlign = "center";
    context.textBaseline = "bottom";
    if (x > 26 && x < size.width - 26) write(context, number(n * step, digits), x, size.height - 4);
  }
  for (let n = Math.ceil(bottom / step); axes[1] !== null && n * step <= top; n++) {
    const [, y] = toScreen(camera, size, 0, n * step);
    const row = Math.round(y) + 0.5;
    line(context, theme.line, [0, row], [size.width, row], n === 0);
    context.strokeStyle = theme.paper;
    context.textAlign = "left";
    context.textBaseline = "middle";
    if (y > 24 && y < size.height - 24) write(context, number(n * step, digits), 5, y);
  }
  context.fillStyle = theme.ink;
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (const { name, y } of rows) write(context, name, 6, toScreen(camera, size, 0, y)[1]);
  context.textAlign = "right";
  context.textBaseline = "bottom";
  write(context, `${axes[0]} →`, size.width - 8, size.height - 18);
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

/** Text that stays readable on pictures: a rim of the theme's paper around it. */
function write(context, text, x, y) {
  context.lineWidth = 3;
  context.lineJoin = "round";
  context.strokeText(text, x, y);
  context.fillText(text, x, y);
}
