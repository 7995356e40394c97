/**
 * Where a training computes: in WebAssembly (kernel.c), or in JavaScript (scripted.js). No DOM.
 *
 * WebAssembly rounds alike on every machine, but for the product and the sum that some processors fuse. So
 * trainings of the same settings are equal to the last bit where the arithmetic has the same name.
 *
 * @typedef {object} Arithmetic
 * @property {"fused" | "separate" | "scripted"} name
 * @property {typeof import("./scripted.js").SCRIPTED} operations
 * @property {Record<string, Float32Array>} arrays
 */
import { RELAXED, SIMD } from "./kernel_wasm.js";
import { SCRIPTED } from "./scripted.js";

function compiled(base64) {
  try {
    return new WebAssembly.Module(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)));
  } catch {
    return null; // a browser without WebAssembly or these instructions, or a page that forbids it
  }
}

/** The modules that this browser runs. */
export const KERNELS = { relaxed: compiled(RELAXED), simd: compiled(SIMD) };
const KERNEL = KERNELS.relaxed ?? KERNELS.simd;

const PAGE = 65536;
/** Bytes of a number, and of the line of a cache, where arrays begin. */
const NUMBER = 4;
const LINE = 64;
/** Numbers behind an array that kernel.c may read. */
const BEHIND = 3;

/**
 * Make arrays, filled with zeros, and the operations on them.
 *
 * @param {Record<string, number>} lengths  of the arrays, by their names
 * @param {WebAssembly.Module | null} [kernel]  one of `KERNELS`; null for JavaScript
 * @returns {Arithmetic}
 */
export function arithmetic(lengths, kernel = KERNEL) {
  return kernel === null ? inJavaScript(lengths) : inWebAssembly(lengths, kernel);
}

function inJavaScript(lengths) {
  const arrays = Object.entries(lengths).map(([name, length]) => [name, new Float32Array(length)]);
  return { name: "scripted", operations: SCRIPTED, arrays: Object.fromEntries(arrays) };
}

function inWebAssembly(wanted, kernel) {
  const lengths = { ...wanted, probe: 32 };
  let bytes = PAGE; // the first page is for the constants and the stack of kernel.c
  const addresses = Object.entries(lengths).map(([name, length]) => {
    const address = bytes;
    bytes += LINE * Math.ceil((NUMBER * (length + BEHIND)) / LINE);
    return [name, address, length];
  });
  const pages = Math.ceil(bytes / PAGE);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const { exports } = new WebAssembly.Instance(kernel, { env: { memory } });
  const views = addresses.map(([name, address, length]) => [name, new Float32Array(memory.buffer, address, length)]);
  const { probe, ...arrays } = Object.fromEntries(views);
  const operations = Object.fromEntries(Object.keys(SCRIPTED).map((name) => [name, onViews(exports[name])]));
  return { name: fuses(operations, probe) ? "fused" : "separate", operations, arrays };
}

/** A function of addresses, called with the views at these. */
const onViews = (compute) => (...values) => compute(...values.map((value) => (typeof value === "number" ? value : value.byteOffset)));

/**
 * Whether a product and the sum that it goes into are rounded once: the probe then is 2^-24, else 0.
 *
 * @param {Float32Array} probe  (32) zeros, as afterwards
 */
function fuses({ dense }, probe) {
  const near = 1 + 2 ** -12;
  const [weight, x, bias, y] = [0, 8, 16, 20].map((at) => probe.subarray(at));
  [weight[0], x[0], weight[4], x[4]] = [-1, 1 + 2 ** -11, near, near];
  dense(weight, bias, x, y, 1, 8, 1);
  const found = y[0] !== 0;
  probe.fill(0);
  return found;
}
