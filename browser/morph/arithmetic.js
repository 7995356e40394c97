/** Arithmetic on codes: the terms of A − B + C and the result. */
import { make } from "../ui/dom.js";
import { createPlaces, createThumbnail } from "./cards.js";
import { canSaveDirection, cardOf, saveDirection, sum } from "./collection.js";

const NAMES = ["A", "B", "C"];

/** @param {import("./cards.js").Shared} shared @param {(index: number) => void} choose  a term's place */
export function createArithmetic(shared, choose) {
  const places = createPlaces(shared, "terms", NAMES, choose);
  const result = createThumbnail({ class: "lx-tiles lx-result", role: "img", "aria-label": "A minus B plus C, decoded" });
  const button = (words, click) => make("button", { type: "button", click }, words);
  const pinSum = button("Show the result", () => shared.pin(sum(shared.morph())));
  const addSum = button("Save result", () => shared.add(sum(shared.morph()), label()));
  const keep = button("Keep B → C as a direction", () => shared.change(saveDirection(shared.morph())));
  const [a, b, c] = places.buttons;
  const sign = (text) => make("b", { "aria-hidden": "true" }, text);
  const element = make("section", {}, make("h4", {}, "Arithmetic"),
    make("p", { class: "lx-quiet lx-note" }, "A − B + C: apply the change from B to C to A."),
    make("div", { class: "lx-places lx-sum", role: "group", "aria-label": "A minus B plus C" },
      a, sign("−"), b, sign("+"), c, sign("="), result.canvas),
    make("div", { class: "lx-buttons" }, pinSum, addSum, keep));

  function label() {
    const [a, b, c] = shared.morph().terms.map((id) => cardOf(shared.morph(), id).label);
    return `${a} − ${b} + ${c}`;
  }

  function show() {
    places.show();
    pinSum.disabled = addSum.disabled = sum(shared.morph()) === null;
    keep.disabled = !canSaveDirection(shared.morph());
  }

  function drawThumbnails() {
    places.drawThumbnails();
    result.draw(sum(shared.morph()));
  }

  return { element, places, show, drawThumbnails };
}
