/**
 * The inverse-CDF grid: pictures at evenly spaced quantiles of the prior (Kingma & Welling 2013,
 * figure 4), drawn progressively as one image.
 *
 * @typedef {object} ManifoldData
 * @property {number} n pictures a side, 5 to 30
 * @property {boolean} [inverted] ink on paper
 * @property {boolean} [close_up] whether the cell that is looked at is shown large beside the grid
 * @property {string} [model_name] for the name of the saved file
 * @property {Prior[] | null} [priors] of every label, or one for all; else those that the network states
 *
 * @typedef {[ArrayLike<number>, ArrayLike<number>]} Prior mean and standard deviation (latent_dim,)
 */
import { codesAtOnce } from "../model/decoding.js";
import { announcer, make } from "../ui/dom.js";
import { decode, decodeMany, pixelCount } from "../model/network.js";
import { pin } from "../state/pinning.js";
import { hasMargin, isDark } from "../ui/pixels.js";
import { printPng } from "../files/png.js";
import { moments } from "../model/prior.js";
import { quantileAxis, quantileCell } from "../model/quantile.js";
import { fileName, save } from "../files/save.js";
import { inSlices } from "../ui/slices.js";
import { schedule, store, unschedule } from "../state/store.js";
import { createTiles } from "../ui/tiles.js";
import { dimension, number } from "../ui/words.js";

export const FEWEST = 5;
export const MOST = 30;
/** Lines between pictures: a grey that shows on black and on white; the page itself between grey ones. */
const GREY = "#8a9694";
const CLEAR = "transparent";

/**
 * The code of one cell. Rows go from the top, where the second dimension is largest, down; a single
 * dimension goes on from row to row, as writing does.
 *
 * @param {ArrayLike<number>} axis (n,) increasing; (n · n,) for a single dimension
 * @param {number} index row by row
 * @param {[number, number]} dims
 * @param {Float32Array} held the other dimensions
 * @param {Prior | null} [prior] a standard normal where there is none
 * @returns {Float32Array} (latent_dim,)
 */
export function cellCode(axis, index, [across, up], held, prior = null) {
  const at = (dim, quantile) => (prior ? prior[0][dim] + prior[1][dim] * quantile : quantile);
  if (held.length === 1) return Float32Array.of(at(0, axis[index]));
  const n = axis.length;
  const z = Float32Array.from(held);
  z[across] = at(across, axis[index % n]);
  z[up] = at(up, axis[n - 1 - Math.floor(index / n)]);
  return z;
}

/**
 * The cell that a code falls into, whatever its other dimensions are.
 *
 * @param {ArrayLike<number>} z
 * @param {number} n
 * @param {[number, number]} dims
 * @param {Prior | null} [prior]
 * @returns {number} index row by row
 */
export function cellOf(z, n, [across, up], prior = null) {
  const at = (dim) => (prior ? (z[dim] - prior[0][dim]) / prior[1][dim] : z[dim]);
  if (z.length === 1) return quantileCell(at(0), n * n);
  return (n - 1 - quantileCell(at(up), n)) * n + quantileCell(at(across), n);
}

/**
 * The cell that an arrow key leads to; the border stops it.
 *
 * @param {number} index
 * @param {string} key
 * @param {number} n
 * @returns {number | null} null for keys that move nothing
 */
export function neighbourCell(index, key, n) {
  const step = {
    ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
    Home: [-n, 0], End: [n, 0], PageUp: [0, -n], PageDown: [0, n],
  }[key];
  if (!step) return null;
  const clamp = (value) => Math.min(n - 1, Math.max(0, value));
  return clamp(Math.floor(index / n) + step[1]) * n + clamp((index % n) + step[0]);
}

/**
 * @param {HTMLElement} element
 * @param {ManifoldData} data
 * @param {import("../panel.js").Emit} emit
 */
