/** A canvas of equal pictures in which a cell is looked at by pointer or keys, and chosen. */
import { make } from "../ui/dom.js";
import { createTiles } from "../ui/tiles.js";
import { cellAfterKey, cellUnder } from "./cells.js";

/**
 * @param {object} options
 * @param {() => import("./cells.js").GridSize} options.size
 * @param {() => boolean} options.ready  whether cells can be chosen
 * @param {() => number} options.home  the cell that keys start from while none is looked at
 * @param {(index: number | null) => void} options.look  another cell is looked at, null for none
 * @param {(index: number) => string} options.describe  for screen readers
 * @param {(index: number) => void} options.choose
 * @param {(text: string) => void} options.say
 */
export function createGrid({ size, ready, home, look, describe, choose, say }) {
  let current = null;

  const canvas = make("canvas", {
    class: "lx-tiles",
    tabindex: 0,
    role: "application",
    "aria-roledescription": "grid of images",
    pointermove: (event) => lookAt(under(event)),
    pointerdown: (event) => lookAt(under(event)),
    pointerleave: leave,
    pointercancel: leave,
    click: (event) => ready() && choose(under(event)),
    keydown: onKey,
    blur: leave,
  });
  const element = make("div", { class: "lx-stack" }, canvas);

  const under = (event) => cellUnder(event, canvas.getBoundingClientRect(), size());

  function lookAt(index) {
    if (!ready()) return;
    current = index;
    look(index);
  }

  function leave() {
    if (current === null) return;
    current = null;
    look(null);
  }

  function onKey(event) {
    if (!ready()) return;
    const from = current ?? home();
    const to = cellAfterKey(from, event.key, size());
    if (to !== null) {
      lookAt(to);
      say(describe(to));
    } else if (event.key === "Enter" || event.key === " ") choose(from);
    else if (event.key === "Escape") leave();
    else return;
    event.preventDefault();
  }

  /** Add an empty box over the grid. */
  function addBox(className) {
    const box = make("div", { class: className, "aria-hidden": "true" });
    element.append(box);
    return box;
  }

  /** Move a box to a cell by its transform, which needs no new layout. */
  function moveBox(box, index) {
    const { columns } = size();
    box.style.transform = `translate(${100 * (index % columns)}%, ${100 * Math.floor(index / columns)}%)`;
  }

  /** Look at no cell, without a call of `look`. */
  const forget = () => (current = null);

  return { element, canvas, tiles: createTiles(canvas), leave, forget, addBox, moveBox };
}

/** Give a box the size of a cell. @param {HTMLElement} box @param {import("./cells.js").GridSize} size */
export function sizeBox(box, { columns, rows }) {
  box.style.width = `${100 / columns}%`;
  box.style.height = `${100 / rows}%`;
}
