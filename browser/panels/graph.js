/**
 * A graph with its nodes in fixed places; the opacity of an edge is its probability.
 *
 * @typedef {object} GraphData
 * @property {[number, number][]} nodes  x and y of each in [−1, 1], y upwards
 * @property {number[] | null} adjacency  (n · n) levels, 255 for an edge; null for the decoded graph
 *   of the code that is shown
 * @property {string} name  written below
 * @property {number} size  the most width, CSS pixels
 * @property {string | null} [side]
 */
import { blend, degrees, expectedEdges, pixelOf, rasterise, strengths } from "../model/adjacency.js";
import { canDecode, decode, isServed, pixelCount } from "../model/network.js";
import { schedule, storeOf, unschedule } from "../state/store.js";
import { rgb, theme } from "../ui/colours.js";
import { make } from "../ui/dom.js";

/** The most device pixels a side: more show nothing more, and take longer. */
const FINEST = 512;
/** Rasters that are kept: those of the drawings of one page. */
const HELD = 3;
const rasters = new Map();

/** The raster of these nodes, computed once. */
function rasterOf(nodes, side) {
  const key = `${side}:${nodes}`;
  const raster = rasters.get(key) ?? rasterise(nodes, side);
  rasters.delete(key);
  rasters.set(key, raster);
  if (rasters.size > HELD) rasters.delete(rasters.keys().next().value);
  return raster;
}

/**
 * @param {HTMLElement} element
 * @param {GraphData} data
 * @returns {import("../panel.js").Panel}
 */
export function mount(element, data) {
  const store = storeOf(data.side);
  const canvas = make("canvas", { role: "img" });
  const name = make("span", { class: "lx-quiet" });
  const count = make("span", { class: "lx-number" });
  const figure = make("figure", { class: "lx-graph" }, canvas, make("figcaption", {}, name, count));
  element.append(figure);
  const context = canvas.getContext("2d");

  let colours = theme(element);
  let raster = null;
  let opacity = null;
  let image = null;
  let lines = null;
  let mean = null;
  let side = 0;

  /** Probabilities of the edges (n · n); null while there are none. */
  function matrix() {
    if (data.adjacency) return Float32Array.from(data.adjacency, (level) => level / 255);
    const { network } = store.get();
    const z = store.shown();
    if (!canDecode(network, z) || isServed(network.decoder) || pixelCount(network) !== data.nodes.length ** 2) return null;
    if (mean?.length !== pixelCount(network)) mean = new Float32Array(pixelCount(network));
    return decode(network, z, store.label(), mean);
  }

  function drawLines() {
    blend(lines, raster, opacity);
    const [red, green, blue] = rgb(colours.accent);
    for (let pixel = 0, to = 0; pixel < opacity.length; pixel += 1, to += 4) {
      image.data[to] = red;
      image.data[to + 1] = green;
      image.data[to + 2] = blue;
      image.data[to + 3] = 255 * opacity[pixel];
    }
    context.putImageData(image, 0, 0);
  }

  function drawNodes() {
    context.fillStyle = colours.ink;
    context.beginPath();
    degrees(lines, data.nodes.length).forEach((degree, i) => {
      const [x, y] = pixelOf(data.nodes[i], side);
      const radius = (side / 400) * (1 + Math.sqrt(degree));
      context.moveTo(x + radius, y);
      context.arc(x, y, radius, 0, 2 * Math.PI);
    });
    context.fill();
  }

  function draw() {
    const values = matrix();
    if (values === null || side === 0) return;
    raster ??= rasterOf(data.nodes, side);
    lines = strengths(values, data.nodes.length);
    drawLines();
    drawNodes();
    const edges = Math.round(expectedEdges(lines));
    count.textContent = `${edges} edges${data.adjacency ? "" : " expected"}`;
    canvas.setAttribute("aria-label", `${data.name}: ${data.nodes.length} nodes, ${count.textContent}`);
  }

  function resize() {
    const wanted = Math.min(FINEST, Math.round(canvas.clientWidth * (window.devicePixelRatio || 1)));
    if (wanted === side || wanted === 0) return;
    side = wanted;
    canvas.width = canvas.height = side;
    opacity = new Float32Array(side * side);
    image = context.createImageData(side, side);
    raster = null;
    schedule(draw);
  }

  function update(next) {
    data = next;
    figure.style.maxWidth = `${data.size}px`;
    name.textContent = data.name;
    colours = theme(element);
    raster = null;
    schedule(draw);
  }

  const observer = new ResizeObserver(resize);
  observer.observe(canvas);
  const unsubscribe = store.subscribe((state, changed) => {
    if (!data.adjacency && ["z", "live", "network"].some((key) => changed.has(key))) schedule(draw);
  });
  update(data);

  return {
    update,
    destroy() {
      unsubscribe();
      observer.disconnect();
      unschedule(draw);
      figure.remove();
    },
  };
}
