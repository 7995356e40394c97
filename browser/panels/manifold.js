/**
 * The inverse-CDF grid: decoded pictures at evenly spaced quantiles of the prior.
 *
 * Sends up `pin`, `n` and `inverted`.
 *
 * @typedef {object} ManifoldData
 * @property {number} n  pictures a side, 5 to 30
 * @property {boolean} [inverted]  black for white
 * @property {boolean} [close_up]  whether the cell that is looked at is shown large beside the grid
 * @property {string} [model_name]  for the name of the saved file
 * @property {import("../manifold/cells.js").Moments[] | null} [priors]  of each label, or one for
 *   all; without them the prior that the network states
 */
import { printPng } from "../files/png.js";
import { fileName, save } from "../files/save.js";
import { boundedSide, cellCode, cellCodes, cellOf, FEWEST, hairlineColour, MOST } from "../manifold/cells.js";
import { createGrid, sizeBox } from "../manifold/grid.js";
import { createFollower, decodeLater } from "../model/decoding.js";
import { canDecode, decode, isServed } from "../model/network.js";
import { moments } from "../model/prior.js";
import { pin } from "../state/pinning.js";
import { schedule, store, unschedule } from "../state/store.js";
import { announcer, make } from "../ui/dom.js";
import { createTiles } from "../ui/tiles.js";
import { dimension, number } from "../ui/words.js";

/** The grid's dimensions; one alone for a model that has no other. */
function plane() {
  const { z, dims } = store.get();
  return z.length === 1 ? [0] : dims;
}

/** A code by its coordinates in the plane. @param {ArrayLike<number>} z */
function coordinates(z) {
  return plane().map((dim) => `${dimension(dim)} ${number(z[dim])}`).join(", ");
}

function ready() {
  const { network, z } = store.get();
  return canDecode(network, z);
}

/**
 * @param {HTMLElement} element
 * @param {ManifoldData} data
 * @param {import("../panel.js").Emit} emit
 * @returns {import("../panel.js").Panel}
 */
export function mount(element, data, emit) {
  const origin = {};
  const live = announcer();
  const state = { n: boundedSide(data.n), inverted: Boolean(data.inverted), priors: data.priors };
  let settings = data;
  let sentN = state.n;

  const grid = createGrid({
    size: () => ({ columns: state.n, rows: state.n }),
    ready,
    home: () => cellOf(store.get().z, ...place()),
    look: (index) => store.set({ live: index === null ? null : codeOf(index) }, origin),
    describe: (index) => coordinates(codeOf(index)),
    choose: (index) => {
      const z = codeOf(index);
      grid.forget();
      pin(emit, z, { origin });
      live.say(`Selected ${coordinates(z)}`);
    },
    say: live.say,
  });
  const pictures = createPictures(grid);
  const closeUp = createCloseUp();
  closeUp.element.hidden = data.close_up === false;
  const controls = createControls({
    onSide: (n) => {
      state.n = boundedSide(n);
      grid.forget();
      schedule(show);
    },
    onSideKept: () => {
      sentN = state.n;
      emit.state("n", state.n);
    },
    onInvert: () => {
      state.inverted = !state.inverted;
      emit.state("inverted", state.inverted);
      schedule(show);
    },
    onSave: async () => {
      const words = ["manifold", settings.model_name ?? "model", ...plane().map((dim) => `z${dim + 1}`), `${state.n}x${state.n}`];
      save(await printPng(grid.canvas), "image/png", fileName(words, "png"));
    },
  });
  const root = make("div", { class: "lx-manifold" },
    make("div", { class: "lx-manifold-body" },
      pictures.element,
      make("div", { class: "lx-manifold-side" }, closeUp.element, ...controls.elements)),
    live.element);
  element.append(root);

  /** Arguments of `cellCode` and `cellOf`: cells a side, dimensions, prior. */
  function place() {
    const { network, y, z, dims } = store.get();
    const { n, priors } = state;
    const own = network?.prior ? moments(network.prior, y, z.length) : null;
    return [n, dims, priors ? (priors[y ?? 0] ?? priors[0]) : own];
  }

  function codeOf(index) {
    const [n, dims, prior] = place();
    return cellCode(index, n, dims, store.get().z, prior);
  }

  function show() {
    root.classList.toggle("lx-waiting", !ready());
    if (!ready()) return;
    pictures.show(place(), state.inverted, (busy) => root.setAttribute("aria-busy", String(busy)));
    controls.show(state);
    if (!closeUp.element.hidden) closeUp.show(state.inverted);
  }

  const unsubscribe = store.subscribe(() => schedule(show));
  const observer = new ResizeObserver(() => schedule(show));
  observer.observe(root);
  schedule(show);

  return {
    update(next) {
      // A rerun sends back what this panel set; only other changes are taken over.
      if (next.n !== settings.n && next.n !== sentN) {
        state.n = boundedSide(next.n);
        grid.forget();
      }
      if (next.inverted !== settings.inverted) state.inverted = Boolean(next.inverted);
      state.priors = next.priors;
      settings = next;
      schedule(show);
    },
    destroy() {
      grid.leave();
      pictures.stop();
      unsubscribe();
      observer.disconnect();
      unschedule(show);
      live.stop();
      root.remove();
    },
  };
}

