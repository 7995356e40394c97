/**
 * The image that the panels of the method follow: pinned, or under the pointer.
 *
 * The panels share it, so that the image is encoded and decoded once in each frame.
 */
import { fetchBytes } from "../files/assets.js";
import { muOf, nearestCode, readPoints, sigmaOf } from "../map/points.js";
import { readSprite } from "../map/sprite.js";
import { canDecode } from "../model/network.js";
import { schedule, store } from "../state/store.js";
import { figuresOf } from "./figures.js";

/** Odd, so that the noise of further draws differs from that of other seeds. */
const STRIDE = 7919;

let draws = 0;
let source = { codes: null, sprite: null };
let points = null;
let sprite = null;
let last = { key: "", subject: null };
const listeners = new Set();
const changed = () => listeners.forEach((listener) => schedule(listener));
store.subscribe(changed);

/** Draw other noise. */
export function drawAgain() {
  draws += 1;
  changed();
}

/** Call `listener` in the frame after each change. @returns {() => void} unsubscribes */
export function follow(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Fetch the set and the originals, once for each address. @param {{codes: any, sprite: any}} data */
export async function load(data) {
  if (source.codes === data.codes && source.sprite === data.sprite) return;
  source = { codes: data.codes, sprite: data.sprite };
  [points, sprite, last] = [null, null, { key: "", subject: null }];
  const mine = source;
  const codes = readPoints(await fetchBytes(data.codes));
  const originals = data.sprite ? await fetchBytes(data.sprite).then(readSprite) : null;
  if (source !== mine) return;
  [points, sprite] = [codes, originals];
  changed();
}

/**
 * Return the image with its figures, or null until all is there.
 *
 * @param {boolean} hasPixelTerms
 * @returns {{id: number, label: number|null, x: Float32Array|null,
 *   figures: import("./figures.js").Figures}|null}
 */
export function subjectOf(hasPixelTerms) {
  const { network, z, live, hovered, pinnedId, y, seed } = store.get();
  if (!points || !canDecode(network, z) || points.latentDim !== z.length) return null;
  if (sprite && !network.encoder) return null;
  const at = points.byId.get(hovered ?? pinnedId) ?? nearestCode(points, z);
  if (at < 0) return null;
  const id = points.ids[at];
  // A free code is z itself; an example's is drawn from its posterior.
  const chosen = hovered !== null ? null : (live ?? (pinnedId === null ? z : null));
  const key = [network.hash, id, y, seed, draws, hasPixelTerms, chosen?.join()].join("|");
  if (last.key === key) return last.subject;
  const x = pixelsOf(id, network.imageShape);
  const known = { mu: muOf(points, at).slice(), logvar: Float32Array.from(sigmaOf(points, at) ?? [], (s) => 2 * Math.log(s)) };
  const figures = figuresOf({ network, x, known, chosen, y, seed: seed + STRIDE * draws, hasPixelTerms });
  last = { key, subject: { id, label: points.labels ? points.labels[at] : null, x, figures } };
  return last.subject;
}

/** Return an original's pixels in [0, 1], channel by channel, or null without it. */
function pixelsOf(id, [channels, height, width]) {
  if (!sprite?.has(id)) return null;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  sprite.draw(context, id);
  const { data } = context.getImageData(0, 0, width, height);
  const x = new Float32Array(channels * height * width);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < height * width; i++) x[c * height * width + i] = data[4 * i + c] / 255;
  }
  return x;
}
