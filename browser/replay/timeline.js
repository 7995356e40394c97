/**
 * The frames of a replay as positions on its map, and what lies between them. No DOM.
 *
 * @typedef {object} Moment  the description of a frame
 * @property {number} step
 * @property {number} epoch
 * @property {number | null} elbo  nats, mean over the encoded pictures
 *
 * @typedef {{mean: number[], components: number[]}} Plane  (d) and (2 · d)
 * @typedef {{x: Float32Array, y: Float32Array}} Places  of the codes on the map, (n) each
 * @typedef {{x: Float32Array[], y: Float32Array[]}} Tracks  places in each frame
 * @typedef {{label: number, rows: number[]}} Group  the codes of a class; label -1 without labels
 */
import { boundsOf } from "../map/geometry.js";
import { number } from "../ui/words.js";

/**
 * The places of a frame's codes on the map.
 *
 * @param {import("./frames.js").Frame} frame
 * @param {{plane: Plane | null, heights: number[] | null}} map  `heights` for codes of one dimension
 * @returns {Places}
 */
export function placesOf({ codes }, { plane, heights }) {
  if (heights !== null) return { x: Float32Array.from(codes), y: Float32Array.from(heights) };
  const d = plane === null ? 2 : plane.mean.length;
  const n = codes.length / d;
  const x = new Float32Array(n);
  const y = new Float32Array(n);
  for (let i = 0, at = 0; i < n; i++, at += d) {
    if (plane === null) [x[i], y[i]] = [codes[at], codes[at + 1]];
    else {
      for (let k = 0; k < d; k++) {
        x[i] += (codes[at + k] - plane.mean[k]) * plane.components[k];
        y[i] += (codes[at + k] - plane.mean[k]) * plane.components[d + k];
      }
    }
  }
  return { x, y };
}

/** Standard deviations of the prior that the map always shows. */
const PRIOR_SHOWN = 2;
/** How far earlier frames may widen the map, as a share of the last frame's longer side. */
const WIDER = 0.125;
/** Share of an earlier frame's codes at each end that the map may leave out. */
const OUTSIDE = 0.01;

/**
 * The part of the plane that the map shows throughout: the last frame and the prior whole, earlier
 * frames as far as the last one stays large.
 *
 * @param {Places[]} places  of each frame
 * @param {[number, number] | null} prior  the mean of a standard normal prior
 * @returns {import("../map/geometry.js").Bounds}
 */
export function boundsOfAll(places, prior) {
  const { x, y } = places.at(-1);
  const last = boundsOf(x, y);
  if (prior) widen(last, around(prior, PRIOR_SHOWN));
  const more = WIDER * Math.max(last.right - last.left, last.top - last.bottom);
  const most = { left: last.left - more, right: last.right + more, bottom: last.bottom - more, top: last.top + more };
  const bounds = { ...last };
  for (const earlier of places.slice(0, -1)) widen(bounds, boundsOf(inner(earlier.x), inner(earlier.y)));
  return {
    left: Math.max(bounds.left, most.left), right: Math.min(bounds.right, most.right),
    bottom: Math.max(bounds.bottom, most.bottom), top: Math.min(bounds.top, most.top),
  };
}

const around = ([x, y], reach) => ({ left: x - reach, right: x + reach, bottom: y - reach, top: y + reach });

/** Widen bounds to hold others. */
function widen(bounds, other) {
  bounds.left = Math.min(bounds.left, other.left);
  bounds.right = Math.max(bounds.right, other.right);
  bounds.bottom = Math.min(bounds.bottom, other.bottom);
  bounds.top = Math.max(bounds.top, other.top);
}

/** The values without a share of the least and of the greatest. */
function inner(values) {
  const cut = Math.floor(OUTSIDE * values.length);
  return Float32Array.from(values).sort().subarray(cut, values.length - cut);
}

/**
 * The values at a time between frames, on a smooth curve through all frames (Catmull & Rom 1974).
 *
 * @param {Float32Array[]} frames
 * @param {number} time  in frames, 0 to the last
 * @returns {Float32Array}
 */