/** The decoded images with their axes, and boxes around the pinned cell and the one looked at. */
function createPictures(grid) {
  const pinned = grid.addBox("lx-cell lx-cell-pinned");
  const here = grid.addBox("lx-cell");
  const across = make("span", { class: "lx-axis" });
  const up = make("span", { class: "lx-axis lx-axis-up" });
  const progress = make("progress", { class: "lx-drawing", max: 1, "aria-label": "Decoding the grid", hidden: true });
  grid.element.append(progress);
  const lines = { network: null, colour: null };
  let drawn = "";
  let labelled = "";
  let stop = () => {};

  /** The colour of lines between cells, decided once for each network. */
  function hairlines(network) {
    if (lines.network !== network) {
      const code = new Float32Array(network.latentDim);
      const measure = (middle) => (lines.colour = hairlineColour(middle, network.imageShape));
      Object.assign(lines, { network, colour: null }); // until the server has decoded it
      if (isServed(network.decoder)) decodeLater(network, code, null, (_, middle) => measure(middle));
      else measure(decode(network, code));
    }
    return lines.colour;
  }

  function label(n) {
    const [first, second] = plane();
    const wanted = [n, first, second].join();
    if (wanted === labelled) return;
    labelled = wanted;
    for (const box of [here, pinned]) sizeBox(box, { columns: n, rows: n });
    const single = second === undefined;
    across.textContent = `${dimension(first)} →${single ? ", line by line" : ""}`;
    up.textContent = single ? "" : `${dimension(second)} →`;
    grid.canvas.setAttribute("aria-label", single
      ? `Images decoded at ${n * n} quantiles of the prior, line by line. Arrow keys move, Enter selects.`
      : `Decoded pictures at ${n} by ${n} quantiles of the prior, ${
        dimension(first)} across, ${dimension(second)} up. Arrow keys move, Enter selects.`);
  }

  /** Decode the grid in a worker; a picture stays until its cell is drawn again. */
  function decodeGrid([n, dims, prior], inverted, setBusy) {
    const { network, z, y } = store.get();
    stop();
    setBusy(true);
    progress.hidden = false;
    progress.value = 0;
    stop = decodeLater(network, cellCodes(n, dims, z, prior), y, (i, mean) => {
      grid.tiles.picture(i, mean, inverted);
      if ((i + 1) % n === 0) progress.value = (i + 1) / (n * n);
      if (i < n * n - 1) return;
      progress.hidden = true;
      setBusy(false);
    });
  }

  function show(place, inverted, setBusy) {
    const { network, z, y, live } = store.get();
    const [n, dims, prior] = place;
    label(n);
    const held = z.map((value, dim) => (dims.includes(dim) ? 0 : value));
    const wanted = `${network.hash} ${n} ${dims} ${held} ${y} ${prior} ${inverted}`;
    const fresh = grid.tiles.layOut({ columns: n, rows: n, shape: network.imageShape, hairlines: hairlines(network) });
    if (fresh || wanted !== drawn) {
      drawn = wanted;
      decodeGrid(place, inverted, setBusy);
    }
    grid.moveBox(pinned, cellOf(z, ...place));
    here.hidden = live === null;
    if (live !== null) grid.moveBox(here, cellOf(live, ...place));
  }

  const element = make("div", { class: "lx-manifold-grid" }, up, grid.element, across);
  return { element, show, stop: () => stop() };
}

/** The picture of the code that is shown, large, with its coordinates. */
function createCloseUp() {
  const canvas = make("canvas", { class: "lx-tiles", role: "img" });
  const position = make("p", { class: "lx-number lx-position" });
  const element = make("div", { class: "lx-manifold-close" }, canvas, position);
  const tiles = createTiles(canvas);
  let drawn = "";
  const state = { hash: "", inverted: false };
  const follow = createFollower((mean, { hash }) => {
    if (hash === state.hash) tiles.picture(0, mean, state.inverted);
  });

  function show(inverted) {
    const { network, y } = store.get();
    const z = store.shown();
    const wanted = `${network.hash} ${z} ${y} ${inverted}`;
    const fresh = tiles.layOut({ columns: 1, shape: network.imageShape });
    if (!fresh && wanted === drawn) return;
    drawn = wanted;
    Object.assign(state, { hash: network.hash, inverted });
    follow(network, z, y);
    position.replaceChildren(...plane().map((dim) => make("span", {}, make("b", {}, dimension(dim)), ` ${number(z[dim])}`)));
    canvas.setAttribute("aria-label", `The image at ${coordinates(z)}`);
  }

  return { element, show };
}

function createControls({ onSide, onSideKept, onInvert, onSave }) {
  const count = make("output", { class: "lx-number" });
  const side = make("input", {
    type: "range", min: FEWEST, max: MOST, step: 1, "aria-label": "Images a side of the grid",
    input: () => onSide(Number(side.value)), change: onSideKept,
  });
  const invert = make("button", { type: "button", click: onInvert }, "Invert colours");
  const print = make("button", {
    type: "button", title: "300 dpi, at least 2400 pixels a side", click: onSave,
  }, "Download PNG (300 dpi)");
  let shown = "";

  function show({ n, inverted }) {
    if (shown === `${n} ${inverted}`) return;
    shown = `${n} ${inverted}`;
    side.value = n;
    count.textContent = `${n} × ${n}`;
    invert.setAttribute("aria-pressed", String(inverted));
  }

  const elements = [
    make("label", { class: "lx-field" }, make("span", {}, "Grid: ", count), side),
    make("div", { class: "lx-buttons" }, invert, print),
  ];
  return { elements, show };
}
