// Times a packed network, for decode.py:
//   node decode.mjs NETWORK > FIGURES.json
import { readFileSync } from "node:fs";
import { decode, encode, load, pixelCount, work } from "../browser/model/network.js";

const [file] = process.argv.slice(2);
const net = load(new Uint8Array(readFileSync(file)));
const z = Float32Array.from({ length: net.latentDim }, (_, i) => Math.sin(i));
const mean = new Float32Array(pixelCount(net));

/** Milliseconds of the processor for one run, once the compiler has settled. */
function time(run) {
  for (let i = 0; i < 20; i++) run();
  const times = 50;
  const before = process.cpuUsage();
  for (let i = 0; i < times; i++) run();
  const { user, system } = process.cpuUsage(before);
  return Math.round((user + system) / times / 10) / 100;
}

console.log(JSON.stringify({
  "decode (ms)": time(() => decode(net, z, null, mean)),
  "encode (ms)": time(() => encode(net, mean)),
  "multiplications to decode (millions)": Math.round(work(net) / 1e4) / 100,
}));
