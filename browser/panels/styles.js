/**
 * Styles under every label: one code for each style, decoded with each label (Kingma et al. 2014,
 * figure 1b). The first style is the code that is shown, and follows it.
 *
 * @typedef {object} StylesData
 * @property {string[]} names of the labels 0, 1, …
 * @property {number[][]} draws further codes, those of label 0 where the prior has labels
 * @property {[number[], number[]][] | null} [priors] mean and standard deviation of p(z|y) for each
 *   label, where the prior differs by label
 * @property {string|null} [side]
 */
import { announcer, make } from "../ui/dom.js";
import { decode } from "../model/network.js";
import { pin } from "../state/pinning.js";
import { inSlices } from "../ui/slices.js";
import { schedule, storeOf, unschedule } from "../state/store.js";
import { createTiles } from "../ui/tiles.js";

/** CSS pixels below which a cell is no target for a finger; then labels run down, styles across. */
const FINGER = 44;
/** Share of the width that the names at the side take, about. */
const NAMES_WIDTH = 64;
/** Cells decoded in one piece. */
const PIECE = 4;

/**
 * The code that has under one label the style that `z` has under another: as many standard
 * deviations from the mean of its label's prior. Without priors by label it is `z` itself.
 *
 * @param {ArrayLike<number>} z
 * @param {[ArrayLike<number>, ArrayLike<number>][] | null | undefined} priors
 * @param {number} from
 * @param {number} to
 * @returns {Float32Array}
 */
export function carried(z, priors, from, to) {
  if (!priors || from === to) return Float32Array.from(z);
  const [[mu0, sigma0], [mu, sigma]] = [priors[from], priors[to]];
  return Float32Array.from(z, (value, d) => mu[d] + (sigma[d] * (value - mu0[d])) / sigma0[d]);
}

/**
 * The cell that an arrow key leads to; the border stops it.
 *
 * @param {number} index row by row
 * @param {string} key
 * @param {{columns: number, rows: number}} size
 * @returns {number | null} null for keys that move nothing
 */
