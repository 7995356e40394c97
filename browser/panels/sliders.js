/**
 * A slider for each latent dimension, all bound to the page's one code.
 *
 * @typedef {object} SlidersData
 * @property {number[]} kl nats that each dimension carries on average, from 0; the order of the rows
 * @property {number} [dead_below] a dimension with less is folded away as inactive
 */
import { decodeEach } from "../model/decoding.js";
import { announcer, make } from "../ui/dom.js";
import { pixelCount } from "../model/network.js";
import { pin } from "../state/pinning.js";
import { largestChange, paintChange } from "../ui/pixels.js";
import { draw } from "../model/prior.js";
import { uniforms } from "../model/random.js";
import { schedule, store, unschedule } from "../state/store.js";
import { createTiles } from "../ui/tiles.js";
import { code, dimension, number } from "../ui/words.js";

const LIMIT = 4;
const KEY_STEP = 0.1;
const KEY_SETTLED = 250;
const UNDO_DEPTH = 100;
const TRAVERSAL = [-3, -2, -1, 0, 1, 2, 3];

/**
 * The dimensions in the order of their KL, those that carry something and those that do not.
 *
 * @param {number[]} kl
 * @param {number} deadBelow
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
 * The codes of a traversal: one dimension takes each value, the others are held.
 *
 * @param {Float32Array} z
 * @param {number} dim
 * @param {number[]} values
 * @returns {Float32Array} (values.length * latent_dim,)
 */
export function traverse(z, dim, values) {
  const codes = new Float32Array(values.length * z.length);
  values.forEach((value, row) => {
    codes.set(z, row * z.length);
    codes[row * z.length + dim] = value;
  });
  return codes;
}

/**
 * @param {HTMLElement} element
 * @param {SlidersData} data
 * @param {import("../panel.js").Emit} emit
 */
