/** Convolutions of images (h, w, channels), as products with the patches under the kernel. No DOM. */
import { affine, copyOrClear, gather, keep } from "./products.js";

/** A convolution of 3 × 3 over images (h, w, channels), padded with one pixel of zeros. */
export function conv(layer, [x], y, count) {
  const { matrix, patches, rows, columns } = keep(layer, ({ weight, bias, from, to, stride }) => ({
    matrix: { weight, bias, size: to[2] },
    patches: new Float32Array(to[0] * to[1] * 9 * from[2]),
    rows: { start: -1, step: stride, count: to[0] },
    columns: { start: -1, step: stride, count: to[1] },
  }));
  const [height, width, channels] = layer.from;
  for (let n = 0; n < count; n++) {
    gather(x, n * height * width * channels, layer.from, patches, rows, columns, 3, 3);
    affine(matrix, patches, y, rows.count * columns.count, n * layer.size);
  }
}

/**
 * The phases of a kernel of three over a side whose pixels are doubled.
 *
 * In each phase the kernel covers two different pixels, so that two of its weights act as their sum:
 * `merged` lists the weights of the first and of the second pixel.
 */
function phases(doubled) {
  const half = Math.floor(doubled / 2);
  const all = [
    { first: 0, start: -1, count: half, merged: [[0], [1, 2]] },
    { first: 1, start: 0, count: half, merged: [[0, 1], [2]] },
    // The last pixel of an odd side is not doubled.
    { first: doubled - 1, start: half - 1, count: doubled % 2, merged: [[0], [1]] },
  ];
  return all.filter(({ count }) => count > 0).map((phase) => ({ ...phase, step: 1 }));
}

/** Sum the weights of a kernel (outputs, 3, 3, channels) to one of (outputs, 2, 2, channels). */
function mergeKernel(weight, channels, rows, columns) {
  const outputs = weight.length / (9 * channels);
  const small = new Float32Array(outputs * 4 * channels);
  for (let o = 0; o < outputs; o++) {
    rows.forEach((tall, k) => columns.forEach((wide, l) => {
      for (const p of tall) {
        for (const q of wide) {
          for (let c = 0; c < channels; c++) {
            small[(o * 4 + k * 2 + l) * channels + c] += weight[(o * 9 + p * 3 + q) * channels + c];
          }
        }
      }
    }));
  }
  return small;
}

/** A convolution of 3 × 3 over an image of twice the size, as four of 2 × 2 over the image itself. */
export function resizeConv(layer, [x], y, count) {
  const { quarters, patches, pixels } = keep(layer, ({ weight, bias, from, to }) => {
    const most = Math.ceil(to[0] / 2) * Math.ceil(to[1] / 2);
    return {
      quarters: phases(to[0]).flatMap((rows) => phases(to[1]).map((columns) => ({
        rows, columns, weight: mergeKernel(weight, from[2], rows.merged, columns.merged), bias, size: to[2],
      }))),
      patches: new Float32Array(most * 4 * from[2]),
      pixels: new Float32Array(most * to[2]),
    };
  });
  const [height, width, channels] = layer.from;
  const [, wide, outputs] = layer.to;
  for (let n = 0; n < count; n++) {
    for (const quarter of quarters) {
      const { rows, columns } = quarter;
      gather(x, n * height * width * channels, layer.from, patches, rows, columns, 2, 2);
      affine(quarter, patches, pixels, rows.count * columns.count);
      for (let i = 0, from = 0; i < rows.count; i++) {
        for (let j = 0; j < columns.count; j++, from += outputs) {
          const at = (rows.first + 2 * i) * wide + columns.first + 2 * j;
          copyOrClear(pixels, from, y, n * layer.size + at * outputs, outputs, true);
        }
      }
    }
  }
}
