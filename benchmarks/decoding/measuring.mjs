// Measures decoding, one contestant after the other in each round, so that a drift of the host meets
// all alike. The same for Node and for a browser; times are milliseconds of `clock`, which may be async.
import { prepare } from "./contestants.mjs";
import { RELAXED, SIMD } from "./peak_wasm.js";

/** Codes that are decoded together, and the multiplications that are too many for a few minutes. */
const COUNTS = [1, 400];
const TOO_MANY = 1e10;
/** Milliseconds of one measurement, and of the runs before the first, at least. */
const SLICE = 25;
const WARM = 150;
/** Rounds, and those of what takes longer than a second. */
const ROUNDS = 7;
const FEW = 3;
const LONG = 1000;

async function timed(clock, run, times) {
  const before = await clock();
  for (let i = 0; i < times; i++) await run();
  return ((await clock()) - before) / times;
}

/** Let the compilers settle; the time of the last runs. */
async function warm(clock, run) {
  let took = await timed(clock, run, 1);
  for (let spent = took, times = 1; spent < WARM; spent += times * took) {
    times = Math.min(2 * times, Math.ceil(SLICE / Math.max(took, 0.001)));
    took = await timed(clock, run, times);
  }
  return Math.max(took, 0.001);
}

/** Of several ways to decode, the quickest one. */
async function quickest(clock, ways, codes, count) {
  const all = [];
  for (const way of ways) {
    const run = () => way(codes, count);
    const took = await warm(clock, run);
    all.push({ run, took, times: Math.ceil(SLICE / took) });
  }
  return all.reduce((best, one) => (one.took < best.took ? one : best));
}

const differences = (a, b) => a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);

async function measureModel(clock, peers, model) {
  const { contestants, latentDim, multiplied } = await prepare(peers, model);
  const figures = { difference: {}, work: multiplied };
  for (const count of COUNTS.filter((codes) => codes * multiplied < TOO_MANY)) {
    const codes = Float32Array.from({ length: count * latentDim }, (_, i) => 1.5 * Math.sin(1.7 * i));
    const found = {};
    const expected = await contestants["our JavaScript"].ways[0](codes, count);
    for (const [name, { ways }] of Object.entries(contestants)) {
      const difference = differences(Float32Array.from(expected), await ways[0](codes, count));
      figures.difference[name] = Math.max(figures.difference[name] ?? 0, difference);
      found[name] = { ...(await quickest(clock, count === 1 ? [ways[0]] : ways, codes, count)), rounds: [] };
    }
    const rounds = Object.values(found).some(({ took }) => took > LONG) ? FEW : ROUNDS;
    for (let round = 0; round < rounds; round++) {
      for (const one of Object.values(found)) one.rounds.push(await timed(clock, one.run, one.times));
    }
    figures[count] = Object.fromEntries(Object.entries(found).map(([name, one]) => [name, one.rounds]));
  }
  return figures;
}

/** Operations a second, in billions, of a loop that does nothing else; 0 where it does not run. */
async function peak(clock, base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  if (!WebAssembly.validate(bytes)) return 0;
  const { instance } = await WebAssembly.instantiate(bytes);
  const loop = 2e5;
  const run = () => instance.exports.peak(loop);
  let best = await warm(clock, run);
  for (let i = 0; i < 20; i++) best = Math.min(best, await timed(clock, run, 10));
  return (8 * 12 * loop) / best / 1e6;
}

/**
 * Measure one model.
 *
 * @param {() => number | Promise<number>} clock  milliseconds
 * @param {{ort: any, tf: any}} peers
 * @param {{bundle: Uint8Array, onnx: Uint8Array}} model
 */
export async function measure(clock, peers, model) {
  const peaks = { simd: await peak(clock, SIMD), relaxed: await peak(clock, RELAXED) };
  return { peaks, ...(await measureModel(clock, peers, model)) };
}
