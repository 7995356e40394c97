/** Buttons for the maps of a model of more than two dimensions, and lists for its latent plane. */
import { make } from "../ui/dom.js";
import { dimension } from "../ui/words.js";

const NAMES = { raw: "Latent plane", pca: "PCA", tsne: "t-SNE" };

/**
 * @param {HTMLElement} element
 * @param {string[]} projections  the maps
 * @param {number} latentDim
 * @param {(change: {projection?: string, dims?: [number, number]}) => void} choose
 */
export function createChooser(element, projections, latentDim, choose) {
  let shown = [0, 1];
  const buttons = new Map(projections.map((projection) => [
    projection,
    make("button", { type: "button", click: () => choose({ projection }) }, NAMES[projection]),
  ]));
  const createList = (which) => {
    const options = Array.from({ length: latentDim }, (_, dim) => make("option", { value: dim }, dimension(dim)));
    const list = make("select", { change: () => take(which, Number(list.value)) }, ...options);
    return list;
  };
  const lists = [createList(0), createList(1)];

  /** Choose an axis; where the other axis has its dimension already, the two change places. */
  function take(which, dim) {
    const other = shown[1 - which] === dim ? shown[which] : shown[1 - which];
    choose({ dims: which === 0 ? [dim, other] : [other, dim] });
  }

  element.append(
    make("div", { class: "lx-group", role: "group", "aria-label": "Map" }, ...buttons.values()),
    make("label", {}, "Plane: across ", lists[0]),
    make("label", {}, "up ", lists[1]));
  element.hidden = false;
  return {
    show({ projection, dims }) {
      shown = dims;
      for (const [name, button] of buttons) button.setAttribute("aria-pressed", String(name === projection));
      lists.forEach((list, which) => (list.value = dims[which]));
    },
  };
}
