/** Convolutions of images (h, w, channels), as products with the patches under the kernel. No DOM. */
import { affine, copyOrClear, gather, keep, pair } from "./products.js";

/** Attributes of a convolution, with those that it leaves out. */
export function described({ kernel = [3, 3], stride = 1, pads, dilation = 1, groups = 1, ...layer }) {
  const border = layer.op === "conv_transpose" ? [0, 0, 0, 0] : [1, 1, 1, 1];
  return { ...layer, kernel, stride: pair(stride), pads: pads ?? border, dilation: pair(dilation), groups };
}

/** One matrix for each group of output channels, (outputs, kernel · inputs). */
function matricesOf({ weight, bias, to, groups }) {
  const size = to[2] / groups;
  const each = weight.length / groups;
  return Array.from({ length: groups }, (_, g) => ({
    weight: weight.subarray(g * each, (g + 1) * each), bias: bias.subarray(g * size, (g + 1) * size), size,
  }));
}

/** Write pixels of a few channels into images that have more. */
function insertChannels(pixels, length, y, to, first, channels) {
  for (let from = 0, at = to + first; from < pixels.length; from += length, at += channels) {
    for (let i = 0; i < length; i++) y[at + i] = pixels[from + i];
  }
}

function convolution(layer) {
  const { from, to, kernel, stride, pads, dilation, groups, ...rest } = described(layer);
  const side = (axis) => ({ start: -pads[axis], step: stride[axis], count: to[axis], apart: dilation[axis] });
  const sole = to[0] * to[1] * kernel[0] * kernel[1] * (from[2] / groups);
  const copied = kernel.join() === "1,1" && stride.join() === "1,1" && pads.every((one) => one === 0) && groups === 1;
  return {
    rows: side(0), columns: side(1), kernel, groups, copied,
    matrices: matricesOf({ ...rest, to, groups }),
    patches: new Float32Array(copied ? 0 : sole),
    pixels: new Float32Array(groups === 1 ? 0 : (to[0] * to[1] * to[2]) / groups),
  };
}

/** A convolution of images (h, w, c), padded with zeros; 3 × 3 with a border of one if it says nothing else. */
export function conv(layer, [x], y, count) {
  const { rows, columns, kernel, groups, copied, matrices, patches, pixels } = keep(layer, convolution);
  const [height, width, channels] = layer.from;
  const places = rows.count * columns.count;
  if (copied) {
    affine(matrices[0], x, y, count * places);
    return;
  }
  if (channels === groups && groups > 1) {
    depthwise(layer, x, y, count);
    return;
  }
  for (let n = 0; n < count; n++) {
    const offset = n * height * width * channels;
    matrices.forEach((matrix, g) => {
      const some = groups === 1 ? null : { first: (g * channels) / groups, length: channels / groups };
      gather(x, offset, layer.from, patches, rows, columns, ...kernel, some);
      if (groups === 1) affine(matrix, patches, y, places, n * layer.size);
      else {
        affine(matrix, patches, pixels, places);
        insertChannels(pixels, matrix.size, y, n * layer.size, g * matrix.size, layer.to[2]);
      }
    });
  }
}

/** A convolution whose output channels read one input channel each. */
function depthwise(layer, x, y, count) {
  const { rows, columns, kernel: [tall, wide] } = keep(layer, convolution);
  const { weight, bias, from: [height, width, channels], to: [, , outputs] } = layer;
  const times = outputs / channels;
  const area = tall * wide;
  for (let n = 0, to = 0; n < count; n++) {
    const offset = n * height * width * channels;
    for (let i = 0; i < rows.count; i++) {
      for (let j = 0; j < columns.count; j++, to += outputs) {
        for (let o = 0; o < outputs; o++) y[to + o] = bias[o];
        for (let k = 0; k < tall; k++) {
          const row = rows.start + i * rows.step + k * rows.apart;
          if (row < 0 || row >= height) continue;
          for (let l = 0; l < wide; l++) {
            const column = columns.start + j * columns.step + l * columns.apart;
            if (column < 0 || column >= width) continue;
            const at = offset + (row * width + column) * channels;
            for (let c = 0, o = 0; c < channels; c++) {
              for (let m = 0; m < times; m++, o++) y[to + o] += weight[o * area + k * wide + l] * x[at + c];
            }
          }
        }
      }
    }
  }
}

/** For each group, the matrix that spreads a pixel over the kernel: (kernel · outputs, inputs). */
function transposition(layer) {
  const { from, to, kernel, stride, pads, dilation, groups, weight, bias } = described(layer);
  const [inputs, outputs] = [from[2] / groups, to[2] / groups];
  const size = kernel[0] * kernel[1] * outputs;
  const matrices = Array.from({ length: groups }, (_, g) => {
    const turned = new Float32Array(size * inputs);
    for (let i = 0; i < inputs; i++) {
      for (let k = 0; k < size; k++) turned[k * inputs + i] = weight[(g * inputs + i) * size + k];
    }
    return { weight: turned, bias: new Float32Array(size), size };
  });
  const places = from[0] * from[1];
  return {
    kernel, stride, pads, dilation, bias, inputs, outputs, matrices,
    read: new Float32Array(groups === 1 ? 0 : places * inputs),
    spread: new Float32Array(places * size),
  };
}

/** The gradient of a convolution: each pixel, times the kernel, is added to the output. */
export function convTranspose(layer, [x], y, count) {
  const { inputs, outputs, matrices, read, spread, bias } = keep(layer, transposition);
  const channels = layer.from[2];
  const places = layer.from[0] * layer.from[1];
  for (let to = 0; to < count * layer.size; to += layer.to[2]) {
    for (let o = 0; o < layer.to[2]; o++) y[to + o] = bias[o];
  }
  for (let n = 0; n < count; n++) {
    matrices.forEach((matrix, g) => {
      const image = x.subarray(n * places * channels, (n + 1) * places * channels);
      if (matrices.length > 1) {
        for (let place = 0; place < places; place++) {
          copyOrClear(image, place * channels + g * inputs, read, place * inputs, inputs, true);
        }
      }
      affine(matrix, matrices.length > 1 ? read : image, spread, places);
      addSpread(layer, y, n * layer.size + g * outputs);
    });
  }
}

/** Add what each pixel spreads to the pixels under the kernel. */
function addSpread(layer, y, offset) {
  const { kernel: [tall, wide], stride, pads, dilation, outputs, spread } = keep(layer, transposition);
  const { from, to: [height, width, channels] } = layer;
  for (let i = 0, at = 0; i < from[0]; i++) {
    for (let j = 0; j < from[1]; j++) {
      for (let k = 0; k < tall; k++) {
        const row = i * stride[0] - pads[0] + k * dilation[0];
        for (let l = 0; l < wide; l++, at += outputs) {
          const column = j * stride[1] - pads[1] + l * dilation[1];
          if (row < 0 || row >= height || column < 0 || column >= width) continue;
          const to = offset + (row * width + column) * channels;
          for (let o = 0; o < outputs; o++) y[to + o] += spread[at + o];
        }
      }
    }
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
