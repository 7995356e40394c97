/** Scaling by what a layer learnt, and by what the values themselves are. No DOM. */

/** Scale and shift each place of the width. */
function affine({ weight, bias }, [x], y) {
  const width = weight.length;
  for (let start = 0; start < y.length; start += width) {
    for (let i = 0; i < width; i++) y[start + i] = weight[i] * x[start + i] + bias[i];
  }
}

/**
 * Bring groups of values to mean 0 and variance 1; then scale and shift.
 *
 * `kind` says what a group is: of "layer" `over` values that follow one another, of "group" the
 * channels of one of `groups` at all places, of "instance" one channel at all places.
 */
function normalize(layer, [x], y, count) {
  const { kind, size, parts = 1, epsilon, weight, bias } = layer;
  const width = size / parts;
  if (kind === "layer") {
    for (let start = 0; start < count * size; start += layer.over) {
      standardize(x, y, { start, rows: 1, step: 0, length: layer.over }, epsilon, weight, bias, 0);
    }
    return;
  }
  const length = kind === "instance" ? 1 : width / layer.groups;
  for (let n = 0; n < count; n++) {
    for (let first = 0; first < width; first += length) {
      standardize(x, y, { start: n * size + first, rows: parts, step: width, length }, epsilon, weight, bias, first);
    }
  }
}

/** Standardize `rows` of `length` values, `step` apart; `first` is the place of their scale in `weight`. */
function standardize(x, y, { start, rows, step, length }, epsilon, weight, bias, first) {
  let sum = 0;
  for (let row = 0, at = start; row < rows; row++, at += step) for (let i = 0; i < length; i++) sum += x[at + i];
  const mean = sum / (rows * length);
  let squares = 0;
  for (let row = 0, at = start; row < rows; row++, at += step) {
    for (let i = 0; i < length; i++) squares += (x[at + i] - mean) ** 2;
  }
  const scale = 1 / Math.sqrt(squares / (rows * length) + epsilon);
  for (let row = 0, at = start; row < rows; row++, at += step) {
    for (let i = 0; i < length; i++) {
      const value = (x[at + i] - mean) * scale;
      y[at + i] = (weight ? weight[first + i] : 1) * value + (bias ? bias[first + i] : 0);
    }
  }
}

/** e^x over its sum, of each part. */
function softmax({ size, parts = 1 }, [x], y, count) {
  const width = size / parts;
  for (let start = 0; start < count * size; start += width) {
    let largest = -Infinity;
    for (let i = 0; i < width; i++) largest = Math.max(largest, x[start + i]);
    let sum = 0;
    for (let i = 0; i < width; i++) sum += y[start + i] = Math.exp(x[start + i] - largest);
    for (let i = 0; i < width; i++) y[start + i] /= sum;
  }
}

/** @type {Record<string, import("./operations.js").Operation>} */
export const NORMALIZING = { affine, normalize, softmax };
