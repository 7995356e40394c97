/** Sliders that move the pinned code along the directions that were kept. */
import { pin } from "../state/pinning.js";
import { store } from "../state/store.js";
import { make } from "../ui/dom.js";
import { number } from "../ui/words.js";
import { moveAlong, removeDirection } from "./collection.js";

/** The largest strength of a direction. */
const STRONGEST = 2;

/** @param {import("./cards.js").Shared} shared @param {import("../panel.js").Emit} emit */
export function createDirections(shared, emit) {
  const origin = {};
  const list = make("div", { class: "lx-directions", role: "group", "aria-label": "Directions" });
  const element = make("section", {}, make("h4", {}, "Directions"), list);
  /** The code that was pinned before any slider moved. */
  let base = store.get().z;
  let strengths = [];

  const moved = () => moveAlong(base, shared.morph().directions, strengths);

  function makeSlider({ name }, index) {
    const output = make("output", { class: "lx-number" }, number(0));
    const input = make("input", {
      type: "range", min: -STRONGEST, max: STRONGEST, step: 0.01, value: 0, "aria-label": `Strength of ${name}`,
      input: () => {
        strengths[index] = Number(input.value);
        output.textContent = number(strengths[index]);
        store.set({ live: moved() }, origin);
      },
      change: () => pin(emit, moved(), { origin }),
    });
    const forget = make("button", {
      type: "button", class: "lx-plain", "aria-label": `Forget ${name}`, title: "Forget",
      click: () => shared.change(removeDirection(shared.morph(), index)),
    }, "×");
    return make("div", { class: "lx-dim" }, make("b", { class: "lx-direction-name" }, name), input, output, forget);
  }

  /** Start from the pinned code, with all sliders at 0. */
  function reset() {
    const { directions } = shared.morph();
    base = store.get().z;
    strengths = directions.map(() => 0);
    element.hidden = directions.length === 0;
    list.replaceChildren(...directions.map(makeSlider));
  }

  return {
    element, reset,
    /** Reset unless the code was pinned by these sliders. @param {unknown} by  who pinned it */
    pinned: (by) => by !== origin && reset(),
  };
}
