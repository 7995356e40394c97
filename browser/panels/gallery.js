/**
 * The selected examples as pictures, page by page: resting on one shows it on the map, a click pins it.
 * Without a selection they are those that the map's filter keeps.
 *
 * Sends up `pin`.
 *
 * @typedef {object} GalleryData
 * @property {import("../files/assets.js").Source} codes  the encoded set
 * @property {import("../files/assets.js").Source|null} sprite  the originals; without them pictures are
 *   reconstructions
 * @property {import("../files/assets.js").Source|null} [columns]  beside the labels
 * @property {string[]} [first]  keys of columns that a caption names before others
 * @property {string[]} classes
 * @property {string|null} [side]
 */
import { pagesOf } from "../gallery/pages.js";
import { createGrid } from "../manifold/grid.js";
import { valueOf } from "../map/columns.js";
import { classOf, listedFirst } from "../map/example.js";
import { SetLoader } from "../map/loader.js";
import { muOf } from "../map/points.js";
import { decodeLabelled } from "../model/decoding.js";
import { pin } from "../state/pinning.js";
import { schedule, storeOf, unschedule } from "../state/store.js";
import { announcer, make } from "../ui/dom.js";

const COLUMNS = 8;
const ROWS = 4;
/** Columns that a caption names. */
const NAMED = 3;

/**
 * @param {HTMLElement} element
 * @param {GalleryData} data
 * @param {import("../panel.js").Emit} emit
 * @returns {import("../panel.js").Panel}
 */
export function mount(element, data, emit) {
  const origin = {};
  const store = storeOf(data.side);
  const live = announcer();
  const found = { points: null, sprite: null };
  let pages = pagesOf([], COLUMNS * ROWS);
  let selected = null;
  let drawn = "";
  let stop = () => {};

  const grid = createGrid({
    size: () => ({ columns: COLUMNS, rows: ROWS }),
    ready: () => found.points !== null && pages.count > 0,
    home: () => 0,
    look: (index) => show(index === null ? undefined : pages.ids()[index]),
    describe: (index) => nameOf(pages.ids()[index]),
    choose: (index) => choose(pages.ids()[index]),
    say: live.say,
  });
  grid.canvas.setAttribute("aria-label", "Selected test images. Arrow keys move, Enter selects.");
  const turn = (step) => {
    pages.turn(step);
    grid.leave();
    schedule(draw);
  };
  const back = make("button", { type: "button", "aria-label": "Earlier images", click: () => turn(-1) }, "‹");
  const on = make("button", { type: "button", "aria-label": "Further images", click: () => turn(1) }, "›");
  const extent = make("span", { class: "lx-number", role: "status" });
  const kind = make("span", { class: "lx-quiet" });
  const caption = make("p", { class: "lx-caption lx-quiet", hidden: true });
  const root = make("div", { class: "lx-gallery" }, grid.element, caption,
    make("div", { class: "lx-buttons lx-gallery-pages" }, back, on, extent, kind), live.element);
  element.append(root);

  const loader = new SetLoader({
    request: () => {},
    points: (points) => take({ points }),
    sprite: (sprite) => take({ sprite }),
    error: (error) => (extent.textContent = `The images could not be loaded. ${error.message}`),
  });

  function take(part) {
    Object.assign(found, part);
    selected = null;
    drawn = "";
    follow();
  }

  /** The label that an example is decoded with: its own for a conditional model, else null. */
  function labelOf(n) {
    return store.get().y === null ? null : (found.points.labels?.[n] ?? null);
  }

  function nameOf(id) {
    if (id === undefined) return "";
    const n = found.points.byId.get(id);
    const name = classOf(found.points, n, data.classes);
    const columns = listedFirst(found.points.columns ?? [], data.first ?? []).slice(0, NAMED);
    const values = columns.filter((column) => valueOf(column, n) !== "").map((column) => `${column.name}: ${valueOf(column, n)}`);
    return [name === null ? `Example ${id}` : `Example ${id}, ${name}`, ...values].join(" · ");
  }

  /** Show an example on the map and in the large picture, or none. @param {number} [id] */
  function show(id) {
    caption.textContent = id === undefined ? "Rest on a picture to see its columns." : nameOf(id);
    if (id === undefined) store.set({ live: null, liveY: null, hovered: null }, origin);
    else {
      const n = found.points.byId.get(id);
      store.set({ live: Float32Array.from(muOf(found.points, n)), liveY: labelOf(n), hovered: id }, origin);
    }
  }

  function choose(id) {
    if (id === undefined) return;
    const n = found.points.byId.get(id);
    grid.forget();
    pin(emit, muOf(found.points, n), { pinnedId: id, y: labelOf(n), origin, store });
    live.say(`Selected ${nameOf(id)}`);
  }

  /** Take over the selection of the store. */
  function follow() {
    const { selected: drawn, filtered } = store.get();
    if (found.points === null || (drawn ?? filtered) === selected) return;
    selected = drawn ?? filtered;
    caption.hidden = !found.points.columns?.length;
    caption.textContent = "Rest on a picture to see its columns.";
    pages = pagesOf(found.points.ids.filter((id) => selected?.has(id)), COLUMNS * ROWS);
    schedule(draw);
  }

  /** The shape of the pictures: a network's, or that of the originals where there is none. */
  function shapeOf(network) {
    if (network?.decoder) return network.imageShape;
    return found.sprite && [4, found.sprite.size.height, found.sprite.size.width];
  }

  function draw() {
    const { network } = store.get();
    const shape = shapeOf(network);
    if (shape === null || found.points === null) return;
    const wanted = `${network?.hash} ${pages.ids().join()} ${found.sprite !== null}`;
    const fresh = grid.tiles.layOut({ columns: COLUMNS, rows: ROWS, shape, gap: 1 });
    extent.textContent = pages.extent();
    back.disabled = !pages.has(-1);
    on.disabled = !pages.has(1);
    kind.textContent = found.sprite ? "originals" : "reconstructions";
    if (!fresh && wanted === drawn) return;
    drawn = wanted;
    grid.tiles.clear();
    const ids = pages.ids();
    const decoded = [...ids.keys()].filter((index) => !found.sprite?.has(ids[index]));
    for (const index of ids.keys()) if (found.sprite?.has(ids[index])) drawOriginal(grid.tiles, index, found.sprite, ids[index]);
    const examples = decoded.map((index) => found.points.byId.get(ids[index]));
    stop();
    if (!network?.decoder) return;
    stop = decodeLabelled(network, examples.map((n) => muOf(found.points, n)), examples.map(labelOf),
      (i, mean) => grid.tiles.picture(decoded[i], mean));
  }

  const unsubscribe = store.subscribe((_, changed) => {
    if (changed.has("selected") || changed.has("filtered")) follow();
    if (changed.has("network") || changed.has("y")) schedule(draw);
  });
  const observer = new ResizeObserver(() => schedule(draw));
  observer.observe(root);
  loader.request(data);

  return {
    update(next) {
      data = next;
      loader.request(data);
      follow();
      schedule(draw);
    },
    destroy() {
      grid.leave();
      stop();
      loader.stop();
      unsubscribe();
      observer.disconnect();
      unschedule(draw);
      live.stop();
      root.remove();
    },
  };
}

/** Draw the original of an example as a tile. */
function drawOriginal(tiles, index, sprite, id) {
  const canvas = make("canvas", sprite.size);
  const context = canvas.getContext("2d");
  sprite.draw(context, id);
  const { data: pixels } = context.getImageData(0, 0, canvas.width, canvas.height);
  tiles.put(index, (image) => image.data.set(pixels));
}
