/** A row for each latent dimension: its KL, a slider, its value and a reset button. */
import { store } from "../state/store.js";
import { make } from "../ui/dom.js";
import { dimension, number } from "../ui/words.js";

const LIMIT = 4;
const KEY_STEP = 0.1;
/** Milliseconds without a key after which a code is pinned. */
const KEY_SETTLED = 250;

/**
 * Order dimensions by their KL, and separate active from inactive ones.
 *
 * @param {number[]} kl  nats
 * @param {number} deadBelow  nats
 * @returns {{active: number[], inactive: number[]}}
 */
export function rank(kl, deadBelow) {
  const order = Array.from(kl.keys()).sort((a, b) => kl[b] - kl[a] || a - b);
  return {
    active: order.filter((dim) => kl[dim] >= deadBelow),
    inactive: order.filter((dim) => !(kl[dim] >= deadBelow)),
  };
}

/**
 * @param {object} on
 * @param {(dim: number, value: number) => void} on.move  a value changes
 * @param {(dim: number, delay: number) => void} on.release  pin the values after milliseconds
 * @param {(dim: number) => void} on.focus  another dimension is looked at
 * @param {() => void} on.unfold  the inactive dimensions are shown or hidden
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

  /** Make the rows, with arguments as in `rank`. */
  function build(kl, deadBelow) {
    const { active, inactive } = rank(kl, deadBelow);
    const most = Math.max(...kl, 1e-9);
    const row = (dim) => [dim, createRow(dim, kl[dim], { share: kl[dim] / most, dead: kl[dim] < deadBelow }, { ...on, focus })];
    rows = new Map([...active, ...inactive].map(row));
    const elements = (dims) => dims.map((dim) => rows.get(dim).element);
    element.replaceChildren(...elements(active));
    if (inactive.length > 0) {
      element.append(make("details", { toggle: on.unfold },
        make("summary", {}, `${inactive.length} inactive`,
          make("span", { class: "lx-quiet" }, `: below ${deadBelow} nats, the decoder hardly uses them`)),
        ...elements(inactive)));
    }
    markFocus(active[0] ?? inactive[0] ?? 0);
  }

  return {
    element, build,
    count: () => rows.size,
    focused: () => focused,
    show: (z) => rows.forEach((row, dim) => row.show(z[dim])),
  };
}

function createRow(dim, nats, { share, dead }, on) {
  const name = dimension(dim);
  let shown = NaN;
  let byKey = false;

  function reset() {
    on.move(dim, 0);
    on.release(dim, 0);
  }

  function onKey(event) {
    byKey = true;
    const sign = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!sign) return;
    event.preventDefault();
    const value = store.shown()[dim] + sign * KEY_STEP * (event.shiftKey ? 5 : 1);
    on.move(dim, Math.min(LIMIT, Math.max(-LIMIT, value)));
    on.release(dim, KEY_SETTLED);
  }

  const input = make("input", {
    type: "range", min: -LIMIT, max: LIMIT, step: 0.01,
    "aria-label": `${name}, ${dead ? "inactive" : `${number(nats)} nats`}`,
    pointerdown: () => (byKey = false),
    input: () => on.move(dim, Number(input.value)),
    change: () => on.release(dim, byKey ? KEY_SETTLED : 0),
    dblclick: reset, focus: () => on.focus(dim), keydown: onKey,
  });
  const output = make("output", { class: "lx-number" });
  const element = make("div", { class: "lx-dim", pointerenter: () => on.focus(dim) },
    make("div", { class: "lx-dim-name", title: `KL ${number(nats, 3)} nats` },
      make("b", {}, name),
      make("span", { class: "lx-quiet lx-number" }, `${number(nats)} nats`),
      make("span", { class: "lx-bar", "aria-hidden": "true" }, make("i", { style: `width:${(100 * share).toFixed(1)}%` }))),
    input, output,
    make("button", { type: "button", class: "lx-plain", "aria-label": `Reset ${name}`, title: "Reset to 0", click: reset }, "0"));

  function show(value) {
    if (value === shown) return;
    shown = value;
    input.value = value;
    output.textContent = number(value);
    input.setAttribute("aria-valuetext", output.textContent);
  }

  return { element, show };
}
