/** A row for each latent dimension: its KL, a slider, its value and a reset button. */
import { store } from "../state/store.js";
import { make } from "../ui/dom.js";
import { dimension, number } from "../ui/words.js";
import { sliderEnds } from "./ranges.js";

const KEY_STEP = 0.1;
/** Milliseconds without a key after which a code is pinned. */
const KEY_SETTLED = 250;

/**
 * Order dimensions by their KL, and separate used from unused ones; without a KL, all are used.
 *
 * @param {number[] | null} kl  nats
 * @param {number} unusedBelow  nats
 * @param {number} [count]  of dimensions without a KL
 * @returns {{used: number[], unused: number[]}}
 */
export function rank(kl, unusedBelow, count = 0) {
  if (!kl) return { used: Array.from({ length: count }, (_, dim) => dim), unused: [] };
  const order = Array.from(kl.keys()).sort((a, b) => kl[b] - kl[a] || a - b);
  return {
    used: order.filter((dim) => kl[dim] >= unusedBelow),
    unused: order.filter((dim) => !(kl[dim] >= unusedBelow)),
  };
}

/**
 * @param {object} on
 * @param {(dim: number, value: number) => void} on.move  a value changes
 * @param {(dim: number, delay: number) => void} on.release  pin the values after milliseconds
 * @param {(dim: number) => void} on.focus  another dimension is looked at
 * @param {() => void} on.unfold  the unused dimensions are shown or hidden
 * @param {(dim: number) => number} on.mean  the prior's mean of a dimension
 */
export function createDimensions(on) {
  const element = make("div", { class: "lx-dims", role: "group", "aria-label": "Latent dimensions" });
  let rows = new Map();
  let focused = 0;

  function focus(dim) {
    if (focused === dim) return;
    markFocus(dim);
    on.focus(dim);
  }

  function markFocus(dim) {
    rows.get(focused)?.element.classList.remove("lx-looked-at");
    focused = dim;
    rows.get(focused)?.element.classList.add("lx-looked-at");
  }

  /** Make the rows, with arguments as in `rank` and the range of each dimension. */
  function build(kl, unusedBelow, ranges) {
    const { used, unused } = rank(kl, unusedBelow, ranges.length);
    const most = Math.max(...(kl ?? []), 1e-9);
    const row = (dim) => {
      const nats = kl ? kl[dim] : null;
      const facts = { nats, share: nats / most, unused: unused.includes(dim), ends: sliderEnds(ranges[dim]) };
      return [dim, createRow(dim, facts, { ...on, focus })];
    };
    rows = new Map([...used, ...unused].map(row));
    const elements = (dims) => dims.map((dim) => rows.get(dim).element);
    element.replaceChildren(...elements(used));
    if (unused.length > 0) {
      element.append(make("details", { toggle: on.unfold },
        make("summary", { title: `KL below ${unusedBelow} nats` }, `${unused.length} unused`,
          make("span", { class: "lx-quiet" }, ": unused by the decoder")),
        ...elements(unused)));
    }
    markFocus(used[0] ?? unused[0] ?? 0);
  }

  return {
    element, build,
    count: () => rows.size,
    focused: () => focused,
    show: (z) => rows.forEach((row, dim) => row.show(z[dim])),
  };
}

/** The row of a dimension; its slider is widened for codes beyond its `ends`. */
function createRow(dim, { nats, share, unused, ends: [low, high] }, on) {
  const name = dimension(dim);
  let shown = NaN;
  let centre = NaN;
  let byKey = false;

  function reset() {
    on.move(dim, on.mean(dim));
    on.release(dim, 0);
  }

  function onKey(event) {
    byKey = true;
    const sign = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!sign) return;
    event.preventDefault();
    const value = store.shown()[dim] + sign * KEY_STEP * (event.shiftKey ? 5 : 1);
    on.move(dim, Math.min(high, Math.max(low, value)));
    on.release(dim, KEY_SETTLED);
  }

  const input = make("input", {
    type: "range", min: low, max: high, step: 0.01,
    "aria-label": nats === null ? name : `${name}, ${unused ? "unused" : `${number(nats)} nats`}`,
    pointerdown: () => (byKey = false),
    input: () => on.move(dim, Number(input.value)),
    change: () => on.release(dim, byKey ? KEY_SETTLED : 0),
    dblclick: reset, focus: () => on.focus(dim), keydown: onKey,
  });
  const output = make("output", { class: "lx-number" });
  const element = make("div", { class: "lx-dim", pointerenter: () => on.focus(dim) },
    make("div", { class: "lx-dim-name", title: nats === null ? name : `KL ${number(nats, 3)} nats` },
      make("b", {}, name),
      ...(nats === null ? [] : [
        make("span", { class: "lx-quiet lx-number" }, `${number(nats)} nats`),
        make("span", { class: "lx-bar", "aria-hidden": "true" }, make("i", { style: `width:${(100 * share).toFixed(1)}%` })),
      ])),
    input, output,
    make("button", { type: "button", class: "lx-plain", "aria-label": `Reset ${name}`, title: "Reset to the prior's mean", click: reset }, "↺"));

  function widen(value) {
    if (value < low) input.min = low = Math.floor(value);
    if (value > high) input.max = high = Math.ceil(value);
  }

  /** Mark the prior's mean on the slider. */
  function mark() {
    const mean = on.mean(dim);
    const share = (mean - low) / (high - low);
    if (share === centre) return;
    centre = share;
    input.style.setProperty("--mean", share.toFixed(4));
  }

  function show(value) {
    if (value !== shown) widen(value);
    mark();
    if (value === shown) return;
    shown = value;
    input.value = value;
    output.textContent = number(value);
    input.setAttribute("aria-valuetext", output.textContent);
  }

  return { element, show };
}
