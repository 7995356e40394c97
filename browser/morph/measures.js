/** Lines of the prior's density and of the distance to the nearest real code along a path. */
import { logProb, meanLogProb } from "../model/prior.js";
import { inSlices } from "../ui/slices.js";
import { sparkline } from "../ui/sparkline.js";
import { frames, nearest } from "./paths.js";

/** Codes on the path that are measured. */
const SAMPLES = 49;

/** @param {() => void} redraw  called when more distances are known */
export function createMeasures(redraw) {
  const density = sparkline("Prior log-density", "nats");
  const distance = sparkline("Distance to the nearest test code", "");
  let measured = "";
  let densities = [];
  let average = 0;
  let distances = [];
  let stop = () => {};

  /** Measure densities at once, distances in slices. */
  function measure({ ends, kind, prior, y, codes }) {
    const wanted = `${y} ${kind} ${ends.join(";")} ${codes?.length ?? 0}`;
    if (wanted === measured) return;
    measured = wanted;
    stop();
    const samples = frames(ends, SAMPLES, kind);
    densities = samples.map((z) => logProb(prior, y, z));
    average = meanLogProb(prior, y, ends[0].length);
    distances = new Float32Array(SAMPLES).fill(NaN);
    if (!codes) return;
    let next = 0;
    stop = inSlices(() => {
      distances[next] = nearest(codes, samples[next]).distance;
      next += 1;
      redraw();
      return next === SAMPLES;
    });
  }

  /** Show the measures of a path, with a mark at a position and its code. */
  function show(path, at, z) {
    measure(path);
    const value = logProb(path.prior, path.y, z);
    density.show(densities, { at, value, reference: average, said: "; dashed: average for prior samples" });
    distance.element.hidden = !path.codes;
    if (path.codes) distance.show(distances, { at, value: distances[Math.round(at * (SAMPLES - 1))] });
  }

  return { elements: [density.element, distance.element], show, stop: () => stop() };
}
