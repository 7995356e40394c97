// Runs one of the browser's functions over what stands in standard input, for test_javascript.py:
//   node reference.mjs JOB < INPUT.json > OUTPUT.json
import { readFileSync } from "node:fs";
import { centre } from "../../../browser/pad/centring.js";
import { colourPalette, encodeGif, greyPalette } from "../../../browser/files/gif.js";
import { render } from "../../../browser/pad/ink.js";
import { withResolution } from "../../../browser/files/png.js";
import { quantile } from "../../../browser/model/quantile.js";
import { readFrame, readReplay } from "../../../browser/replay/frames.js";

const PALETTES = { grey: greyPalette, colour: colourPalette };
const base64 = (bytes) => Buffer.from(bytes).toString("base64");
const bytesOf = (text) => new Uint8Array(Buffer.from(text, "base64"));
const listed = ({ codes, samples, grid, shape }) =>
  ({ codes: Array.from(codes), samples: Array.from(samples), grid: grid && Array.from(grid), shape });

const JOBS = {
  quantile: ({ probabilities }) => probabilities.map((p) => quantile(p)),
  render: ({ strokes, width, height, radius }) => Array.from(render(strokes, width, height, radius).values),
  centre: ({ pictures, width, height, size, frame }) =>
    pictures.map((values) => Array.from(centre({ width, height, values: Float32Array.from(values) }, size, frame))),
  gif: ({ width, height, delay, palette, frames }) =>
    base64(encodeGif({ width, height, delay, palette: PALETTES[palette](), frames: frames.map((frame) => Uint8Array.from(frame)) })),
  frame: ({ bundle }) => listed(readFrame(bytesOf(bundle))),
  replay: ({ bundle }) => {
    const { description, frames } = readReplay(bytesOf(bundle));
    return { description, frames: frames.map(listed) };
  },
  resolution: ({ png, dpi }) => base64(withResolution(new Uint8Array(Buffer.from(png, "base64")), dpi)),
};

const [job] = process.argv.slice(2);
process.stdout.write(JSON.stringify(JOBS[job](JSON.parse(readFileSync(0, "utf8")))));