export function nextCell(index, key, { columns, rows }) {
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  if (!step) return null;
  const within = (value, count) => Math.min(count - 1, Math.max(0, value));
  return within(Math.floor(index / columns) + step[1], rows) * columns + within((index % columns) + step[0], columns);
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
  let width = 0;
  let upright = false;
  let cell = null;
  let drawn = "";
  let first = "";
  let named = "";
  let stop = () => {};

  const grid = make("canvas", {
    class: "lx-tiles", tabindex: 0, role: "application", "aria-roledescription": "grid of pictures",
    pointermove: (event) => look(cellUnder(event)),
    pointerleave: () => look(null),
    click: (event) => choose(cellUnder(event)),
    keydown: onKey,
    blur: () => look(null),
  });
  const here = make("div", { class: "lx-cell", "aria-hidden": "true" });
  const own = make("div", { class: "lx-style-own", "aria-hidden": "true" });
  const above = make("div", { class: "lx-styles-above", "aria-hidden": "true" });
  const beside = make("div", { class: "lx-styles-beside", "aria-hidden": "true" });
  const root = make("div", { class: "lx-styles" },
    above, beside, make("div", { class: "lx-stack" }, grid, own, here), live.element);
  here.hidden = true;
  element.append(root);
  const tiles = createTiles(grid);

  const styles = () => 1 + data.draws.length;
  const size = () => (upright ? { columns: styles(), rows: data.names.length } : { columns: data.names.length, rows: styles() });
  const indexOf = (style, label) => (upright ? label * styles() + style : style * data.names.length + label);
  const partsOf = (index) => {
    const [across, down] = [index % size().columns, Math.floor(index / size().columns)];
    return upright ? { style: across, label: down } : { style: down, label: across };
  };
  const styleName = (style) => (style === 0 ? "This code" : `Draw ${style}`);

  function ready() {
    const { network, z, y } = store.get();
    return Boolean(network?.decoder) && network.latentDim === z.length && y !== null;
  }

  function codeOf(style, label) {
    return style === 0
      ? carried(store.shown(), data.priors, store.get().y, label)
      : carried(data.draws[style - 1], data.priors, 0, label);
  }

  function cellUnder(event) {
    const { left, top, width: wide, height } = grid.getBoundingClientRect();
    const { columns, rows } = size();
    const within = (share, count) => Math.min(count - 1, Math.max(0, Math.floor(share * count)));
    return within((event.clientY - top) / height, rows) * columns + within((event.clientX - left) / wide, columns);
  }

  function look(index) {
    cell = index;
    here.hidden = index === null;
    if (index !== null) place(here, index);
  }

  function choose(index) {
    if (!ready()) return;
    const { style, label } = partsOf(index);
    pin(emit, codeOf(style, label), { y: label, origin, store });
    live.say(`Pinned ${styleName(style)} as ${data.names[label]}`);
  }

  function onKey(event) {
    const from = cell ?? indexOf(0, store.get().y ?? 0);
    if (event.key === "Enter" || event.key === " ") choose(from);
    else if (event.key === "Escape") look(null);
    else {
      const to = nextCell(from, event.key, size());
      if (to === null) return;
      look(to);
      const { style, label } = partsOf(to);
      live.say(`${styleName(style)} as ${data.names[label]}`);
    }
    event.preventDefault();
  }

  function place(box, index) {
    const { columns } = size();
    box.style.transform = `translate(${100 * (index % columns)}%, ${100 * Math.floor(index / columns)}%)`;
  }

  function draw(style, label) {
    const { network } = store.get();
    tiles.picture(indexOf(style, label), decode(network, codeOf(style, label), label));
  }

  /** The names around the grid, and the boxes on it. */
  function name() {
    const { columns, rows } = size();
    const wanted = `${upright} ${columns} ${rows} ${data.names}`;
    if (wanted === named) return;
    named = wanted;
    const labels = data.names.map((text) => make("span", {}, text));
    const ways = [make("span", {}, "This code"), make("span", { class: "lx-quiet" }, "Drawn from the prior")];
    const shares = { labels: `repeat(${data.names.length}, minmax(0, 1fr))`, ways: `1fr ${styles() - 1}fr` };
    above.replaceChildren(...(upright ? ways : labels));
    beside.replaceChildren(...(upright ? labels : ways));
    above.style.gridTemplateColumns = upright ? shares.ways : shares.labels;
    beside.style.gridTemplateRows = upright ? shares.labels : shares.ways;
    here.style.width = `${100 / columns}%`;
    here.style.height = `${100 / rows}%`;
    own.style.width = upright ? `${100 / columns}%` : "100%";
    own.style.height = upright ? "100%" : `${100 / rows}%`;
    grid.setAttribute("aria-label", `${styles()} styles under ${data.names.length} labels. ${
      "Arrow keys move, Enter pins."}`);
  }

  function show() {
    root.classList.toggle("lx-waiting", !ready());
    if (!ready() || width === 0) return;
    upright = (width - NAMES_WIDTH) / data.names.length < FINGER && data.names.length > styles();
    name();
    const { network, y } = store.get();
    const fresh = tiles.layOut({ ...size(), shape: network.imageShape, gap: 1 });
    const own = `${network.hash} ${store.shown()} ${data.priors ? y : ""}`;
    if (fresh || own !== first) {
      first = own;
      data.names.forEach((_, label) => draw(0, label));
    }
    const wanted = `${network.hash} ${data.draws}`;
    if (fresh || wanted !== drawn) {
      drawn = wanted;
      stop();
      let next = data.names.length;
      const all = styles() * data.names.length;
      stop = inSlices(() => {
        for (const end = Math.min(all, next + PIECE); next < end; next += 1) {
          draw(Math.floor(next / data.names.length), next % data.names.length);
        }
        return next >= all;
      });
    }
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
      stop();
      unsubscribe();
      observer.disconnect();
      unschedule(show);
      live.stop();
      root.remove();
    },
  };
}
