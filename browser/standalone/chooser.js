/**
 * What a page of more than two dimensions, or with columns beside labels, offers above its map: buttons
 * for the maps, lists for the latent plane, and a list for the colour.
 */
import { make } from "../ui/dom.js";
import { dimension } from "../ui/words.js";

const NAMES = { raw: "Latent plane", pca: "PCA", tsne: "t-SNE" };

/**
 * @param {HTMLElement} element
 * @param {object} facts
 * @param {string[]} facts.projections  the maps
 * @param {number} facts.latent_dim
 * @param {[string, string][]} [facts.colours]  keys and names of what colours the map
 * @param {(change: {projection?: string, dims?: [number, number], colour?: string}) => void} choose
 */
export function createChooser(element, { projections, latent_dim: latentDim, colours = [] }, choose) {
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

  if (latentDim > 2) {
    element.append(
      make("div", { class: "lx-group", role: "group", "aria-label": "Map" }, ...buttons.values()),
      make("label", {}, "Plane: across ", lists[0]),
      make("label", {}, "up ", lists[1]));
  }
  const hue = make("select", { change: () => choose({ colour: hue.value }) },
    ...colours.map(([key, name]) => make("option", { value: key }, name)));
  if (colours.length > 0) element.append(make("label", {}, "Colour ", hue));
  element.hidden = latentDim <= 2 && colours.length === 0;
  return {
    show({ projection, dims, colour }) {
      shown = dims;
      hue.value = colour;
      for (const [name, button] of buttons) button.setAttribute("aria-pressed", String(name === projection));
      lists.forEach((list, which) => (list.value = dims[which]));
    },
  };
}
