/**
 * A slider for each latent dimension, and a traversal of the one that is looked at.
 *
 * Sends up `pin`.
 *
 * @typedef {object} SlidersData
 * @property {number[] | null} kl  mean nats of each dimension, the order of the rows; null where there is no rate
 * @property {[number, number][] | null} [ranges]  of each dimension; −3 to 3 without
 * @property {number} unused_below  nats below which a dimension is folded away as unused
 */
import { canDecode } from "../model/network.js";
import { draw, moments } from "../model/prior.js";
import { uniforms } from "../model/random.js";
import { createDimensions } from "../sliders/dimensions.js";
import { rangesOf } from "../sliders/ranges.js";
import { createTraversal } from "../sliders/traversal.js";
import { pin } from "../state/pinning.js";
import { schedule, store, unschedule } from "../state/store.js";
import { announcer, make } from "../ui/dom.js";
import { code, dimension, number } from "../ui/words.js";

const UNDO_DEPTH = 100;

/** A function that returns the prior's mean, (latent_dim), computed once for each network and label. */
function createPriorMean() {
  let known = { network: null, y: null, mean: new Float32Array(0) };
  return () => {
    const { network, y, z } = store.get();
    if (known.network !== network || known.y !== y || known.mean.length !== z.length) {
      known = { network, y, mean: moments(network?.prior ?? null, y, z.length)[0] };
    }
    return known.mean;
  };
}

/**
 * @param {HTMLElement} element
 * @param {SlidersData} data
 * @param {import("../panel.js").Emit} emit
 * @returns {import("../panel.js").Panel}
 */
export function mount(element, data, emit) {
  const origin = {};
  const live = announcer();
  const randomCode = createRandomCodes();
  const priorMean = createPriorMean();
  /** Codes that were pinned before, for undo. */
  let past = [];
  let pinned = store.get().z;
  let undoing = false;
  let moving = pinned;
  let settling = 0;
  let built = "";
  let ranges = [];

  const undo = make("button", { type: "button", click: goBack, disabled: true }, "Undo");
  const dimensions = createDimensions({ move, release, focus: redraw, unfold: redraw, mean: (dim) => priorMean()[dim] });
  const traversal = createTraversal({
    choose: (value) => {
      move(dimensions.focused(), value);
      release(dimensions.focused(), 0);
    },
    redraw,
  });
  const root = make("div", { class: "lx-sliders" },
    make("div", { class: "lx-buttons" },
      make("button", { type: "button", click: () => choose(priorMean()) }, "Reset all"),
      make("button", { type: "button", click: () => choose(randomCode()) }, "Sample from the prior"),
      undo),
    traversal.element, dimensions.element, live.element);
  element.append(root);

  function redraw() {
    schedule(show);
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

  function remember(z) {
    if (!undoing && pinned.length === z.length) {
      past = [...past.slice(1 - UNDO_DEPTH), pinned];
      undo.disabled = false;
    }
    pinned = z;
  }

  function move(dim, value) {
    moving = Float32Array.from(store.shown());
    moving[dim] = value;
    store.set({ live: moving }, origin);
  }

  /** Select the code that the sliders show, after a delay that later moves prolong. */
  function release(dim, delay) {
    clearTimeout(settling);
    if (delay > 0) settling = setTimeout(() => pin(emit, moving, { origin }), delay);
    else pin(emit, moving, { origin });
    live.say(`${dimension(dim)} ${number(store.shown()[dim])}`);
  }

  function show() {
    const { network, y } = store.get();
    const z = store.shown();
    if (z.length !== dimensions.count()) return;
    dimensions.show(z);
    traversal.element.classList.toggle("lx-waiting", !network?.decoder);
    if (canDecode(network, z)) traversal.show(dimensions.focused(), z, network, y, ranges[dimensions.focused()]);
  }

  function update(next) {
    const kl = next.kl?.map((nats) => (Number.isFinite(nats) ? Math.max(0, nats) : 0)) ?? null;
    const wanted = JSON.stringify([next.model?.hash, kl, next.unused_below, next.ranges]);
    if (wanted !== built) {
      built = wanted;
      past = [];
      undo.disabled = true;
      traversal.clear();
      ranges = rangesOf(next.ranges, next.kl?.length ?? next.z.length);
      dimensions.build(kl, next.unused_below, ranges);
    }
    redraw();
  }

  const unsubscribe = store.subscribe((state, changed) => {
    if (changed.has("z")) remember(state.z);
    redraw();
  });
  const observer = new ResizeObserver(redraw);
  observer.observe(root);
  update(data);

  return {
    update,
    destroy() {
      clearTimeout(settling);
      traversal.stop();
      unsubscribe();
      observer.disconnect();
      unschedule(show);
      live.stop();
      root.remove();
    },
  };
}

/** A function that draws codes from the prior; the page's seed decides on their order. */
function createRandomCodes() {
  let drawSeed = null;
  let uniform = null;
  return () => {
    const { seed, z, y, network } = store.get();
    if (seed !== drawSeed) [drawSeed, uniform] = [seed, uniforms(seed)];
    return draw(network?.prior ?? null, y, z.length, uniform);
  };
}
