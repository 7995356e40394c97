/** Arithmetic of two operands, sums over an axis, and products of two outputs. No DOM. */

/**
 * An operation on two operands: two inputs, or one input and the layer's `values`, which then are the
 * right operand unless `reversed`. An operand has `size` values for each example, one for each place of
 * the width (used for every part), or one alone. `values` are the same for every example.
 */
function binary(fn) {
  return ({ size, parts = 1, values, reversed = false }, inputs, y, count) => {
    const width = size / parts;
    const [first, second] = values === undefined ? inputs : reversed ? [values, inputs[0]] : [inputs[0], values];
    const [one, other] = [first, second].map((operand) => ({
      each: operand === values ? operand.length : operand.length / count,
      step: operand === values ? 0 : operand.length / count,
    }));
    for (let n = 0; n < count; n++) {
      const to = n * size;
      if (one.each === size && other.each === size) {
        const [left, right] = [n * one.step, n * other.step];
        for (let i = 0; i < size; i++) y[to + i] = fn(first[left + i], second[right + i]);
      } else {
        for (let i = 0; i < size; i++) {
          y[to + i] = fn(first[place(one, n, i, size, width)], second[place(other, n, i, size, width)]);
        }
      }
    }
  };
}

/** Where an operand has what belongs to value `i` of example `n`. */
function place({ each, step }, n, i, size, width) {
  if (each === size) return n * step + i;
  return n * step + (each === 1 ? 0 : i % width);
}

/** The sum over the width, (parts, 1), or over the parts, (1, width); times `share`. */
function reduceTo(y, x, { size, axis }, count, share) {
  const terms = x.length / count / size;
  for (let n = 0; n < count; n++) {
    for (let i = 0; i < size; i++) {
      let sum = 0;
      const [start, step] = axis === "width" ? [i * terms, 1] : [i, size];
      for (let k = 0; k < terms; k++) sum += x[n * size * terms + start + k * step];
      y[n * size + i] = sum * share(terms);
    }
  }
}

/** (parts, k) × (k, width) of two inputs. */
function matmul({ size, parts = 1 }, [a, b], y, count) {
  const width = size / parts;
  const terms = a.length / count / parts;
  for (let row = 0; row < count * parts; row++) {
    const start = Math.floor(row / parts) * terms * width;
    for (let j = 0; j < width; j++) {
      let sum = 0;
      for (let k = 0; k < terms; k++) sum += a[row * terms + k] * b[start + k * width + j];
      y[row * width + j] = sum;
    }
  }
}

/** @type {Record<string, import("./operations.js").Operation>} */
export const ARITHMETIC = {
  sum: binary((a, b) => a + b),
  difference: binary((a, b) => a - b),
  product: binary((a, b) => a * b),
  quotient: binary((a, b) => a / b),
  power: binary((a, b) => a ** b),
  maximum: binary(Math.max),
  minimum: binary(Math.min),
  mean: (layer, [x], y, count) => reduceTo(y, x, layer, count, (terms) => 1 / terms),
  reduce_sum: (layer, [x], y, count) => reduceTo(y, x, layer, count, () => 1),
  matmul,
};
