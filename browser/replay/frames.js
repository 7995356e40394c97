/**
 * The frames of a replay, read from their bundles. No DOM.
 *
 * @typedef {object} Frame
 * @property {Float32Array} codes  (n · d)
 * @property {Uint8Array} samples  (m · c · h · w)
 * @property {Uint8Array | null} grid  (side² · c · h · w); null for a model without a plane
 * @property {[number, number, number]} shape  (c, h, w) of each picture
 */
import { fetchBytes, unbundle } from "../files/assets.js";

/** Read one frame. @param {Uint8Array} bytes  of vae_core.runs.replay_bundles.frame_bundle @returns {Frame} */
export function readFrame(bytes) {
  const { arrays, shapes } = unbundle(bytes);
  return { codes: arrays.codes, samples: arrays.samples, grid: arrays.grid ?? null, shape: shapes.samples.slice(-3) };
}

/**
 * Read all frames of a replay.
 *
 * @param {Uint8Array} bytes  of vae_core.runs.replay_bundles.small_bundle
 * @returns {{description: object, frames: Frame[]}} `description` as the panel's data have it
 */
export function readReplay(bytes) {
  const { meta, arrays, shapes } = unbundle(bytes);
  const { levels, ...description } = meta;
  const [count] = shapes.codes;
  const samples = sumDifferences(arrays.samples, count, levels);
  const grid = arrays.grid ? sumDifferences(arrays.grid, count, levels) : null;
  const part = (values, i) => values.subarray((i * values.length) / count, ((i + 1) * values.length) / count);
  const frames = Array.from({ length: count }, (_, i) => ({
    codes: part(arrays.codes, i),
    samples: part(samples, i),
    grid: grid && part(grid, i),
    shape: shapes.samples.slice(-3),
  }));
  return { description, frames };
}

/** Add up differences from frame to frame, and scale the levels to 0 … 255. */
function sumDifferences(differences, count, levels) {
  const size = differences.length / count;
  const values = Uint8Array.from(differences);
  for (let i = size; i < values.length; i++) values[i] += values[i - size];
  return values.map((level) => Math.round((level * 255) / (levels - 1)));
}

/**
 * A reader that fetches each frame once, and again after a failure.
 *
 * @param {(source: import("../files/assets.js").Source) => Promise<Uint8Array>} [fetch]
 * @returns {(sources: import("../files/assets.js").Source[]) => Promise<Frame[]>}
 */
export function createFrameReader(fetch = fetchBytes) {
  const known = new Map();
  const read = (source) => {
    if (!known.has(source)) {
      const reading = fetch(source).then(readFrame);
      reading.catch(() => known.delete(source));
      known.set(source, reading);
    }
    return known.get(source);
  };
  return (sources) => Promise.all(sources.map(read));
}
