/**
 * Morph: paths between two to four codes, arithmetic on codes, and directions kept from it.
 *
 * What a person collected goes to Python as `morph` when it changes, so that it survives a page
 * switch; a code that is let go is pinned.
 *
 * @typedef {object} StripData
 * @property {object | null} [morph] what was sent before, or `{cards: [{label, z}]}` to begin with
 * @property {number | string} [morph_version] taken over only with a version not seen before
 * @property {import("../files/assets.js").Source | null} [codes] the encoded set, for the nearest real code
 * @property {string} [model_name] for the names of saved files
 */
import { fetchBytes, unbundle } from "../files/assets.js";
import { announcer, make } from "../ui/dom.js";
import { draggable } from "../morph/dragging.js";
import { colourIndex, colourPalette, encodeGif, greyPalette } from "../files/gif.js";
import * as morphs from "../morph/collection.js";
import { decodeEach } from "../model/decoding.js";
import { decode } from "../model/network.js";
import { along, frames, nearest } from "../morph/paths.js";
import { pin } from "../state/pinning.js";
import { printPng } from "../files/png.js";
import { logProb, meanLogProb } from "../model/prior.js";
import { fileName, save } from "../files/save.js";
import { inSlices } from "../ui/slices.js";
import { sparkline } from "../ui/sparkline.js";
import { schedule, store, unschedule } from "../state/store.js";
import { number } from "../ui/words.js";
import { createTiles } from "../ui/tiles.js";

const SAMPLES = 49;
const MILLISECONDS_A_LEG = 2400;
const GIF_FRAMES = 30;
const GIF_SIDE = 196;
const GIF_DELAY = 70;
const STRENGTH = 2;
const NAMES = { path: ["First", "Second", "Third", "Fourth"], terms: ["A", "B", "C"] };
const KINDS = { spherical: "Spherical", linear: "Straight" };

/**
 * @param {HTMLElement} element
 * @param {StripData} data
 * @param {import("../panel.js").Emit} emit
 */
