/**
 * Morph: paths between two to four codes, arithmetic on codes, and directions kept from it.
 *
 * Sends up `pin`, and as `morph` the collection when it changes, so that it survives a page switch.
 *
 * @typedef {object} MorphData
 * @property {object | null} [morph]  the collection as it was sent up, or `{cards: [{label, z}]}`
 * @property {number | string} [morph_version]  a collection is taken over once for each version
 * @property {import("../files/assets.js").Source | null} [codes]  the encoded set
 * @property {string} [model_name]  for the names of saved files
 */
import { fetchBytes, unbundle } from "../files/assets.js";
import { canDecode } from "../model/network.js";
import { createArithmetic } from "../morph/arithmetic.js";
import { createCards } from "../morph/cards.js";
import { addCard, cardOf, emptyMorph, place, read, write } from "../morph/collection.js";
import { createDirections } from "../morph/directions.js";
import { createPath } from "../morph/path.js";
import { pin } from "../state/pinning.js";
import { schedule, store, unschedule } from "../state/store.js";
import { announcer, make } from "../ui/dom.js";

/**
 * @param {HTMLElement} element
 * @param {MorphData} data
 * @param {import("../panel.js").Emit} emit
 * @returns {import("../panel.js").Panel}
 */
export function mount(element, data, emit) {
  const origin = {};
  const live = announcer();
  let settings = data;
  let morph = emptyMorph();
  /** Version and model of the collection that was taken over last. */
  let adopted = "";
  let codesSource = null;

  /** @type {import("../morph/cards.js").Shared} */
  const shared = {
    morph: () => morph,
    change(next) {
      if (next === morph) return;
      morph = next;
      emit.state("morph", write(morph));
      build();
    },
    add(z, label) {
      if (!z || z.length === 0) return;
      shared.change(addCard(morph, label, z));
      live.say(`${label} added to the saved codes`);
    },
    pin: (z) => z && pin(emit, z, { origin }),
    say: live.say,
  };
  const cards = createCards(shared, {
    pick: (picking) => root.classList.toggle("lx-picking", picking),
    over: (target) => groups.forEach(({ places }) => places.mark(places.indexOf(target))),
    drop: (id, target) => {
      const group = groups.find(({ places }) => places.indexOf(target) >= 0);
      if (group) shared.change(place(morph, group.places.group, group.places.indexOf(target), id));
    },
  });
  const path = createPath(shared, {
    choose: (index) => fill(path.places, index), origin, modelName: () => settings.model_name ?? "model",
  });
  const arithmetic = createArithmetic(shared, (index) => fill(arithmetic.places, index));
  const groups = [path, arithmetic];
  const directions = createDirections(shared, emit);
  const addPinned = make("button", { type: "button", click: () => shared.add(store.get().z, pinnedLabel()) }, "Save this code");
  const root = make("div", { class: "lx-morph", keydown: (event) => event.key === "Escape" && cards.takePicked() },
    make("div", { class: "lx-morph-body" },
      make("section", {}, make("div", { class: "lx-section-head" }, make("h4", {}, "Codes"), addPinned), cards.element),
      path.element, arithmetic.element, directions.element),
    live.element);
  element.append(root);

  function pinnedLabel() {
    const { pinnedId } = store.get();
    return pinnedId === null ? `Code ${morph.cards.length + 1}` : `#${pinnedId}`;
  }

  /** Put the picked card into a place, or empty the place where none is picked. */
  function fill({ group, names }, index) {
    const id = cards.takePicked();
    shared.change(place(morph, group, index, id));
    live.say(id === null ? `${names[index]} is empty` : `${cardOf(morph, id).label} is ${names[index]}`);
  }

  function drawThumbnails() {
    const { network, z } = store.get();
    root.classList.toggle("lx-waiting", !canDecode(network, z));
    if (canDecode(network, z)) for (const part of [cards, ...groups, directions]) part.drawThumbnails();
  }

  /** Show another collection, or the same by another network. */
  function build() {
    cards.build();
    path.build();
    arithmetic.show();
    directions.show();
    addPinned.disabled = store.get().z.length === 0;
    drawThumbnails();
  }

  /** Fetch the codes of the set when they are others. */
  async function loadCodes(source) {
    if (source === codesSource) return;
    codesSource = source;
    path.setCodes(null);
    if (!source) return;
    try {
      const { arrays } = unbundle(await fetchBytes(source));
      if (source === codesSource) path.setCodes(arrays.mu);
    } catch (error) {
      codesSource = null;
      console.warn(error);
    }
  }

  function update(next) {
    settings = next;
    loadCodes(next.codes ?? null);
    const { z, modelHash } = store.get();
    const sent = `${modelHash} ${next.morph_version ?? 0}`;
    if (z.length === 0 || sent === adopted) return;
    adopted = sent;
    morph = read(next.morph, z.length);
    path.restart();
    build();
  }

  const unsubscribe = store.subscribe((state, changed, by) => {
    if (changed.has("network")) build();
    else if (changed.has("y")) schedule(drawThumbnails);
    if (changed.has("z")) directions.pinned(by);
    if (changed.has("z") || changed.has("live")) directions.redraw();
    if (["network", "y", "z"].some((key) => changed.has(key))) path.changed();
  });
  update(data);

  return {
    update,
    destroy() {
      path.destroy();
      directions.destroy();
      unsubscribe();
      unschedule(drawThumbnails);
      live.stop();
      root.remove();
    },
  };
}
