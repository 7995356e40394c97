/**
 * The frames of a training and what lies between them. No DOM.
 *
 * @typedef {object} Frame
 * @property {Float32Array} codes  (n, d)
 * @property {Uint8Array} samples  (m · c · h · w)
 * @property {Uint8Array|null} grid  (side² · c · h · w), of a model with a plane
 * @property {[number, number, number]} shape  (c, h, w) of each picture
 *
 * @typedef {object} Moment  what is told of a frame
 * @property {number} step
 * @property {number} epoch
 * @property {number|null} elbo  nats, mean over the pictures of the codes
 *
 * @typedef {{mean: number[], components: number[]}} Plane  (d) and (2, d)
 * @typedef {{x: Float32Array, y: Float32Array}} Places  of the codes on the map
 */
import { unbundle } from "../files/assets.js";
import { boundsOf } from "../map/geometry.js";
import { number } from "../ui/words.js";

/** @param {Uint8Array} bytes  of vae_core.runs.replay_bundles.frame_bundle @returns {Frame} */
export function readFrame(bytes) {
  const { arrays, shapes } = unbundle(bytes);
  return { codes: arrays.codes, samples: arrays.samples, grid: arrays.grid ?? null, shape: shapes.samples.slice(-3) };
}

/**
 * @param {Uint8Array} bytes  of vae_core.runs.replay_bundles.small_bundle
 * @returns {{told: any, frames: Frame[]}} what is told of them all, and each
 */
export function readFilm(bytes) {
  const { meta, arrays, shapes } = unbundle(bytes);
  const { levels, ...told } = meta;
  const [count] = shapes.codes;
  const part = (values, i) => values.subarray((i * values.length) / count, ((i + 1) * values.length) / count);
  const pictures = Object.fromEntries(
    ["samples", "grid"].filter((name) => name in arrays).map((name) => [name, summed(arrays[name], count, levels)]),
  );
  const frames = Array.from({ length: count }, (_, i) => ({
    codes: part(arrays.codes, i),
    samples: part(pictures.samples, i),
    grid: pictures.grid ? part(pictures.grid, i) : null,
    shape: shapes.samples.slice(-3),
  }));
  return { told, frames };
}

/** Levels from their differences frame by frame, as 0 to 255. */
function summed(differences, count, levels) {
  const size = differences.length / count;
  const values = Uint8Array.from(differences);
  for (let i = size; i < values.length; i++) values[i] += values[i - size];
  return values.map((level) => Math.round((level * 255) / (levels - 1)));
}

/**
 * Where a frame's codes lie on the map.
 *
 * @param {Frame} frame
 * @param {{plane: Plane|null, heights: number[]|null}} map  `heights` of codes of one dimension
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
/** Times the last frame's sides that the map may grow to for what was before. */
const MOST = 1.25;
/** Share of the codes that may lie outside for it in each earlier frame. */
const OUTSIDE = 0.01;

/**
 * The part of the plane that is shown all the time, so that nothing jumps: the last frame and the
 * prior whole, and the earlier frames as far as that leaves the last one large.
 *
 * @param {Places[]} places
 * @param {[number, number]|null} prior  the mean of a standard normal one
 * @returns {import("../map/geometry.js").Bounds}
 */
export function boundsOfAll(places, prior) {
  const { x, y } = places.at(-1);
  const last = boundsOf(x, y);
  if (prior) widen(last, { left: prior[0] - PRIOR_SHOWN, right: prior[0] + PRIOR_SHOWN, bottom: prior[1] - PRIOR_SHOWN, top: prior[1] + PRIOR_SHOWN });
  const more = ((MOST - 1) / 2) * Math.max(last.right - last.left, last.top - last.bottom);
  const most = { left: last.left - more, right: last.right + more, bottom: last.bottom - more, top: last.top + more };
  const bounds = { ...last };
  for (const earlier of places.slice(0, -1)) widen(bounds, boundsOf(inner(earlier.x), inner(earlier.y)));
  return {
    left: Math.max(bounds.left, most.left), right: Math.min(bounds.right, most.right),
    bottom: Math.max(bounds.bottom, most.bottom), top: Math.min(bounds.top, most.top),
  };
}

