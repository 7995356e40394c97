// Runs the browser's decoder or encoder over a file of float32 inputs, for test_bundles.py:
//   node run_network.mjs decode|encode|prior NETWORK INPUTS OUTPUTS [LABEL]
import { readFileSync, writeFileSync } from "node:fs";
import { logProb } from "../../../browser/model/prior.js";
import { decodeMany, encode, load, pixelCount } from "../../../browser/model/network.js";

const [job, networkFile, inputFile, outputFile, label] = process.argv.slice(2);
const y = label === undefined ? null : Number(label);
const net = load(new Uint8Array(readFileSync(networkFile)));
const bytes = readFileSync(inputFile);
const inputs = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));

const JOBS = {
  decode: () => decodeMany(net, inputs, y),
  prior: () => Float32Array.from({ length: inputs.length / net.latentDim }, (_, n) =>
    logProb(net.prior, y, inputs.subarray(n * net.latentDim, (n + 1) * net.latentDim))),
  encode: () => {
    const pixels = pixelCount(net);
    const out = new Float32Array((inputs.length / pixels) * 2 * net.latentDim);
    for (let n = 0; n * pixels < inputs.length; n++) {
      const { mu, logvar } = encode(net, inputs.subarray(n * pixels, (n + 1) * pixels), y);
      out.set(mu, 2 * n * net.latentDim);
      out.set(logvar, (2 * n + 1) * net.latentDim);
    }
    return out;
  },
};
const outputs = JOBS[job]();
writeFileSync(outputFile, new Uint8Array(outputs.buffer));
