/**
 * What the drawings of a replay have in common at all times. No DOM.
 *
 * @typedef {ReturnType<typeof sceneOf>} Scene  `axes` and `prior` as in the data; `named`: whether
 *   classes are named on the map; `side`: pictures a side of the manifold, null without one;
 *   `samples`: their number; `hairlines`: the colour of lines between pictures, null for none
 */
import { hairlineColour } from "../manifold/cells.js";
import { boundsOfAll, groupByLabel, placesOf } from "./timeline.js";

/** @param {import("../panels/replay.js").ReplayData} data @param {import("./frames.js").Frame[]} frames */
export function sceneOf({ axes, prior, labels, plane, heights }, frames) {
  const places = frames.map((frame) => placesOf(frame, { plane, heights }));
  const { grid, samples, shape } = frames.at(-1);
  const pixels = shape[0] * shape[1] * shape[2];
  const start = grid ? Math.floor(grid.length / pixels / 2) * pixels : 0;
  const middle = Float32Array.from((grid ?? samples).subarray(start, start + pixels), (level) => level / 255);
  return {
    axes,
    prior,
    tracks: { x: places.map(({ x }) => x), y: places.map(({ y }) => y) },
    groups: groupByLabel(labels, places[0].x.length),
    named: labels !== null && heights === null,
    bounds: boundsOfAll(places, prior),
    side: grid && Math.round(Math.sqrt(grid.length / pixels)),
    samples: samples.length / pixels,
    hairlines: hairlineColour(middle, shape),
  };
}

/** Samples in a row on a narrow screen. */
const FEW = 8;

/** Columns and rows of the samples: one row below a manifold, rows of eight on a narrow screen, else a square. */
export function arrangeSamples({ side, samples }, narrow) {
  const columns = side === null ? Math.ceil(Math.sqrt(samples)) : narrow ? Math.min(samples, FEW) : samples;
  return { columns, rows: Math.ceil(samples / columns) };
}
