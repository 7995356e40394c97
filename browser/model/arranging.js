/** Operations that move values and compute none. No DOM. */

/** Put inputs side by side along the width, or below one another along the parts. */
function concat({ size, parts = 1, axis }, inputs, y, count) {
  const rows = axis === "width" ? parts : 1;
  const whole = size / rows;
  let first = 0;
  for (const x of inputs) {
    const length = x.length / count / rows;
    for (let row = 0; row < count * rows; row++) {
      for (let i = 0; i < length; i++) y[row * whole + first + i] = x[row * length + i];
    }
    first += length;
  }
}

/** Every `step`th place of an axis from `start` up to, but without, `stop`. */
function slice({ size, parts = 1, axis, start, step = 1 }, [x], y, count) {
  const width = size / parts;
  const each = x.length / count;
  for (let n = 0; n < count; n++) {
    for (let part = 0, to = n * size; part < parts; part++) {
      if (axis === "width") {
        const from = n * each + (part * each) / parts + start;
        for (let i = 0; i < width; i++) y[to++] = x[from + i * step];
      } else {
        const from = n * each + (start + part * step) * width;
        for (let i = 0; i < width; i++) y[to++] = x[from + i];
      }
    }
  }
}

/** Lengthen an axis by `value`. */
function pad({ size, parts = 1, axis, before, value = 0 }, [x], y, count) {
  const width = size / parts;
  const each = x.length / count;
  const [rows, columns] = axis === "width" ? [parts, each / parts] : [each / width, width];
  const [top, left] = axis === "width" ? [0, before] : [before, 0];
  y.fill(value);
  for (let n = 0; n < count; n++) {
    for (let row = 0; row < rows; row++) {
      const to = n * size + (top + row) * width + left;
      const from = n * each + row * columns;
      for (let i = 0; i < columns; i++) y[to + i] = x[from + i];
    }
  }
}

/** Transpose values of `shape` to the axes in `order`. */
function permute({ size, shape, order }, [x], y, count) {
  const steps = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, n) => product * n, 1));
  const sides = order.map((axis) => shape[axis]);
  const strides = order.map((axis) => steps[axis]);
  const at = new Array(sides.length).fill(0);
  for (let n = 0; n < count; n++) {
    let from = n * size;
    for (let i = 0; i < size; i++) {
      y[n * size + i] = x[from];
      for (let axis = sides.length - 1; axis >= 0; axis--) {
        at[axis] += 1;
        from += strides[axis];
        if (at[axis] < sides[axis]) break;
        from -= at[axis] * strides[axis];
        at[axis] = 0;
      }
    }
  }
}

/** The same values for each example. */
function constant({ size, values }, _inputs, y, count) {
  for (let n = 0; n < count; n++) for (let i = 0; i < size; i++) y[n * size + i] = values[i];
}

/** @type {Record<string, import("./operations.js").Operation>} */
export const ARRANGING = { concat, slice, pad, permute, constant };