export function interpolate(frames, time) {
  const last = frames.length - 1;
  const first = Math.min(last, Math.max(0, Math.floor(time)));
  const t = time - first;
  if (t <= 0) return frames[first];
  const at = (i) => frames[Math.min(last, Math.max(0, i))];
  const [a, b, c, d] = [at(first - 1), at(first), at(first + 1), at(first + 2)];
  const weights = [
    ((2 - t) * t - 1) * t, ((3 * t - 5) * t) * t + 2, ((4 - 3 * t) * t + 1) * t, (t - 1) * t * t,
  ];
  const values = new Float32Array(a.length);
  for (let i = 0; i < values.length; i++) {
    values[i] = (weights[0] * a[i] + weights[1] * b[i] + weights[2] * c[i] + weights[3] * d[i]) / 2;
  }
  return values;
}

/**
 * Pictures that fade from one frame into the next.
 *
 * @param {Uint8Array} before
 * @param {Uint8Array} after
 * @param {number} share  of the later frame, 0 to 1
 * @returns {Float32Array} in [0, 1]
 */
export function crossfade(before, after, share) {
  const [a, b] = [(1 - share) / 255, share / 255];
  const mixed = new Float32Array(before.length);
  for (let i = 0; i < mixed.length; i++) mixed[i] = a * before[i] + b * after[i];
  return mixed;
}

/**
 * The mean distance that codes go from a frame to the next.
 *
 * @param {Tracks} tracks
 * @param {number} frame
 */
export function meanDistance({ x, y }, frame) {
  const sum = x[frame].reduce(
    (far, from, i) => far + Math.hypot(x[frame + 1][i] - from, y[frame + 1][i] - y[frame][i]), 0);
  return sum / Math.max(1, x[frame].length);
}

/** The frame that a key leads to. @returns {number | null} null for other keys */
export function frameAfterKey(key, time, last) {
  const step = {
    ArrowRight: Math.floor(time + 1.001), ArrowUp: Math.floor(time + 1.001),
    ArrowLeft: Math.ceil(time - 1.001), ArrowDown: Math.ceil(time - 1.001),
    PageUp: Math.round(time) + 5, PageDown: Math.round(time) - 5, Home: 0, End: last,
  }[key];
  return step === undefined ? null : Math.min(last, Math.max(0, step));
}

/**
 * A moment as text, by step and epoch.
 *
 * @param {Moment} moment
 * @param {number} epochs  of the whole training
 */
export function momentText({ step, epoch }, epochs) {
  if (step === 0) return "before the first step";
  const steps = step.toLocaleString("en");
  return `step ${steps}, epoch ${number(epoch, epoch < 10 ? 2 : 1)} of ${epochs}`;
}

/**
 * The codes of each class, in order of the labels.
 *
 * @param {ArrayLike<number> | null} labels
 * @param {number} count  of codes
 * @returns {Group[]}
 */
export function groupByLabel(labels, count) {
  const groups = new Map();
  for (let i = 0; i < count; i++) {
    const label = labels?.[i] ?? -1;
    if (!groups.has(label)) groups.set(label, []);
    groups.get(label).push(i);
  }
  return [...groups].sort(([a], [b]) => a - b).map(([label, rows]) => ({ label, rows }));
}

/**
 * The median place of each class, and its distance from the nearest other median.
 *
 * @param {Places} places
 * @param {Group[]} groups
 * @returns {{label: number, x: number, y: number, distance: number}[]}
 */
export function classMedians({ x, y }, groups) {
  const median = (values, rows) => Float32Array.from(rows, (i) => values[i]).sort()[Math.floor(rows.length / 2)];
  const found = groups.map(({ label, rows }) => ({ label, x: median(x, rows), y: median(y, rows) }));
  return found.map((one) => ({
    ...one,
    distance: Math.min(...found.filter((other) => other !== one).map((other) => Math.hypot(other.x - one.x, other.y - one.y))),
  }));
}
