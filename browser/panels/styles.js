/**
 * Styles by label: a grid of codes decoded with each label (Kingma et al. 2014, figure 1b).
 *
 * The first style is the code that is shown, and follows it; the others are draws from the prior.
 * Sends up `pin`.
 *
 * @typedef {object} StylesData
 * @property {string[]} names  of the labels 0, 1, …
 * @property {number[][]} draws  further codes; for label 0 where the prior differs by label
 * @property {import("../manifold/cells.js").Moments[] | null} [priors]  of p(z|y) for each label,
 *   where the prior differs by label
 * @property {string | null} [side]
 */
import { createGrid, sizeBox } from "../manifold/grid.js";
import { decodeLabelled } from "../model/decoding.js";
import { canDecode } from "../model/network.js";
import { pin } from "../state/pinning.js";
import { schedule, storeOf, unschedule } from "../state/store.js";
import { announcer, make } from "../ui/dom.js";

/** The narrowest cell that a finger can hit, CSS pixels; below it labels run down, styles across. */
const FINGER = 44;
/** Approximate width of the names beside the grid, CSS pixels. */
const NAMES_WIDTH = 64;

/**
 * Carry the style of a code over to another label: as many standard deviations from the mean of
 * that label's prior. Without priors by label it is the same code.
 *
 * @param {ArrayLike<number>} z  (latent_dim)
 * @param {import("../manifold/cells.js").Moments[] | null | undefined} priors
 * @param {number} from  label of `z`
 * @param {number} to
 * @returns {Float32Array} (latent_dim)
 */
export function carryOver(z, priors, from, to) {
  if (!priors || from === to) return Float32Array.from(z);
  const [[mu0, sigma0], [mu, sigma]] = [priors[from], priors[to]];
  return Float32Array.from(z, (value, d) => mu[d] + (sigma[d] * (value - mu0[d])) / sigma0[d]);
}

/**
 * Cells for every style and label: a row for each style, or upright a column for each.
 *
 * @param {number} styles
 * @param {number} labels
 * @param {boolean} upright
 */
export function arrange(styles, labels, upright) {
  const size = upright ? { columns: styles, rows: labels } : { columns: labels, rows: styles };
  return {
    size,
    indexOf: (style, label) => (upright ? label * styles + style : style * labels + label),
    partsOf(index) {
      const [column, row] = [index % size.columns, Math.floor(index / size.columns)];
      return upright ? { style: column, label: row } : { style: row, label: column };
    },
  };
}

/**
 * @param {HTMLElement} element
 * @param {StylesData} data
 * @param {import("../panel.js").Emit} emit
 * @returns {import("../panel.js").Panel}
 */
export function mount(element, data, emit) {
  const store = storeOf(data.side);
  const origin = {};
  const live = announcer();
  let cells = arrange(1, 1, false);
  let width = 0;

  const grid = createGrid({
    size: () => cells.size,
    ready,
    home: () => cells.indexOf(0, store.get().y),
    look: (index) => frame.look(index),
    describe,
    choose: (index) => {
      const { style, label } = cells.partsOf(index);
      pin(emit, codeOf(style, label), { y: label, origin, store });
      live.say(`Selected ${describe(index)}`);
    },
    say: live.say,
  });
  const frame = createFrame(grid);
  const pictures = createPictures(grid, { store, codeOf });
  const root = make("div", { class: "lx-styles" }, ...frame.elements, grid.element, live.element);
  element.append(root);

  function ready() {
    const { network, z, y } = store.get();
    return canDecode(network, z) && y !== null;
  }

  function codeOf(style, label) {
    return style === 0
      ? carryOver(store.shown(), data.priors, store.get().y, label)
      : carryOver(data.draws[style - 1], data.priors, 0, label);
  }

  function describe(index) {
    const { style, label } = cells.partsOf(index);
    return `${style === 0 ? "This code" : `Draw ${style}`} as ${data.names[label]}`;
  }

  function show() {
    root.classList.toggle("lx-waiting", !ready());
    if (!ready() || width === 0) return;
    const [styles, labels] = [1 + data.draws.length, data.names.length];
    const upright = (width - NAMES_WIDTH) / labels < FINGER && labels > styles;
    cells = arrange(styles, labels, upright);
    frame.show(data.names, styles, cells.size, upright);
    pictures.show(data, cells);
  }

  const unsubscribe = store.subscribe((state, changed) => {
    if (["z", "live", "y", "network"].some((key) => changed.has(key))) schedule(show);
  });
  const observer = new ResizeObserver(() => {
    width = root.clientWidth;
    schedule(show);
  });
  observer.observe(root);

  return {
    update(next) {
      data = next;
      schedule(show);
    },
    destroy() {
      pictures.stop();
      unsubscribe();
      observer.disconnect();
      unschedule(show);
      live.stop();
      root.remove();
    },
  };
}

