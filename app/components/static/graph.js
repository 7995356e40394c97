/**
 * A network drawn: its nodes in a fixed place, each edge as opaque as it is probable.
 *
 * Without `adjacency` it is the decoded network of the code that is shown, drawn in the frame in
 * which the code changes. Data besides the page's: `nodes` (x and y of each, from -1 to 1, y up),
 * `adjacency` (n * n levels, 255 for an edge, or null), `name` (what is drawn, below it) and `size`
 * (CSS pixels).
 */
import { curves, degrees, expectedEdges, strengths } from "./adjacency.js";
import { theme } from "./colours.js";
import { make } from "./dom.js";
import { decode, pixelCount } from "./network.js";
import { schedule, store, unschedule } from "./store.js";

/** Below this an edge would not be seen. */
const UNSEEN = 0.02;
/** Edges of about the same probability are drawn together. */
const LEVELS = 25;
/** Share of the half side that the nodes take up: the largest of them stay inside. */
const EXTENT = 0.95;

/**
 * @param {HTMLElement} element
 * @param {any} data
 * @returns {import("./panel.js").Panel}
 */
export function mount(element, data) {
  const canvas = make("canvas", { role: "img" });
  const name = make("span", { class: "lx-quiet" });
  const count = make("span", { class: "lx-number" });
  const figure = make("figure", { class: "lx-graph" }, canvas, make("figcaption", {}, name, count));
  element.append(figure);
  const context = canvas.getContext("2d");

  let colours = theme(element);
  let paths = null;
  let lines = null;
  let mean = null;
  let side = 0;

  /** The matrix to draw, with 1 for a certain edge; null while there is none. */
  function matrix() {
    if (data.adjacency) return Float32Array.from(data.adjacency, (level) => level / 255);
    const { network } = store.get();
    const z = store.shown();
    if (!network?.decoder || z.length !== network.latentDim) return null;
    if (pixelCount(network) !== data.nodes.length ** 2) return null;
    if (mean?.length !== pixelCount(network)) mean = new Float32Array(pixelCount(network));
    return decode(network, z, mean);
  }

  function drawEdges() {
    const buckets = Array.from({ length: LEVELS + 1 }, () => []);
    lines.forEach((p, pair) => {
      if (p >= UNSEEN) buckets[Math.ceil(p * LEVELS)].push(6 * pair);
    });
    const half = side / 2;
    const place = (value) => half + EXTENT * half * value;
    context.strokeStyle = colours.accent;
    context.lineWidth = Math.max(1, side / 400);
    buckets.forEach((starts, level) => {
      if (!starts.length) return;
      context.globalAlpha = level / LEVELS;
      context.beginPath();
      for (const at of starts) {
        context.moveTo(place(paths[at]), place(-paths[at + 1]));
        context.quadraticCurveTo(place(paths[at + 2]), place(-paths[at + 3]), place(paths[at + 4]), place(-paths[at + 5]));
      }
      context.stroke();
    });
    context.globalAlpha = 1;
  }

  function drawNodes() {
    const half = side / 2;
    context.fillStyle = colours.ink;
    context.beginPath();
    degrees(lines, data.nodes.length).forEach((degree, i) => {
      const [x, y] = data.nodes[i];
      // The area of a dot grows with the edges that the node has.
      const radius = (side / 400) * (1 + Math.sqrt(degree));
      const [left, top] = [half + EXTENT * half * x, half - EXTENT * half * y];
      context.moveTo(left + radius, top);
      context.arc(left, top, radius, 0, 2 * Math.PI);
    });
    context.fill();
  }

  function draw() {
    const values = matrix();
    if (values === null || side === 0) return;
    lines = strengths(values, data.nodes.length, lines ?? undefined);
    context.clearRect(0, 0, side, side);
    drawEdges();
    drawNodes();
    const edges = Math.round(expectedEdges(lines));
    count.textContent = `${edges} edges${data.adjacency ? "" : " expected"}`;
    canvas.setAttribute("aria-label", `${data.name}: ${data.nodes.length} nodes, ${count.textContent}`);
  }

  function resize() {
    const width = Math.round(canvas.clientWidth * (window.devicePixelRatio || 1));
    if (width === side) return;
    side = width;
    canvas.width = canvas.height = side;
    schedule(draw);
  }

  function configure() {
    figure.style.maxWidth = `${data.size}px`;
    name.textContent = data.name;
    paths = curves(data.nodes);
    if (lines?.length !== paths.length / 6) lines = null;
    colours = theme(element);
    schedule(draw);
  }

  const watching = new ResizeObserver(resize);
  watching.observe(canvas);
  const stop = store.subscribe((state, changed) => {
    if (!data.adjacency && ["z", "live", "network"].some((key) => changed.has(key))) schedule(draw);
  });
  configure();

  return {
    update(newData) {
      data = newData;
      configure();
    },
    destroy() {
      stop();
      watching.disconnect();
      unschedule(draw);
      figure.remove();
    },
  };
}