/** Makes room for `other`. */
function widen(bounds, other) {
  bounds.left = Math.min(bounds.left, other.left);
  bounds.right = Math.max(bounds.right, other.right);
  bounds.bottom = Math.min(bounds.bottom, other.bottom);
  bounds.top = Math.max(bounds.top, other.top);
}

/** The values without the least and the greatest of them. */
function inner(values) {
  const cut = Math.floor(OUTSIDE * values.length);
  return Float32Array.from(values).sort().subarray(cut, values.length - cut);
}

/**
 * The values at a time between frames: a smooth curve through them all (Catmull & Rom 1974), which
 * at each frame is that frame.
 *
 * @param {Float32Array[]} frames
 * @param {number} time  in frames, 0 to the last
 * @param {Float32Array} out  filled
 * @returns {Float32Array} out
 */
export function between(frames, time, out) {
  const last = frames.length - 1;
  const first = Math.min(last, Math.max(0, Math.floor(time)));
  const t = time - first;
  if (t <= 0) {
    out.set(frames[first]);
    return out;
  }
  const at = (i) => frames[Math.min(last, Math.max(0, i))];
  const [a, b, c, d] = [at(first - 1), at(first), at(first + 1), at(first + 2)];
  const weights = [
    ((2 - t) * t - 1) * t, ((3 * t - 5) * t) * t + 2, ((4 - 3 * t) * t + 1) * t, (t - 1) * t * t,
  ];
  for (let i = 0; i < out.length; i++) {
    out[i] = (weights[0] * a[i] + weights[1] * b[i] + weights[2] * c[i] + weights[3] * d[i]) / 2;
  }
  return out;
}

/**
 * Pictures that fade from one frame into the next.
 *
 * @param {Uint8Array} before
 * @param {Uint8Array} after
 * @param {number} share  of the later one, 0 to 1
 * @param {Float32Array} out  filled, 0 to 1
 * @returns {Float32Array} out
 */
export function faded(before, after, share, out) {
  const [a, b] = [(1 - share) / 255, share / 255];
  for (let i = 0; i < out.length; i++) out[i] = a * before[i] + b * after[i];
  return out;
}

/**
 * How far codes go on average from one frame to the next.
 *
 * @param {{x: Float32Array[], y: Float32Array[]}} places  of each frame
 * @param {number} i
 */
export function meanMove({ x, y }, i) {
  const far = x[i].reduce((sum, from, n) => sum + Math.hypot(x[i + 1][n] - from, y[i + 1][n] - y[i][n]), 0);
  return far / Math.max(1, x[i].length);
}

/** The frame that a key leads to. @returns {number|null} null for keys that lead nowhere */
export function frameAfterKey(key, time, last) {
  const step = {
    ArrowRight: Math.floor(time + 1.001), ArrowUp: Math.floor(time + 1.001),
    ArrowLeft: Math.ceil(time - 1.001), ArrowDown: Math.ceil(time - 1.001),
    PageUp: Math.round(time) + 5, PageDown: Math.round(time) - 5, Home: 0, End: last,
  }[key];
  return step === undefined ? null : Math.min(last, Math.max(0, step));
}

/**
 * A moment in words.
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
 * The middle of each class, by medians, and how far it is from the nearest other one.
 *
 * @param {Places} places
 * @param {ArrayLike<number>} labels
 * @returns {{label: number, x: number, y: number, apart: number}[]} classes that have codes
 */
export function middles({ x, y }, labels) {
  const rows = new Map();
  for (let i = 0; i < labels.length; i++) {
    if (!rows.has(labels[i])) rows.set(labels[i], []);
    rows.get(labels[i]).push(i);
  }
  const median = (values, of) => Float32Array.from(of, (i) => values[i]).sort()[Math.floor(of.length / 2)];
  const found = [...rows].map(([label, of]) => ({ label, x: median(x, of), y: median(y, of) }));
  return found.map((one) => ({
    ...one,
    apart: Math.min(...found.filter((other) => other !== one).map((other) => Math.hypot(other.x - one.x, other.y - one.y))),
  }));
}
