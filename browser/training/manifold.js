/** The manifold of a training: images at quantiles of the prior, which unfold as it learns. */
import { cellCode, hairlineColour } from "../manifold/cells.js";
import { createGrid, sizeBox } from "../manifold/grid.js";
import { make } from "../ui/dom.js";
import { dimension, number } from "../ui/words.js";
import { LEVELS } from "./batches.js";
import { SIDE } from "./player.js";

/**
 * @param {object} handlers
 * @param {(z: Float32Array | null) => void} handlers.look  another cell is looked at, null for none
 * @param {(z: Float32Array) => void} handlers.choose
 * @param {(text: string) => void} handlers.say
 */
export function createManifold({ look, choose, say }) {
  let shown = null;
  let lines = null;
  let means = new Float32Array(0);
  const codeOf = (index) => cellCode(index, SIDE, shown.dims, new Float32Array(shown.settings.latentDim));
  const grid = createGrid({
    size: () => ({ columns: SIDE, rows: SIDE }),
    ready: () => shown !== null,
    home: () => Math.floor(SIDE * (SIDE / 2 + 0.5)),
    look(index) {
      here.hidden = index === null;
      if (index !== null) grid.moveBox(here, index);
      look(index === null ? null : codeOf(index));
    },
    describe: (index) => Array.from(codeOf(index), (value, dim) => `${dimension(dim)} ${number(value)}`).join(", "),
    choose: (index) => choose(codeOf(index)),
    say,
  });
  const here = grid.addBox("lx-cell");
  here.hidden = true;
  sizeBox(here, { columns: SIDE, rows: SIDE });
  const across = make("span", { class: "lx-axis" });
  const up = make("span", { class: "lx-axis lx-axis-up" });
  const element = make("figure", { class: "lx-replay-plane" }, up, grid.element, across);

  /** Take over other data. */
  function take() {
    lines = null;
  }

  /** @param {{frame: import("./session.js").Frame, data: import("./trainer.js").Data}} next */
  function show(next) {
    shown = next;
    const { frame: { cells }, data: { shape }, dims, settings: { latentDim: d } } = next;
    const pixels = shape[0] * shape[1] * shape[2];
    if (means.length !== pixels) means = new Float32Array(pixels);
    const picture = (i) => {
      for (let k = 0; k < pixels; k++) means[k] = LEVELS[cells[i * pixels + k]];
      return means;
    };
    lines ??= { colour: hairlineColour(picture(Math.floor((SIDE * SIDE) / 2)), shape) };
    grid.tiles.layOut({ columns: SIDE, rows: SIDE, shape, hairlines: lines.colour });
    for (let i = 0; i < SIDE * SIDE; i++) grid.tiles.picture(i, picture(i));
    across.textContent = d === 1 ? `${dimension(0)} →, line by line` : `${dimension(dims[0])} →`;
    up.textContent = d === 1 ? "" : `${dimension(dims[1])} →`;
    grid.canvas.setAttribute("aria-label", `Manifold: images decoded at ${SIDE} by ${SIDE} quantiles of the prior. `
      + "Arrow keys move, Enter selects.");
  }

  return { element, take, show };
}
