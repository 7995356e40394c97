/** Cards that are dragged or picked, and the places that take them. */
import { decodeEach } from "../model/decoding.js";
import { store } from "../state/store.js";
import { make } from "../ui/dom.js";
import { createTiles } from "../ui/tiles.js";
import { cardOf, removeCard } from "./collection.js";
import { draggable } from "./dragging.js";

/**
 * The collected codes as cards.
 *
 * @typedef {object} Shared  what the parts of the panel share
 * @property {() => import("./collection.js").Morph} morph
 * @property {(next: import("./collection.js").Morph) => void} change  to another collection
 * @property {(z: Float32Array | null, label: string) => void} add  a code to the collection
 * @property {(z: Float32Array | null) => void} pin
 * @property {(text: string) => void} say  to screen readers
 *
 * @param {Shared} shared
 * @param {object} on
 * @param {(picking: boolean) => void} on.pick  a card is picked, or none
 * @param {(target: Element | null) => void} on.over  a card is dragged over an element; null at the end
 * @param {(id: number, target: Element) => void} on.drop
 */
export function createCards(shared, { pick, over, drop }) {
  const element = make("div", { class: "lx-code-cards", role: "group", "aria-label": "Codes" });
  let thumbnails = [];
  let picked = null;

  function setPicked(id) {
    picked = id;
    for (const holder of element.querySelectorAll(".lx-card-holder")) {
      holder.firstChild.setAttribute("aria-pressed", String(Number(holder.dataset.id) === picked));
    }
    pick(picked !== null);
    if (picked !== null) shared.say(`${cardOf(shared.morph(), picked).label} picked. Choose a place.`);
  }

  /** Return the id of the picked card, or null, and pick none. */
  function takePicked() {
    const id = picked;
    if (id !== null) setPicked(null);
    return id;
  }

  function makeCard({ id, label, z }) {
    const thumbnail = createThumbnail();
    thumbnails.push(() => thumbnail.draw(z));
    const card = make("button", {
      type: "button", class: "lx-code-card", "aria-pressed": "false",
      "aria-label": `Code ${label}: choose, then choose a place`,
    }, thumbnail.canvas, make("span", {}, label));
    draggable(card, {
      pick: () => setPicked(picked === id ? null : id),
      over,
      drop: (target) => drop(id, target),
    });
    const remove = make("button", {
      type: "button", class: "lx-plain lx-remove", "aria-label": `Remove ${label}`, title: "Remove",
      click: () => shared.change(removeCard(shared.morph(), id)),
    }, "×");
    return make("div", { class: "lx-card-holder", "data-id": id }, card, remove);
  }

  /** Make the cards anew. */
  function build() {
    thumbnails = [];
    takePicked();
    const { cards } = shared.morph();
    element.replaceChildren(...cards.map(makeCard));
    if (cards.length > 0) return;
    element.append(make("p", { class: "lx-quiet lx-invitation" },
      "No codes yet. Choose one on the map or with the sliders, then add it."));
  }

  return { element, build, takePicked, drawThumbnails: () => thumbnails.forEach((draw) => draw()) };
}

/** Places that take cards. @param {Shared} shared @param {"path" | "terms"} group @param {string[]} names @param {(index: number) => void} choose */
export function createPlaces(shared, group, names, choose) {
  const places = names.map((name, index) => {
    const thumbnail = createThumbnail();
    const label = make("span", { class: "lx-place-name" });
    const button = make("button", { type: "button", class: "lx-place", click: () => choose(index) }, thumbnail.canvas, label);
    return { name, button, label, thumbnail };
  });
  const buttons = places.map(({ button }) => button);
  const cardAt = (index) => cardOf(shared.morph(), shared.morph()[group][index]);

  function show() {
    places.forEach(({ name, button, label }, index) => {
      const card = cardAt(index);
      label.textContent = card ? card.label : name;
      button.classList.toggle("lx-filled", card !== null);
      button.setAttribute("aria-label", card ? `${name}: ${card.label}. Choose to empty it` : `${name}: empty`);
    });
  }

  return {
    group, names, buttons, show,
    drawThumbnails: () => places.forEach(({ thumbnail }, index) => thumbnail.draw(cardAt(index)?.z)),
    /** The place that an element belongs to, -1 for none. @param {Element | null} target */
    indexOf: (target) => buttons.indexOf(target?.closest(".lx-place")),
    /** Mark the place that a card is dragged over. @param {number} index */
    mark: (index) => buttons.forEach((button, i) => button.classList.toggle("lx-over", i === index)),
  };
}

/** Width of a thumbnail on screen, CSS pixels. */
const WIDTH = 72;

/** A small picture of a code. @param {Record<string, unknown>} [properties]  of the canvas */
export function createThumbnail(properties = {}) {
  const canvas = make("canvas", { class: "lx-tiles", ...properties });
  const tiles = createTiles(canvas);
  let stop = null;

  /** Draw a code, or clear. @param {Float32Array | null | undefined} z */
  function draw(z) {
    const { network, y } = store.get();
    tiles.layOut({ columns: 1, shape: network.imageShape, shown: WIDTH });
    stop?.();
    stop = null;
    if (z) stop = decodeEach(network, Float32Array.from(z), y, (_, mean) => tiles.picture(0, mean));
    else tiles.clear();
  }

  return { canvas, draw };
}