/** The names above and beside the grid, and boxes around the first style and the cell looked at. */
function createFrame(grid) {
  const own = grid.addBox("lx-style-own");
  const here = grid.addBox("lx-cell");
  const above = make("div", { class: "lx-styles-above", "aria-hidden": "true" });
  const beside = make("div", { class: "lx-styles-beside", "aria-hidden": "true" });
  let shown = "";
  here.hidden = true;

  function look(index) {
    here.hidden = index === null;
    if (index !== null) grid.moveBox(here, index);
  }

  function show(names, styles, size, upright) {
    const wanted = `${upright} ${styles} ${names}`;
    if (wanted === shown) return;
    shown = wanted;
    const labels = names.map((text) => make("span", {}, text));
    const kinds = [make("span", {}, "This code"), make("span", { class: "lx-quiet" }, "Sampled from the prior")];
    const shares = { labels: `repeat(${names.length}, minmax(0, 1fr))`, kinds: `1fr ${styles - 1}fr` };
    above.replaceChildren(...(upright ? kinds : labels));
    beside.replaceChildren(...(upright ? labels : kinds));
    above.style.gridTemplateColumns = upright ? shares.kinds : shares.labels;
    beside.style.gridTemplateRows = upright ? shares.labels : shares.kinds;
    sizeBox(here, size);
    sizeBox(own, upright ? { columns: styles, rows: 1 } : { columns: 1, rows: styles });
    grid.canvas.setAttribute("aria-label",
      `${styles} styles under ${names.length} labels. Arrow keys move, Enter selects.`);
  }

  return { elements: [above, beside], look, show };
}

/** The pictures: the first style at once, the others later. */
function createPictures(grid, { store, codeOf }) {
  let first = "";
  let others = "";
  let stop = () => {};
  let stopFirst = () => {};

  function drawOthers(cells, styles, labels) {
    const all = Array.from({ length: (styles - 1) * labels }, (_, i) =>
      ({ style: 1 + Math.floor(i / labels), label: i % labels }));
    stop();
    stop = decodeLabelled(store.get().network, all.map(({ style, label }) => codeOf(style, label)),
      all.map(({ label }) => label),
      (i, mean) => grid.tiles.picture(cells.indexOf(all[i].style, all[i].label), mean));
  }

  function drawFirst(cells, labels) {
    const all = Array.from({ length: labels }, (_, label) => label);
    stopFirst();
    stopFirst = decodeLabelled(store.get().network, all.map((label) => codeOf(0, label)), all,
      (label, mean) => grid.tiles.picture(cells.indexOf(0, label), mean));
  }

  function show({ names, draws, priors }, cells) {
    const { network, y } = store.get();
    const fresh = grid.tiles.layOut({ ...cells.size, shape: network.imageShape, gap: 1 });
    const wantedFirst = `${network.hash} ${store.shown()} ${priors ? y : ""}`;
    if (fresh || wantedFirst !== first) {
      first = wantedFirst;
      drawFirst(cells, names.length);
    }
    const wantedOthers = `${network.hash} ${draws}`;
    if (fresh || wantedOthers !== others) {
      others = wantedOthers;
      drawOthers(cells, 1 + draws.length, names.length);
    }
  }

  return { show, stop: () => [stop, stopFirst].forEach((end) => end()) };
}
