// Runs one of the browser's operations for each line of standard input, for test_operations.py:
//   {layer, inputs, count, label} → {y, work, compiled}, arrays as base64 of float32
import { createInterface } from "node:readline";
import { KERNELS, prepare } from "../../../browser/model/kernel.js";
import { multiplications, OPERATIONS } from "../../../browser/model/operations.js";

const ARRAYS = ["weight", "bias", "values"];

function floats(text) {
  const bytes = new Uint8Array(Buffer.from(text, "base64"));
  return new Float32Array(bytes.buffer, 0, bytes.length / 4);
}

const text = (values) => Buffer.from(values.buffer).toString("base64");

/** The same in WebAssembly, by each kernel that node has. */
function compiled(layer, inputs, count, label) {
  if (inputs.length !== 1) return [];
  return Object.values(KERNELS).filter(Boolean).map((kernel) => {
    const program = prepare(kernel, [{ ...layer }], inputs[0].length / count, count);
    return text(program(inputs[0], count, label, new Float32Array(count * layer.size)));
  });
}

function run({ layer, inputs, count, label }) {
  const named = ARRAYS.filter((name) => name in layer).map((name) => [name, floats(layer[name])]);
  const whole = { ...layer, ...Object.fromEntries(named) };
  const y = new Float32Array(count * layer.size).fill(NaN);
  const read = inputs.map(floats);
  OPERATIONS[layer.op](whole, read, y, count, label);
  return { y: text(y), work: multiplications([whole]), compiled: compiled(whole, read, count, label) };
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = line === "" ? Object.keys(OPERATIONS) : run(JSON.parse(line));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
