/**
 * Networks that run in WebAssembly: kernel.c, and for operations that it lacks their JavaScript. No DOM.
 *
 * Each network has a memory of its own, for weights and for the values between layers. It is laid out
 * when the network arrives, never grows, so that no view of it is ever lost, and goes with the network.
 */
import { RELAXED, SIMD } from "./kernel_wasm.js";
import { OPERATIONS } from "./operations.js";
import { borders, pieces } from "./pieces.js";
import { plan } from "./plan.js";
import { partsOf } from "./products.js";

const range = (length, value = (i) => i) => Array.from({ length }, (_, i) => value(i));

function compiled(base64) {
  try {
    return new WebAssembly.Module(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)));
  } catch {
    return null; // a browser without WebAssembly or these instructions, or a page that forbids it
  }
}

/** The kernels that this browser runs, the quickest first. */
export const KERNELS = { relaxed: compiled(RELAXED), simd: compiled(SIMD) };
/** @type {WebAssembly.Module | null} */
export const KERNEL = KERNELS.relaxed ?? KERNELS.simd;

const PAGE = 65536;
/** Pages that a memory has at most, 4 GB. */
const MOST_PAGES = 65536;
/** Bytes of a number, and of the line of a cache, where arrays begin. */
const NUMBER = 4;
const LINE = 64;
/** Numbers behind an array that kernel.c may read. */
const BEHIND = 3;

/** A memory before it is made: where each array will be. */
class Layout {
  // The first page is for the constants and the stack of kernel.c.
  #bytes = PAGE;
  #placed = new Map();
  #scratch = 0;

  /** Room for so many numbers. @returns {number} its address */
  reserve(length) {
    const address = this.#bytes;
    this.#bytes += LINE * Math.ceil((NUMBER * (length + BEHIND)) / LINE);
    return address;
  }