export function mount(element, data, emit) {
  const origin = {};
  const live = announcer();
  let settings = data;
  let n = bounded(data.n);
  let sentN = n;
  let inverted = Boolean(data.inverted);
  let axis = new Float32Array(0);
  let drawn = "";
  let enlarged = "";
  let labelled = "";
  let stop = () => {};
  let cell = null;
  let apart = { network: null, hairlines: null };

  const grid = make("canvas", {
    class: "lx-tiles",
    tabindex: 0,
    role: "application",
    "aria-roledescription": "grid of pictures",
    pointermove: (event) => mark(cellUnder(event)),
    pointerdown: (event) => mark(cellUnder(event)),
    pointerleave: leave,
    pointercancel: leave,
    click: (event) => choose(cellUnder(event)),
    keydown: onKey,
    blur: leave,
  });
  const here = make("div", { class: "lx-cell", "aria-hidden": "true" });
  const pinned = make("div", { class: "lx-cell lx-cell-pinned", "aria-hidden": "true" });
  const across = make("span", { class: "lx-axis" });
  const up = make("span", { class: "lx-axis lx-axis-up" });
  const closeUp = make("canvas", { class: "lx-tiles", role: "img" });
  const position = make("p", { class: "lx-number lx-position" });
  const close = make("div", { class: "lx-manifold-close" }, closeUp, position);
  close.hidden = data.close_up === false;
  const count = make("output", { class: "lx-number" });
  const side = make("input", {
    type: "range", min: FEWEST, max: MOST, step: 1, "aria-label": "Pictures a side",
    input: () => resize(Number(side.value)),
    change: () => {
      sentN = n;
      emit.state("n", n);
    },
  });
  const invert = make("button", { type: "button", click: () => turnOver() }, "Ink on paper");
  const root = make(
    "div",
    { class: "lx-manifold" },
    make(
      "div",
      { class: "lx-manifold-body" },
      make("div", { class: "lx-manifold-grid" }, up, make("div", { class: "lx-stack" }, grid, pinned, here), across),
      make(
        "div",
        { class: "lx-manifold-side" },
        close,
        make("label", { class: "lx-field" }, make("span", {}, "Pictures a side ", count), side),
        make(
          "div",
          { class: "lx-buttons" },
          invert,
          make("button", { type: "button", title: "300 dpi, at least 2400 pixels a side", click: savePng }, "Save PNG for print"),
        ),
      ),
    ),
    live.element,
  );
  element.append(root);
  const tiles = createTiles(grid);
  const closeTiles = createTiles(closeUp);

  function cellUnder(event) {
    const { left, top, width, height } = grid.getBoundingClientRect();
    const column = Math.floor(((event.clientX - left) / width) * n);
    const row = Math.floor(((event.clientY - top) / height) * n);
    const clamp = (value) => Math.min(n - 1, Math.max(0, value));
    return clamp(row) * n + clamp(column);
  }

  function codeOf(index) {
    const { z, dims } = store.get();
    return cellCode(quantiles(), index, dims, z, prior());
  }

  function quantiles() {
    const count = store.get().z.length === 1 ? n * n : n;
    if (axis.length !== count) axis = quantileAxis(count);
    return axis;
  }

  /** That of the label which is given. */
  function prior() {
    const { priors } = settings;
    const { network, y, z } = store.get();
    if (priors) return priors[y ?? 0] ?? priors[0];
    return network?.prior ? moments(network.prior, y, z.length) : null;
  }

  /** The dimensions of the plane; one alone where there is no other. */
  function plane() {
    const { z, dims } = store.get();
    return z.length === 1 ? [0] : dims;
  }

  function ready() {
    const { network, z } = store.get();
    return Boolean(network?.decoder) && network.latentDim === z.length;
  }

  function mark(index) {
    if (!ready()) return;
    cell = index;
    store.set({ live: codeOf(index) }, origin);
  }

  function leave() {
    if (cell === null) return;
    cell = null;
    store.set({ live: null }, origin);
  }

  function choose(index) {
    if (!ready()) return;
    const z = codeOf(index);
    pin(emit, z, { origin });
    cell = null;
    live.say(`Pinned ${positionText(z)}`);
  }

  function onKey(event) {
    if (!ready()) return;
    const { z, dims } = store.get();
    const from = cell ?? cellOf(z, n, dims, prior());
    if (event.key === "Enter" || event.key === " ") choose(from);
    else if (event.key === "Escape") leave();
    else {
      const to = neighbourCell(from, event.key, n);
      if (to === null) return;
      mark(to);
      live.say(positionText(codeOf(to)));
    }
    event.preventDefault();
  }

  function positionText(z) {
    return plane().map((dim) => `${dimension(dim)} ${number(z[dim])}`).join(", ");
  }

  function resize(wanted) {
    n = bounded(wanted);
    cell = null;
    schedule(show);
  }

  function turnOver() {
    inverted = !inverted;
    emit.state("inverted", inverted);
    schedule(show);
  }

  async function savePng() {
    const words = ["manifold", settings.model_name ?? "model", ...plane().map((dim) => `z${dim + 1}`), `${n}x${n}`];
    save(await printPng(grid), "image/png", fileName(words, "png"));
  }

  /** Begins the grid anew; what is there stays until its place is drawn again. */
  function drawGrid(network, z, dims, y) {
    stop();
    const pixels = pixelCount(network);
    const held = Float32Array.from(z);
    const [all, given] = [quantiles(), prior()];
    const atOnce = codesAtOnce(network);
    const means = new Float32Array(atOnce * pixels);
    let next = 0;
    root.setAttribute("aria-busy", "true");
    stop = inSlices(() => {
      const first = next;
      next = Math.min(n * n, first + atOnce);
      const codes = new Float32Array((next - first) * z.length);
      for (let i = first; i < next; i += 1) codes.set(cellCode(all, i, dims, held, given), (i - first) * z.length);
      decodeMany(network, codes, y, means.subarray(0, (next - first) * pixels));
      for (let i = first; i < next; i += 1) {
        tiles.picture(i, means.subarray((i - first) * pixels, (i - first + 1) * pixels), inverted);
      }
      if (next < n * n) return false;
      root.setAttribute("aria-busy", "false");
      return true;
    });
  }

  function place(box, index) {
    // Moved by transform alone, so that following the pointer lays nothing out.
    box.style.transform = `translate(${100 * (index % n)}%, ${100 * Math.floor(index / n)}%)`;
  }

  /** Everything that stays the same while the pointer moves. */
  function label(network, [first, second]) {
    const wanted = `${network.hash} ${n} ${first} ${second} ${inverted}`;
    if (wanted === labelled) return;
    labelled = wanted;
    for (const box of [here, pinned]) {
      box.style.width = `${100 / n}%`;
      box.style.height = `${100 / n}%`;
    }
    side.value = n;
    count.textContent = `${n} × ${n}`;
    invert.setAttribute("aria-pressed", String(inverted));
    const alone = second === undefined;
    across.textContent = `${dimension(first)} →${alone ? ", line by line" : ""}`;
    up.textContent = alone ? "" : `${dimension(second)} →`;
    grid.setAttribute("aria-label", alone
      ? `Decoded pictures at ${n * n} quantiles of the prior, line by line. Arrow keys move, Enter pins.`
      : `Decoded pictures at ${n} by ${n} quantiles of the prior, ${
        dimension(first)} across, ${dimension(second)} up. Arrow keys move, Enter pins.`);
  }

  function show() {
    const { network, z, dims, y } = store.get();
    root.classList.toggle("lx-waiting", !ready());
    if (!ready()) return;
    label(network, plane());
    const held = z.map((value, dim) => (dims.includes(dim) ? 0 : value));
    const wanted = `${network.hash} ${n} ${dims} ${held} ${y} ${prior()} ${inverted}`;
    const shape = network.imageShape;
    const fresh = tiles.layOut({ columns: n, rows: n, shape, hairlines: hairlines(network) });
    if (fresh || wanted !== drawn) {
      drawn = wanted;
      drawGrid(network, z, dims, y);
    }
    const shown = store.shown();
    place(pinned, cellOf(z, n, dims, prior()));
    here.hidden = store.get().live === null;
    if (!here.hidden) place(here, cellOf(shown, n, dims, prior()));
    if (!close.hidden) showCloseUp(network, shown, dims, y);
  }

  /** The colour of lines that tell the cells apart where it needs them, decided once for each network. */
  function hairlines(network) {
    if (apart.network !== network) {
      const middle = decode(network, new Float32Array(network.latentDim));
      const lines = isDark(middle) ? GREY : CLEAR;
      apart = { network, hairlines: hasMargin(middle, network.imageShape) ? null : lines };
    }
    return apart.hairlines;
  }

  function showCloseUp(network, z, dims, y) {
    const wanted = `${network.hash} ${z} ${y} ${inverted}`;
    const fresh = closeTiles.layOut({ columns: 1, shape: network.imageShape });
    if (!fresh && wanted === enlarged) return;
    enlarged = wanted;
    closeTiles.picture(0, decode(network, z, y), inverted);
    const text = positionText(z);
    position.replaceChildren(...plane().map((dim) => make("span", {}, make("b", {}, dimension(dim)), ` ${number(z[dim])}`)));
    closeUp.setAttribute("aria-label", `The picture at ${text}`);
  }

  const unsubscribe = store.subscribe(() => schedule(show));
  const observer = new ResizeObserver(() => schedule(show));
  observer.observe(root);
  schedule(show);

  return {
    update(next) {
      // A rerun brings what Python knew; only a change that did not come from here is news.
      if (next.n !== settings.n && next.n !== sentN) resize(next.n);
      if (next.inverted !== settings.inverted) inverted = Boolean(next.inverted);
      settings = next;
      schedule(show);
    },
    destroy() {
      leave();
      stop();
      unsubscribe();
      observer.disconnect();
      unschedule(show);
      live.stop();
      root.remove();
    },
  };
}

function bounded(n) {
  return Math.min(MOST, Math.max(FEWEST, Math.round(n) || 20));
}
