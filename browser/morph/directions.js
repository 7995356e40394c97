/** Sliders that move the pinned code along the directions that were kept, and the picture of it. */
import { pin } from "../state/pinning.js";
import { schedule, store, unschedule } from "../state/store.js";
import { make } from "../ui/dom.js";
import { number } from "../ui/words.js";
import { createThumbnail } from "./cards.js";
import { moveAlong, removeDirection } from "./collection.js";

/** The largest strength of a direction. */
const STRONGEST = 2;

/** @param {import("./cards.js").Shared} shared @param {import("../panel.js").Emit} emit */
export function createDirections(shared, emit) {
  const origin = {};
  const picture = createThumbnail({ class: "lx-tiles lx-result", role: "img", "aria-label": "The code moved along the directions, decoded" });
  const list = make("div", { class: "lx-directions", role: "group", "aria-label": "Directions" });
  const back = make("button", { type: "button", click: goBack }, "Back to the start");
  const element = make("section", {}, make("h4", {}, "Directions"),
    make("div", { class: "lx-directed" }, picture.canvas, list), make("div", { class: "lx-buttons" }, back));
  /** The code that was pinned before any slider moved. */
  let base = store.get().z;
  let strengths = [];
  /** The directions that have a slider. */
  let listed = null;
  let sliders = [];

  const moved = () => moveAlong(base, shared.morph().directions, strengths);

  function draw() {
    if (!element.hidden) picture.draw(store.shown());
  }

  function makeSlider({ name }, index) {
    const output = make("output", { class: "lx-number" }, number(0));
    const input = make("input", {
      type: "range", min: -STRONGEST, max: STRONGEST, step: 0.01, value: 0, "aria-label": `Strength of ${name}`,
      input: () => {
        setStrength(Number(input.value));
        store.set({ live: moved() }, origin);
      },
      change: () => pin(emit, moved(), { origin }),
    });
    const setStrength = (value) => {
      strengths[index] = value;
      input.value = value;
      output.textContent = number(value);
    };
    const forget = make("button", {
      type: "button", class: "lx-plain", "aria-label": `Forget ${name}`, title: "Forget",
      click: () => shared.change(removeDirection(shared.morph(), index)),
    }, "×");
    const row = make("div", { class: "lx-dim" }, make("b", { class: "lx-direction-name" }, name), input, output, forget);
    return { row, setStrength };
  }

  /** Set all sliders to 0, and pin the code that they started from. */
  function goBack() {
    for (const { setStrength } of sliders) setStrength(0);
    pin(emit, base, { origin });
  }

  /** Start from the pinned code, with all sliders at 0. */
  function reset() {
    base = store.get().z;
    for (const { setStrength } of sliders) setStrength(0);
  }

  /** Show the directions of the collection; sliders stay where they are while these are the same. */
  function show() {
    const { directions } = shared.morph();
    if (directions === listed) return;
    listed = directions;
    strengths = directions.map(() => 0);
    sliders = directions.map(makeSlider);
    element.hidden = directions.length === 0;
    list.replaceChildren(...sliders.map(({ row }) => row));
    reset();
  }

  return {
    element, show, drawThumbnails: draw,
    /** Draw the picture in the next frame, with all other panels. */
    redraw: () => schedule(draw),
    /** Reset unless the code was pinned by these sliders. @param {unknown} by  who pinned it */
    pinned: (by) => by !== origin && reset(),
    destroy: () => unschedule(draw),
  };
}