  /** Room for an array. @param {Float32Array | Int32Array} values @returns {number} its address */
  place(values) {
    if (!this.#placed.has(values)) this.#placed.set(values, this.reserve(values.length));
    return this.#placed.get(values);
  }

  /** Room that operations use one after another, at `Place.scratch`. */
  share(length) {
    this.#scratch = Math.max(this.#scratch, length);
  }

  /** Make the memory, with the arrays in it; `viewOf` gives the copy of an array that was placed. */
  make() {
    const scratch = this.reserve(this.#scratch);
    const pages = Math.ceil(this.#bytes / PAGE);
    if (pages > MOST_PAGES) throw new RangeError(`the network takes ${pages} pages of memory, more than ${MOST_PAGES}`);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    for (const [values, address] of this.#placed) new values.constructor(memory.buffer, address, values.length).set(values);
    const view = (address, length) => new Float32Array(memory.buffer, address, length);
    return { memory, scratch, view, viewOf: (values) => this.#placed.has(values) ? view(this.#placed.get(values), values.length) : values };
  }
}

/** Place a Product of kernel.c. */
function placeProduct(layout, { weight, bias, outputs, run, offsets, from, to }) {
  const tables = [offsets, from, to].map((numbers) => layout.place(Int32Array.from(numbers)));
  return layout.place(Int32Array.of(layout.place(weight), layout.place(bias), outputs, offsets.length, run, ...tables));
}

/** W x + b for each of `count` inputs that lie one after another. */
function placeDense(layout, weight, bias, count) {
  const outputs = bias.length;
  const inputs = weight.length / outputs;
  const [from, to] = [range(count, (n) => n * inputs), range(count, (n) => n * outputs)];
  return placeProduct(layout, { weight, bias, outputs, run: inputs, offsets: [0], from, to });
}

/** A piece of a convolution, over an image in rows of `row` numbers with `left` and `above` it more than it had. */
function placePiece(layout, layer, { rows, columns, weight, bias, channels, outputs, firstChannel, firstOutput }, row, above, left) {
  const [[, , all], [, wide, size]] = [layer.from, layer.to];
  // Pixels of all channels that are side by side are read as one run.
  const joined = channels === all && columns.offsets.every((offset, i) => offset === columns.offsets[0] + i);
  const beside = joined ? columns.offsets.slice(0, 1) : columns.offsets;
  const places = (value) => range(rows.count * columns.count, (n) => value(Math.floor(n / columns.count), n % columns.count));
  const product = placeProduct(layout, {
    weight, bias, outputs,
    run: joined ? columns.offsets.length * channels : channels,
    offsets: rows.offsets.flatMap((down) => beside.map((right) => down * row + right * all)),
    from: places((i, j) => (above + i * rows.step) * row + (left + j * columns.step) * all + firstChannel),
    to: places((i, j) => ((rows.first + i * rows.every) * wide + columns.first + j * columns.every) * size + firstOutput),
  });
  return { product, count: rows.count * columns.count };
}

function convolution(layer, layout) {
  const [height, width, channels] = layer.from;
  if (layer.groups === channels && channels > 1) return null; // one channel alone makes no vectors
  const all = pieces(layer);
  const { above, below, left, right } = borders(layer, all);
  const row = (left + width + right) * channels;
  const bordered = above + below + left + right > 0;
  if (bordered) layout.share((above + height + below) * row);
  const placed = all.map((piece) => placePiece(layout, layer, piece, row, above, left));
  const around = [above * row, left * channels, right * channels, below * row];
  return ({ kernel, scratch }, [x], y, examples) => {
    for (let n = 0; n < examples; n++) {
      let image = x + NUMBER * n * height * width * channels;
      if (bordered) {
        kernel.pad(image, scratch, height, width * channels, ...around);
        image = scratch;
      }
      for (const { product, count } of placed) kernel.products(product, image, y + NUMBER * n * layer.size, count);
    }
  };
}

/** Inputs of a dense layer that are too few for vectors of their own. */
const THIN = 12;

function transposed(weight, rows) {
  const columns = weight.length / rows;
  return Float32Array.from(weight, (_, i) => weight[(i % rows) * columns + Math.floor(i / rows)]);
}

function linear({ weight, bias, ...layer }, layout, most) {
  const parts = partsOf(layer);
  const thin = weight.length / bias.length <= THIN;
  const product = placeDense(layout, thin ? transposed(weight, bias.length) : weight, bias, most * parts);
  const name = thin ? "thin_products" : "products";
  return ({ kernel }, [x], y, count) => kernel[name](product, x, y, count * parts);
}

function recurrent(layer, layout, most) {
  const parts = partsOf(layer);
  const units = layer.size / parts;
  const input = placeDense(layout, layer.weight_ih, layer.bias_ih, most * parts);
  const state = placeDense(layout, layer.weight_hh, layer.bias_hh, most);
  const [read, recalled, h] = [most * parts * 3, most * 3, most].map((rows) => layout.reserve(rows * units));
  return ({ kernel, view }, [x], y, count) => {
    view(h, count * units).fill(0);
    kernel.products(input, x, read, count * parts);
    for (let part = 0; part < parts; part++) {
      kernel.products(state, h, recalled, count);
      for (let n = 0; n < count; n++) {
        const [at, row] = [n * parts + part, NUMBER * units];
        kernel.recurrent_step(read + 3 * at * row, recalled + 3 * n * row, h + n * row, y + at * row, units);
      }
    }
  };
}

function gated(layer) {
  const parts = partsOf(layer);
  return ({ kernel }, [x], y, count) => kernel.gated(x, y, count * parts, layer.size / parts);
}

function symmetric({ side, size }) {
  return ({ kernel }, [x], y, count) => kernel.symmetric(x, y, (count * size) / (side * side), side);
}

/** Activations, with the attributes that they have. */
const ACTIVATIONS = {
  relu: [],
  leaky_relu: ["slope"],
  exp: [],
  sigmoid: [],
  tanh: [],
  silu: [],
  softplus: [],
  mish: [],
  elu: ["alpha"],
  gelu: [],
  clip: ["low", "high"],
};
const DEFAULTS = { alpha: 1, low: -Infinity, high: Infinity };

function activation(layer) {
  if (layer.approximate === "tanh") return null;
  const { op, size } = layer;
  const attributes = ACTIVATIONS[op].map((name) => layer[name] ?? DEFAULTS[name]);
  return ({ kernel }, [x], y, count) => kernel[op](x, y, count * size, ...attributes);
}

/** Of two inputs of one size; those of another, and constants, are left to JavaScript. */
function ofTwo({ op, size }, _layout, _most, sizes) {
  if (sizes.length !== 2 || sizes.some((one) => one !== size)) return null;
  return ({ kernel }, [x, other], y, count) => kernel[op](x, other, y, count * size);
}

/**
 * Operations of kernel.c: (layer, layout, examples at most, sizes of the inputs) → run, or null for a
 * layer that is left to JavaScript. Run is (place, addresses of the inputs, address of the output,
 * examples) → void.
 */
const COMPILED = {
  linear,
  conv: convolution,
  resize_conv: convolution,
  conv_transpose: convolution,
  recurrent,
  gated,
  symmetric,
  sum: ofTwo,
  difference: ofTwo,
  product: ofTwo,
  ...Object.fromEntries(Object.keys(ACTIVATIONS).map((op) => [op, activation])),
};

/** Any other operation, on views of the memory. */
function inJavaScript(layer, sources, sizeOf) {
  return ({ view }, addresses, y, count, label) => {
    const inputs = addresses.map((address, i) => view(address, count * sizeOf(sources[i])));
    OPERATIONS[layer.op](layer, inputs, view(y, count * layer.size), count, label);
  };
}

/**
 * Prepare a list of layers; their weights become views of the memory.
 *
 * @param {WebAssembly.Module} module  one of `KERNELS`
 * @param {import("./operations.js").Layer[]} layers
 * @param {number} inputSize  values of the network's input
 * @param {number} most  examples that are run together
 * @returns {import("./plan.js").Program}
 * @throws {RangeError} if there is no such memory
 */
export function prepare(module, layers, inputSize, most) {
  const layout = new Layout();
  const { reads, writes, sizes } = plan(layers);
  const input = layout.reserve(most * inputSize);
  const buffers = sizes.map((size) => layout.reserve(most * size));
  const addressOf = (source) => (source < 0 ? input : buffers[writes[source]]);
  const sizeOf = (source) => (source < 0 ? inputSize : layers[source].size);
  const steps = layers.map((layer, index) => {
    const [addresses, y] = [reads[index].map(addressOf), addressOf(index)];
    const run = COMPILED[layer.op]?.(layer, layout, most, reads[index].map(sizeOf));
    if (run) return (place, count) => run(place, addresses, y, count);
    const other = inJavaScript(layer, reads[index], sizeOf);
    return (place, count, label) => other(place, addresses, y, count, label);
  });
  const { memory, scratch, view, viewOf } = layout.make();
  for (const layer of layers) {
    for (const [name, values] of Object.entries(layer)) if (values instanceof Float32Array) layer[name] = viewOf(values);
  }
  const place = { kernel: new WebAssembly.Instance(module, { env: { memory } }).exports, scratch, view };
  const last = layers.length - 1;
  return (x, count, label, out) => {
    view(input, count * inputSize).set(x);
    for (const step of steps) step(place, count, label);
    out.set(view(addressOf(last), count * layers[last].size));
    return out;
  };
}
