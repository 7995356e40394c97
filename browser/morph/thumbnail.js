/** A small picture of a code, decoded by the page's model. */
import { decode } from "../model/network.js";
import { store } from "../state/store.js";
import { make } from "../ui/dom.js";
import { createTiles } from "../ui/tiles.js";

/** Width on screen, CSS pixels. */
const WIDTH = 72;

/** @param {Record<string, unknown>} [properties]  of the canvas, as `make` takes them */
export function createThumbnail(properties = {}) {
  const canvas = make("canvas", { class: "lx-tiles", ...properties });
  const tiles = createTiles(canvas);

  /** Draw a code, or nothing. @param {Float32Array | null | undefined} z */
  function draw(z) {
    const { network, y } = store.get();
    tiles.layOut({ columns: 1, shape: network.imageShape, shown: WIDTH });
    if (z) tiles.picture(0, decode(network, z, y));
    else tiles.clear();
  }

  return { canvas, draw };
}
