// Runs one of the browser's operations for each line of standard input, for test_operations.py:
//   {layer, inputs, count, label} → {y}, arrays as base64 of float32
import { createInterface } from "node:readline";
import { multiplications, OPERATIONS } from "../../../browser/model/operations.js";

const ARRAYS = ["weight", "bias", "values"];

function floats(text) {
  const bytes = new Uint8Array(Buffer.from(text, "base64"));
  return new Float32Array(bytes.buffer, 0, bytes.length / 4);
}

function run({ layer, inputs, count, label }) {
  const named = ARRAYS.filter((name) => name in layer).map((name) => [name, floats(layer[name])]);
  const whole = { ...layer, ...Object.fromEntries(named) };
  const y = new Float32Array(count * layer.size).fill(NaN);
  OPERATIONS[layer.op](whole, inputs.map(floats), y, count, label);
  return { y: Buffer.from(y.buffer).toString("base64"), work: multiplications([whole]) };
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = line === "" ? Object.keys(OPERATIONS) : run(JSON.parse(line));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
