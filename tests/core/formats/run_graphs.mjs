// Runs the networks of a folder in the browser's code, for test_onnx_operators.py:
//   node run_graphs.mjs FOLDER   reads NAME.network and NAME.inputs, writes NAME.outputs
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { decodeMany, load } from "../../../browser/model/network.js";

const folder = process.argv[2];
for (const file of readdirSync(folder).filter((name) => name.endsWith(".network"))) {
  const stem = `${folder}/${file.slice(0, -".network".length)}`;
  const net = load(new Uint8Array(readFileSync(`${stem}.network`)));
  const bytes = readFileSync(`${stem}.inputs`);
  const inputs = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const outputs = decodeMany(net, inputs);
  writeFileSync(`${stem}.outputs`, new Uint8Array(outputs.buffer, outputs.byteOffset, outputs.byteLength));
}