export function mount(element, data, emit) {
  const origin = {};
  const live = announcer();
  let rows = new Map();
  let built = "";
  let focused = 0;
  let uniform = uniforms(store.get().seed);
  let drawSeed = store.get().seed;
  let undoing = false;
  let past = [];
  let settled = 0;
  let moving = store.get().z;
  let traversed = "";
  /** A traversal that comes one picture after another; the next one begins when it is through. */
  let coming = null;

  const undo = make("button", { type: "button", click: goBack, disabled: true }, "Undo");
  const buttons = make(
    "div",
    { class: "lx-buttons" },
    make("button", { type: "button", click: () => choose(new Float32Array(store.get().z.length)) }, "Reset all"),
    make("button", { type: "button", click: () => choose(randomCode()) }, "Draw from the prior"),
    undo,
  );
  const strip = make("canvas", { class: "lx-tiles", role: "img", click: takeFromStrip });
  const change = make("canvas", { class: "lx-tiles lx-change", role: "img" });
  const marker = make("div", { class: "lx-traversal-marker", "aria-hidden": "true" });
  const title = make("span", { class: "lx-traversal-title" });
  const traversal = make(
    "div",
    { class: "lx-traversal" },
    make(
      "figure",
      {},
      make("figcaption", {}, title, make("span", { class: "lx-quiet" }, " from \u22123 to 3, the others held")),
      make("div", { class: "lx-traversal-strip" }, strip, marker),
    ),
    make(
      "figure",
      {},
      make("figcaption", {}, "Change"),
      change,
      make("span", { class: "lx-quiet lx-change-key" },
        make("span", {}, make("i", { class: "lx-less" }), "darker"),
        make("span", {}, make("i", { class: "lx-more" }), "lighter")),
    ),
  );
  const list = make("div", { class: "lx-dims", role: "group", "aria-label": "Latent dimensions" });
  const root = make("div", { class: "lx-sliders" }, buttons, traversal, list, live.element);
  element.append(root);
  const stripTiles = createTiles(strip);
  const changeTiles = createTiles(change);

  function randomCode() {
    const { seed, z, y, network } = store.get();
    if (seed !== drawSeed) {
      drawSeed = seed;
      uniform = uniforms(seed);
    }
    return draw(network?.prior ?? null, y, z.length, uniform);
  }

  function choose(z) {
    pin(emit, z, { origin });
    live.say(code(z));
  }

  function goBack() {
    const z = past.pop();
    if (!z) return;
    undoing = true;
    choose(z);
    undoing = false;
    undo.disabled = past.length === 0;
  }

  function move(dim, value) {
    moving = Float32Array.from(store.shown());
    moving[dim] = value;
    store.set({ live: moving }, origin);
  }

  /** Pins what a slider shows: at once on release, after a rest when keys repeat. */
  function release(dim, delay) {
    clearTimeout(settled);
    if (delay > 0) settled = setTimeout(() => pin(emit, moving, { origin }), delay);
    else pin(emit, moving, { origin });
    live.say(`${dimension(dim)} ${number(store.shown()[dim])}`);
  }

  function reset(dim) {
    move(dim, 0);
    release(dim, 0);
  }

  function look(dim) {
    if (focused === dim) return;
    rows.get(focused)?.row.classList.remove("lx-looked-at");
    focused = dim;
    rows.get(focused)?.row.classList.add("lx-looked-at");
    schedule(show);
  }

  function makeRow(dim, share, nats, dead) {
    const name = dimension(dim);
    let byKey = false;
    const input = make("input", {
      type: "range",
      min: -LIMIT,
      max: LIMIT,
      step: 0.01,
      "aria-label": `${name}, ${dead ? "inactive" : `${number(nats)} nats`}`,
      pointerdown: () => {
        byKey = false;
      },
      input: () => move(dim, Number(input.value)),
      change: () => release(dim, byKey ? KEY_SETTLED : 0),
      dblclick: () => reset(dim),
      focus: () => look(dim),
      keydown: (event) => {
        byKey = true;
        const sign = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
        if (!sign) return;
        event.preventDefault();
        const value = store.shown()[dim] + sign * KEY_STEP * (event.shiftKey ? 5 : 1);
        move(dim, Math.min(LIMIT, Math.max(-LIMIT, value)));
        release(dim, KEY_SETTLED);
      },
    });
    const output = make("output", { class: "lx-number" });
    const row = make(
      "div",
      { class: "lx-dim", pointerenter: () => look(dim) },
      make(
        "div",
        { class: "lx-dim-name", title: `KL ${number(nats, 3)} nats` },
        make("b", {}, name),
        make("span", { class: "lx-quiet lx-number" }, `${number(nats)} nats`),
        make("span", { class: "lx-bar", "aria-hidden": "true" },
          make("i", { style: `width:${(100 * share).toFixed(1)}%` })),
      ),
      input,
      output,
      make("button", { type: "button", class: "lx-plain", "aria-label": `Reset ${name}`, title: "Reset to 0", click: () => reset(dim) }, "0"),
    );
    return { row, input, output, value: NaN };
  }

  /** Builds the rows again when the model or its order changed. */
  function build(next) {
    const kl = next.kl.map((nats) => (Number.isFinite(nats) ? Math.max(0, nats) : 0));
    const deadBelow = next.dead_below ?? 0.01;
    const wanted = JSON.stringify([next.model?.hash, kl, deadBelow]);
    if (wanted === built) return;
    built = wanted;
    past = [];
    undo.disabled = true;
    traversed = "";
    const { active, inactive } = rank(kl, deadBelow);
    const most = Math.max(...kl, 1e-9);
    rows = new Map([...active, ...inactive].map((dim) => [
      dim, makeRow(dim, kl[dim] / most, kl[dim], kl[dim] < deadBelow),
    ]));
    list.replaceChildren(...active.map((dim) => rows.get(dim).row));
    if (inactive.length > 0) {
      list.append(make(
        "details",
        { toggle: () => schedule(show) },
        make("summary", {}, `${inactive.length} inactive`,
          make("span", { class: "lx-quiet" }, `: below ${deadBelow} nats, the decoder hardly uses them`)),
        ...inactive.map((dim) => rows.get(dim).row),
      ));
    }
    focused = active[0] ?? inactive[0] ?? 0;
    rows.get(focused)?.row.classList.add("lx-looked-at");
  }

  function showValues(z) {
    for (const [dim, row] of rows) {
      if (row.value === z[dim]) continue;
      row.value = z[dim];
      const text = number(z[dim]);
      row.input.value = z[dim];
      row.input.setAttribute("aria-valuetext", text);
      row.output.textContent = text;
    }
  }

  function showTraversal(z, network, y) {
    const place = (Math.min(3, Math.max(-3, z[focused])) + 3) / 6;
    marker.style.left = `${(100 * (place * (TRAVERSAL.length - 1) + 0.5)) / TRAVERSAL.length}%`;
    const held = Float32Array.from(z);
    held[focused] = 0;
    const shape = network.imageShape;
    const fresh = stripTiles.layOut({ columns: TRAVERSAL.length, shape, gap: 1 });
    const changeFresh = changeTiles.layOut({ columns: 1, shape });
    const wanted = `${network.hash} ${focused} ${held} ${y}`;
    if (wanted === traversed && !fresh && !changeFresh) return;
    if (coming?.network === network && !fresh && !changeFresh) return;
    coming?.stop();
    coming = null;
    traversed = wanted;
    const dim = focused;
    const low = new Float32Array(pixelCount(network));
    const stop = decodeEach(network, traverse(z, dim, TRAVERSAL), y, (i, mean) => {
      stripTiles.picture(i, mean);
      if (i === 0) low.set(mean);
      if (i < TRAVERSAL.length - 1) return;
      showChange(dim, low, mean, network.imageShape);
      if (coming) schedule(show); // what has moved meanwhile
      coming = null;
    });
    coming = stop && { network, stop };
  }

  function showChange(dim, low, high, shape) {
    const full = Math.max(0.05, largestChange(low, high));
    changeTiles.put(0, (image) => paintChange(low, high, shape, image, full));
    const name = dimension(dim);
    title.textContent = name;
    strip.setAttribute("aria-label", `Pictures with ${name} from minus 3 to 3`);
    change.setAttribute("aria-label", `Pixels that ${name} changes, by up to ${Math.round(100 * full)} percent`);
  }

  function show() {
    const { network, y } = store.get();
    const z = store.shown();
    if (z.length !== rows.size) return;
    showValues(z);
    traversal.classList.toggle("lx-waiting", !network?.decoder);
    if (network?.decoder && network.latentDim === z.length) showTraversal(z, network, y);
  }

  function takeFromStrip(event) {
    const { left, width } = strip.getBoundingClientRect();
    const i = Math.floor(((event.clientX - left) / width) * TRAVERSAL.length);
    move(focused, TRAVERSAL[Math.min(TRAVERSAL.length - 1, Math.max(0, i))]);
    release(focused, 0);
  }

  let before = store.get().z;
  const unsubscribe = store.subscribe((state, changed) => {
    if (changed.has("z")) {
      if (!undoing && before.length === state.z.length) {
        past.push(before);
        if (past.length > UNDO_DEPTH) past.shift();
        undo.disabled = false;
      }
      before = state.z;
    }
    schedule(show);
  });
  const observer = new ResizeObserver(() => schedule(show));
  observer.observe(root);

  function update(next) {
    build(next);
    schedule(show);
  }
  update(data);

  return {
    update,
    destroy() {
      clearTimeout(settled);
      coming?.stop();
      unsubscribe();
      observer.disconnect();
      unschedule(show);
      live.stop();
      root.remove();
    },
  };
}