export function mount(element, data, emit) {
  const origin = {};
  /** Moves along directions; all other moves put the directions to rest. */
  const bending = {};
  const live = announcer();
  let settings = data;
  let version = null;
  let modelHash = null;
  let morph = morphs.emptyMorph();
  let picked = null;
  let at = 0;
  let playing = false;
  let playedFrom = 0;
  let codes = null;
  let codesOf = null;
  let densities = [];
  let typical = 0;
  let distances = new Float32Array(SAMPLES).fill(NaN);
  let stopDistances = () => {};
  let stopStrip = () => {};
  let measured = "";
  let drawn = "";
  /** Directions are added to the code that was pinned before any of them moved. */
  let base = store.get().z;
  let strengths = [];
  let stripWidth = 0;
  /** Each card's picture, by the card's id. */
  const cardTiles = new Map();

  const tray = make("div", { class: "lx-code-cards", role: "group", "aria-label": "Codes" });
  const addPinned = make("button", { type: "button", click: () => addCode(store.get().z, pinnedLabel()) }, "Add the pinned code");
  const places = { path: [], terms: [] };
  const pathRow = make("div", { class: "lx-places", role: "group", "aria-label": "Ends of the path" });
  const termRow = make("div", { class: "lx-places lx-sum", role: "group", "aria-label": "A minus B plus C" });
  const kinds = make("div", { class: "lx-buttons", role: "group", "aria-label": "Kind of path" },
    ...Object.entries(KINDS).map(([kind, name]) => make("button", {
      type: "button", "data-kind": kind, click: () => become({ ...morph, kind }),
    }, name)));
  const strip = make("canvas", {
    class: "lx-tiles", "aria-hidden": "true", pointerdown: scrubByPointer, pointermove: scrubByPointer, pointerup: letGo,
  });
  const head = make("div", { class: "lx-playhead", "aria-hidden": "true" });
  const scrub = make("input", {
    type: "range", min: 0, max: 1, step: 0.005, "aria-label": "Place on the path",
    input: () => moveTo(Number(scrub.value)), change: letGo,
  });
  const prior = sparkline("Prior log-density", "nats");
  const distance = sparkline("Distance to the nearest real code", "");
  const play = make("button", { type: "button", class: "lx-first", click: toggle }, "Play");
  const gif = make("button", { type: "button", click: saveGif }, "Save GIF");
  const png = make("button", { type: "button", click: savePng }, "Save PNG for print");
  const preview = make("canvas", { class: "lx-tiles", role: "img" });
  const invitation = make("p", { class: "lx-quiet lx-invitation" },
    "Put two to four codes into the places above: drag a card there, or choose a card and then a place.");
  const pathBody = make("div", { class: "lx-path-body" },
    make("div", { class: "lx-path-preview" }, preview),
    make("div", { class: "lx-path-strip" },
      make("div", { class: "lx-stack" }, strip, head), scrub, prior.element, distance.element,
      make("div", { class: "lx-buttons" }, play, gif, png)));
  const result = make("canvas", { class: "lx-tiles lx-result", role: "img", "aria-label": "A minus B plus C, decoded" });
  const pinSum = make("button", { type: "button", click: () => pinCode(morphs.sum(morph)) }, "Pin the result");
  const addSum = make("button", { type: "button", click: () => addCode(morphs.sum(morph), sumLabel()) }, "Add it to the codes");
  const keep = make("button", { type: "button", click: () => become(morphs.saveDirection(morph)) }, "Keep B → C as a direction");
  const directionList = make("div", { class: "lx-directions", role: "group", "aria-label": "Directions" });
  const directions = make("section", {}, make("h4", {}, "Directions"), directionList);
  const root = make("div", { class: "lx-morph", keydown: dropPick },
    make("section", {}, make("div", { class: "lx-section-head" }, make("h4", {}, "Codes"), addPinned), tray),
    make("section", {}, make("div", { class: "lx-section-head" }, make("h4", {}, "Path"), kinds), pathRow, invitation, pathBody),
    make("section", {}, make("h4", {}, "Arithmetic"),
      make("p", { class: "lx-quiet lx-note" }, "A \u2212 B + C: A, with what leads from B to C added to it."), termRow,
      make("div", { class: "lx-buttons" }, pinSum, addSum, keep)),
    directions, live.element);
  element.append(root);
  const stripTiles = createTiles(strip);
  const previewTiles = createTiles(preview);
  const resultTiles = createTiles(result);

  for (const [group, names] of Object.entries(NAMES)) {
    names.forEach((name, index) => {
      const picture = make("canvas", { class: "lx-tiles" });
      const label = make("span", { class: "lx-place-name" });
      const button = make("button", {
        type: "button", class: "lx-place", "data-group": group, "data-index": index,
        click: () => placeClicked(group, index),
      }, picture, label);
      places[group].push({ button, label, name, tiles: createTiles(picture), picture });
      if (group === "terms" && index > 0) termRow.append(make("b", { "aria-hidden": "true" }, index === 1 ? "\u2212" : "+"));
      (group === "terms" ? termRow : pathRow).append(button);
    });
  }
  termRow.append(make("b", { "aria-hidden": "true" }, "="), result);

  function ready() {
    const { network, z } = store.get();
    return Boolean(network?.decoder) && network.latentDim === z.length;
  }

  function pinnedLabel() {
    const { pinnedId } = store.get();
    return pinnedId === null ? `Code ${morph.cards.length + 1}` : `#${pinnedId}`;
  }

  function sumLabel() {
    const [a, b, c] = morph.terms.map((id) => morphs.cardOf(morph, id).label);
    return `${a} \u2212 ${b} + ${c}`;
  }

  /** Takes a change that a person made. @param {morphs.Morph} next */
  function become(next) {
    if (next === morph) return;
    morph = next;
    emit.state("morph", morphs.write(morph));
    rebuild();
  }

  function addCode(z, label) {
    if (!z || z.length === 0) return;
    become(morphs.addCard(morph, label, z));
    live.say(`${label} added to the codes`);
  }

  function pinCode(z) {
    if (z) pin(emit, z, { origin });
  }

  function pick(id) {
    picked = picked === id ? null : id;
    for (const card of tray.children) {
      card.firstChild.setAttribute("aria-pressed", String(Number(card.dataset.id) === picked));
    }
    root.classList.toggle("lx-picking", picked !== null);
    if (picked !== null) live.say(`${morphs.cardOf(morph, picked).label} picked. Choose a place.`);
  }

  function dropPick(event) {
    if (event.key === "Escape" && picked !== null) pick(picked);
  }

  function placeClicked(group, index) {
    const id = picked;
    if (picked !== null) pick(picked);
    become(morphs.place(morph, group, index, id));
    const name = NAMES[group][index];
    live.say(id === null ? `${name} is empty` : `${morphs.cardOf(morph, id).label} is ${name}`);
  }

  const placeAt = (target) => target?.closest?.(".lx-place") ?? null;

  function hoverPlace(target) {
    const wanted = placeAt(target);
    for (const { button } of [...places.path, ...places.terms]) {
      button.classList.toggle("lx-over", button === wanted);
    }
  }

  function dropOn(id, target) {
    const button = placeAt(target);
    if (!button || !root.contains(button)) return;
    become(morphs.place(morph, button.dataset.group, Number(button.dataset.index), id));
  }

  function makeCard(card) {
    const picture = make("canvas", { class: "lx-tiles" });
    const body = make("button", { type: "button", class: "lx-code-card", "aria-pressed": "false", "aria-label": `Code ${card.label}: choose, then choose a place` },
      picture, make("span", {}, card.label));
    draggable(body, { pick: () => pick(card.id), over: hoverPlace, drop: (target) => dropOn(card.id, target) });
    const remove = make("button", {
      type: "button", class: "lx-plain lx-remove", "aria-label": `Remove ${card.label}`, title: "Remove",
      click: () => become(morphs.removeCard(morph, card.id)),
    }, "×");
    const holder = make("div", { class: "lx-card-holder", "data-id": card.id }, body, remove);
    cardTiles.set(card.id, createTiles(picture));
    return holder;
  }

  function makeDirection(direction, index) {
    const output = make("output", { class: "lx-number" }, number(strengths[index]));
    const input = make("input", {
      type: "range", min: -STRENGTH, max: STRENGTH, step: 0.01, "aria-label": `Strength of ${direction.name}`,
      input: () => {
        strengths[index] = Number(input.value);
        output.textContent = number(strengths[index]);
        store.set({ live: moved() }, bending);
      },
      change: () => pin(emit, moved(), { origin: bending }),
    });
    input.value = strengths[index];
    return make("div", { class: "lx-dim" }, make("b", { class: "lx-direction-name" }, direction.name), input, output,
      make("button", {
        type: "button", class: "lx-plain", "aria-label": `Forget ${direction.name}`, title: "Forget",
        click: () => become(morphs.removeDirection(morph, index)),
      }, "×"));
  }

  /** The base code and every direction as far as its slider says. */
  function moved() {
    return base.map((value, i) => morph.directions.reduce(
      (sum, direction, k) => sum + strengths[k] * direction.z[i], value,
    ));
  }

  function restDirections() {
    base = store.get().z;
    strengths = morph.directions.map(() => 0);
    directionList.replaceChildren(...morph.directions.map(makeDirection));
  }

  /** The pictures of all cards, places and the sum, which a label changes too. */
  function drawPictures() {
    if (!ready()) return;
    const { network, y } = store.get();
    const draw = (tiles, z) => {
      tiles.layOut({ columns: 1, shape: network.imageShape, shown: 72 });
      if (z) tiles.picture(0, decode(network, z, y));
      else tiles.clear();
    };
    for (const card of morph.cards) draw(cardTiles.get(card.id), card.z);
    for (const group of Object.keys(places)) {
      places[group].forEach(({ tiles }, index) => draw(tiles, morphs.cardOf(morph, morph[group][index])?.z));
    }
    draw(resultTiles, morphs.sum(morph));
  }

  /** Everything that depends on which cards there are and where they lie. */
  function rebuild() {
    picked = null;
    root.classList.remove("lx-picking");
    cardTiles.clear();
    tray.replaceChildren(...morph.cards.map(makeCard));
    if (morph.cards.length === 0) {
      tray.append(make("p", { class: "lx-quiet lx-invitation" }, "No codes yet. Pin one on the map or with the sliders, then add it."));
    }
    for (const button of kinds.children) {
      button.setAttribute("aria-pressed", String(button.dataset.kind === morph.kind));
    }
    for (const group of Object.keys(places)) {
      places[group].forEach((slot, index) => {
        const card = morphs.cardOf(morph, morph[group][index]);
        slot.label.textContent = card ? card.label : slot.name;
        slot.button.classList.toggle("lx-filled", card !== null);
        slot.button.setAttribute("aria-label", card ? `${slot.name}: ${card.label}. Choose to empty it` : `${slot.name}: empty`);
      });
    }
    const sum = morphs.sum(morph);
    pinSum.disabled = sum === null;
    addSum.disabled = sum === null;
    keep.disabled = !morphs.cardOf(morph, morph.terms[1]) || !morphs.cardOf(morph, morph.terms[2]);
    drawPictures();
    directions.hidden = morph.directions.length === 0;
    restDirections();
    const enough = morphs.pathEnds(morph).length >= 2;
    if (!enough && playing) toggle();
    pathBody.hidden = !enough;
    invitation.hidden = enough;
    addPinned.disabled = store.get().z.length === 0;
    schedule(show);
  }

  function here() {
    return along(morphs.pathEnds(morph), at, morph.kind);
  }

  function moveTo(place) {
    at = Math.min(1, Math.max(0, place));
    if (morphs.pathEnds(morph).length < 2) return;
    store.set({ live: here() }, origin);
    schedule(show);
  }

  function scrubByPointer(event) {
    if (event.type === "pointerdown") {
      if (playing) toggle();
      strip.setPointerCapture(event.pointerId);
    } else if (!strip.hasPointerCapture(event.pointerId)) return;
    const { left, width } = strip.getBoundingClientRect();
    const half = 0.5 / Math.max(2, stripFrames());
    moveTo(((event.clientX - left) / width - half) / (1 - 2 * half));
  }

  function letGo() {
    if (playing || morphs.pathEnds(morph).length < 2) return;
    pin(emit, here(), { origin });
    live.say(`${Math.round(100 * at)} percent of the path`);
  }

  function toggle() {
    playing = !playing;
    play.textContent = playing ? "Pause" : "Play";
    if (playing) {
      playedFrom = performance.now() - phase(at) * legTime();
      requestAnimationFrame(advance);
    } else letGo();
  }

  const legTime = () => MILLISECONDS_A_LEG * Math.max(1, morphs.pathEnds(morph).length - 1);
  /** Playing goes there and back, slow at both ends. */
  const phase = (place) => Math.acos(1 - 2 * place) / Math.PI;

  function advance(now) {
    if (!playing) return;
    moveTo(0.5 - 0.5 * Math.cos((Math.PI * (now - playedFrom)) / legTime()));
    requestAnimationFrame(advance);
  }

  function stripFrames() {
    return Math.min(25, Math.max(7, Math.floor((stripWidth || 480) / 44)));
  }

  function drawStrip(network, ends, y) {
    const n = stripFrames();
    const empty = stripTiles.layOut({ columns: n, shape: network.imageShape, gap: 1 });
    const wanted = `${network.hash} ${n} ${morph.kind} ${ends.join(";")} ${y}`;
    if (!empty && wanted === drawn) return;
    drawn = wanted;
    stopStrip();
    const codesOfFrames = flat(frames(ends, n, morph.kind));
    stopStrip = decodeEach(network, codesOfFrames, y, (i, mean) => stripTiles.picture(i, mean)) ?? (() => {});
  }

  /** Distances are searched for in short slices; the line grows as they are found. */
  function measure(ends, prior, y) {
    const wanted = `${y} ${morph.kind} ${ends.join(";")} ${codes?.length ?? 0}`;
    if (wanted === measured) return;
    measured = wanted;
    stopDistances();
    densities = frames(ends, SAMPLES, morph.kind).map((z) => logProb(prior, y, z));
    typical = meanLogProb(prior, y, ends[0].length);
    distances = new Float32Array(SAMPLES).fill(NaN);
    if (!codes) return;
    const samples = frames(ends, SAMPLES, morph.kind);
    let next = 0;
    stopDistances = inSlices(() => {
      distances[next] = nearest(codes, samples[next]).distance;
      next += 1;
      schedule(show);
      return next === SAMPLES;
    });
  }

  function show() {
    const { network, y } = store.get();
    root.classList.toggle("lx-waiting", !ready());
    const ends = morphs.pathEnds(morph);
    if (!ready() || ends.length < 2) return;
    drawStrip(network, ends, y);
    measure(ends, network.prior, y);
    const z = here();
    const n = stripFrames();
    head.style.width = `${100 / n}%`;
    head.style.left = `${(100 * at * (n - 1)) / n}%`;
    scrub.value = at;
    scrub.setAttribute("aria-valuetext", `${Math.round(100 * at)} percent`);
    previewTiles.layOut({ columns: 1, shape: network.imageShape });
    previewTiles.picture(0, decode(network, z, y));
    preview.setAttribute("aria-label", `The picture ${Math.round(100 * at)} percent along the path`);
    prior.show(densities, { at, value: logProb(network.prior, y, z), reference: typical, said: "; dashed: the prior's mean" });
    distance.element.hidden = !codes;
    if (codes) distance.show(distances, { at, value: distances[Math.round(at * (SAMPLES - 1))] });
  }

  function saveGif() {
    const { network, y } = store.get();
    const [channels, height, width] = network.imageShape;
    const scale = Math.max(1, Math.round(GIF_SIDE / Math.max(width, height)));
    const there = frames(morphs.pathEnds(morph), GIF_FRAMES, morph.kind).map((z) => {
      const mean = decode(network, z, y);
      const frame = new Uint8Array(width * scale * height * scale);
      for (let at = 0, row = 0; row < height * scale; row += 1) {
        for (let column = 0; column < width * scale; column += 1, at += 1) {
          const pixel = Math.floor(row / scale) * width + Math.floor(column / scale);
          frame[at] = channels === 3 ? colour(mean, pixel, width * height) : Math.round(255 * mean[pixel]);
        }
      }
      return frame;
    });
    const bytes = encodeGif({
      width: width * scale,
      height: height * scale,
      frames: [...there, ...there.slice(1, -1).reverse()],
      palette: channels === 3 ? colourPalette() : greyPalette(),
      delay: GIF_DELAY,
    });
    save(bytes, "image/gif", fileName(["morph", settings.model_name ?? "model", morph.kind], "gif"));
  }

  async function savePng() {
    const bytes = await printPng(strip);
    save(bytes, "image/png", fileName(["morph", settings.model_name ?? "model", morph.kind], "png"));
  }

  async function loadCodes(source) {
    if (source === codesOf) return;
    codesOf = source;
    codes = null;
    if (!source) return;
    const { arrays } = unbundle(await fetchBytes(source));
    if (source !== codesOf) return;
    codes = arrays.mu;
    schedule(show);
  }

  function update(next) {
    settings = next;
    loadCodes(next.codes ?? null).catch((error) => {
      codesOf = null;
      console.warn(error);
    });
    const state = store.get();
    const sent = next.morph_version ?? 0;
    if (state.z.length === 0 || (sent === version && state.modelHash === modelHash)) return;
    version = sent;
    modelHash = state.modelHash;
    morph = morphs.read(next.morph, state.z.length);
    at = 0;
    rebuild();
  }

  const unsubscribe = store.subscribe((state, changed, by) => {
    if (changed.has("network")) rebuild();
    else if (changed.has("y")) schedule(drawPictures);
    if (changed.has("z") && by !== bending) restDirections();
    if (["network", "y", "z"].some((key) => changed.has(key))) schedule(show);
  });
  const observer = new ResizeObserver(() => {
    stripWidth = strip.clientWidth;
    schedule(show);
  });
  observer.observe(root);
  update(data);

  return {
    update,
    destroy() {
      playing = false;
      stopDistances();
      stopStrip();
      unsubscribe();
      observer.disconnect();
      unschedule(show);
      unschedule(drawPictures);
      live.stop();
      root.remove();
    },
  };
}

/** @param {Float32Array[]} codes @returns {Float32Array} one after another */
function flat(codes) {
  const all = new Float32Array(codes.length * codes[0].length);
  codes.forEach((z, i) => all.set(z, i * z.length));
  return all;
}

/** @param {Float32Array} mean @param {number} pixel @param {number} plane */
function colour(mean, pixel, plane) {
  return colourIndex(255 * mean[pixel], 255 * mean[plane + pixel], 255 * mean[2 * plane + pixel]);
}
