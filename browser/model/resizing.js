/** Images of another size, by the nearest pixel or between the two nearest along each side. No DOM. */
import { keep } from "./products.js";

const half = (i, scale) => (i + 0.5) / scale - 0.5;

/**
 * The place in `inputs` pixels of pixel `i` of `outputs`, by names of ONNX's Resize.
 *
 * Numbers are added in the order of vae_core.graphs.operations.places, so that both round alike.
 */
const COORDINATES = {
  half_pixel: (i, { scale }) => half(i, scale),
  pytorch_half_pixel: (i, { scale, outputs }) => (outputs > 1 ? half(i, scale) : 0),
  half_pixel_symmetric: (i, { scale, inputs, outputs }) =>
    half(i, scale) + (inputs / 2) * (1 - outputs / (scale * inputs)),
  align_corners: (i, { inputs, outputs }) => (outputs > 1 ? i * ((inputs - 1) / (outputs - 1)) : 0),
  asymmetric: (i, { scale }) => i / scale,
  tf_half_pixel_for_nn: (i, { scale }) => half(i, scale) + 0.5,
};

const ROUNDING = {
  round_prefer_floor: (place) => Math.ceil(place - 0.5),
  round_prefer_ceil: (place) => Math.floor(place + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** Of each output pixel along a side, the pixels before and after it, and the share of the later one. */
function sideOf({ from, to, mode, coordinates, rounding = "round_prefer_floor", scales }, axis) {
  const [inputs, outputs] = [from[axis], to[axis]];
  const side = { inputs, outputs, scale: scales?.[axis] ?? outputs / inputs };
  const within = (place) => Math.min(inputs - 1, Math.max(0, place));
  return Array.from({ length: outputs }, (_, i) => {
    const place = COORDINATES[coordinates](i, side);
    if (mode === "nearest") return { before: within(ROUNDING[rounding](place)), after: 0, share: 0 };
    const before = Math.floor(within(place));
    return { before, after: within(before + 1), share: within(place) - before };
  });
}

/** An image (h, w, c) of the size `to`. */
function resize(layer, [x], y, count) {
  const { rows, columns } = keep(layer, () => ({ rows: sideOf(layer, 0), columns: sideOf(layer, 1) }));
  const [height, width, channels] = layer.from;
  for (let n = 0, to = 0; n < count; n++) {
    const start = n * height * width * channels;
    for (const row of rows) {
      const [above, below] = [start + row.before * width * channels, start + row.after * width * channels];
      for (const { before, after, share } of columns) {
        const [left, right] = [before * channels, after * channels];
        if (row.share === 0 && share === 0) for (let c = 0; c < channels; c++) y[to++] = x[above + left + c];
        else {
          for (let c = 0; c < channels; c++) {
            const upper = x[above + left + c] + share * (x[above + right + c] - x[above + left + c]);
            const lower = x[below + left + c] + share * (x[below + right + c] - x[below + left + c]);
            y[to++] = upper + row.share * (lower - upper);
          }
        }
      }
    }
  }
}

/** @type {Record<string, import("./operations.js").Operation>} */
export const RESIZING = { resize };
