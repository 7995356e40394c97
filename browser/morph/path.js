/** The path through two to four codes: its ends and pictures, played, scrubbed or saved. */
import { printPng } from "../files/png.js";
import { fileName, save } from "../files/save.js";
import { createFollower, decodeEach } from "../model/decoding.js";
import { canDecode } from "../model/network.js";
import { schedule, store, unschedule } from "../state/store.js";
import { make } from "../ui/dom.js";
import { createTiles } from "../ui/tiles.js";
import { encodeAnimation } from "./animation.js";
import { createPlaces } from "./cards.js";
import { pathEnds } from "./collection.js";
import { createFrames } from "./frames.js";
import { createMeasures } from "./measures.js";
import { along, frames, playedPosition, playedTime } from "./paths.js";

const NAMES = ["First", "Second", "Third", "Fourth"];
const KINDS = { spherical: "Spherical", linear: "Linear" };
/** Frames of an animation, from one end of the path to the other. */
const ANIMATED = 30;

/**
 * @param {import("./cards.js").Shared} shared
 * @param {{choose: (index: number) => void, origin: unknown, modelName: () => string}} options  `choose`:
 *   the place of an end; `origin`: of changes to the store
 */
export function createPath(shared, { choose, origin, modelName }) {
  let position = 0;
  let playing = false;
  /** The time at which playing began at position 0, milliseconds. */
  let began = 0;
  /** Codes of real examples (n · latent_dim), while they are known. */
  let codes = null;

  const places = createPlaces(shared, "path", NAMES, choose);
  const kinds = Object.entries(KINDS).map(([kind, name]) => make("button", {
    type: "button", "data-kind": kind, click: () => shared.change({ ...shared.morph(), kind }),
  }, name));
  const row = createFrames({ grab: () => playing && toggle(), move: moveTo, release });
  const slider = make("input", {
    type: "range", min: 0, max: 1, step: 0.005, "aria-label": "Place on the path",
    input: () => moveTo(Number(slider.value)), change: release,
  });
  const measures = createMeasures(() => schedule(show));
  const play = make("button", { type: "button", class: "lx-first", click: toggle }, "Play");
  const preview = make("canvas", { class: "lx-tiles", role: "img" });
  const tiles = createTiles(preview);
  const follow = createFollower((mean, { hash }) => {
    if (hash === store.get().network?.hash) tiles.picture(0, mean);
  });
  const invitation = make("p", { class: "lx-quiet lx-invitation" },
    "Put two to four codes into the places above: drag a card there, or choose a card, then a place.");
  const body = make("div", { class: "lx-path-body" },
    make("div", { class: "lx-path-preview" }, preview),
    make("div", { class: "lx-path-frames" }, row.element, slider, ...measures.elements,
      make("div", { class: "lx-buttons" }, play,
        make("button", { type: "button", click: saveGif }, "Save GIF"),
        make("button", { type: "button", click: savePng }, "Download PNG (300 dpi)"))));
  const element = make("section", {},
    make("div", { class: "lx-section-head" }, make("h4", {}, "Path"),
      make("div", { class: "lx-group", role: "group", "aria-label": "Interpolation" }, ...kinds)),
    make("div", { class: "lx-places", role: "group", "aria-label": "Ends of the path" }, ...places.buttons),
    invitation, body);

  const ends = () => pathEnds(shared.morph());
  const exists = () => ends().length >= 2;
  const here = () => along(ends(), position, shared.morph().kind);
  const percent = () => Math.round(100 * position);

  function moveTo(wanted) {
    position = Math.min(1, Math.max(0, wanted));
    if (!exists()) return;
    store.set({ live: here() }, origin);
    schedule(show);
  }

  /** Select the code where the path is let go. */
  function release() {
    if (playing || !exists()) return;
    shared.pin(here());
    shared.say(`${percent()} percent along the path`);
  }

  function toggle() {
    playing = !playing;
    play.textContent = playing ? "Pause" : "Play";
    if (playing) {
      began = performance.now() - playedTime(position, ends().length - 1);
      requestAnimationFrame(advance);
    } else release();
  }

  function advance(now) {
    if (!playing) return;
    moveTo(playedPosition(now - began, ends().length - 1));
    requestAnimationFrame(advance);
  }

  /** Show another collection. */
  function build() {
    places.show();
    for (const button of kinds) button.setAttribute("aria-pressed", String(button.dataset.kind === shared.morph().kind));
    if (!exists() && playing) toggle();
    body.hidden = !exists();
    invitation.hidden = exists();
    schedule(show);
  }

  function show() {
    const { network, y, z: pinned } = store.get();
    if (!canDecode(network, pinned) || !exists()) return;
    const path = { network, ends: ends(), kind: shared.morph().kind, prior: network.prior, y, codes };
    const z = here();
    row.show(path, position);
    measures.show(path, position, z);
    slider.value = position;
    slider.setAttribute("aria-valuetext", `${percent()} percent`);
    tiles.layOut({ columns: 1, shape: network.imageShape });
    follow(network, z, y);
    preview.setAttribute("aria-label", `The image ${percent()} percent along the path`);
  }

  function saveAs(bytes, type) {
    save(bytes, `image/${type}`, fileName(["morph", modelName(), shared.morph().kind], type));
  }

  function saveGif() {
    const { network, y } = store.get();
    const codes = Float32Array.from(frames(ends(), ANIMATED, shared.morph().kind).flatMap((z) => [...z]));
    const means = [];
    decodeEach(network, codes, y, (_, mean) => {
      means.push(mean.slice());
      if (means.length === ANIMATED) saveAs(encodeAnimation(means, network.imageShape), "gif");
    });
  }

  async function savePng() {
    saveAs(await printPng(row.canvas), "png");
  }

  const observer = new ResizeObserver(() => {
    row.resize();
    schedule(show);
  });
  observer.observe(body);

  return {
    element, places, build, drawThumbnails: places.drawThumbnails,
    /** Draw what has changed in the next frame. */
    changed: () => schedule(show),
    restart: () => (position = 0),
    /** @param {Float32Array | null} found  (n · latent_dim) of real examples */
    setCodes(found) {
      codes = found;
      schedule(show);
    },
    destroy() {
      playing = false;
      measures.stop();
      row.stop();
      observer.disconnect();
      unschedule(show);
    },
  };
}
