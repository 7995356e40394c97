// Measures decoding with a model in Node, for decode.py: node decode.mjs FILE-WITHOUT-ENDING > FIGURES.json
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import * as ort from "onnxruntime-web";
import { measure } from "./decoding/measuring.mjs";

const require = createRequire(import.meta.url);
const [path] = process.argv.slice(2);

const tf = require("@tensorflow/tfjs-core");
const { setThreadsCount } = require("@tensorflow/tfjs-backend-wasm");
tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
setThreadsCount(1);
await tf.setBackend("wasm");
ort.env.wasm.numThreads = 1;

/** Milliseconds of the processor, to which a busy host adds less than to those of a clock. */
function clock() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const model = {
  bundle: new Uint8Array(await readFile(`${path}.bin`)),
  onnx: new Uint8Array(await readFile(`${path}.onnx`)),
};
console.log(JSON.stringify(await measure(clock, { ort, tf }, model)));
process.exit(0);
