/**
 * Fetch and read bundles of arrays.
 *
 * @typedef {string|Uint8Array} Source  an address that names its content, or the bytes themselves (in
 *   an exported page)
 */

/** Promises of bytes by address; the oldest is dropped first, and then is in the browser's cache. */
const fetched = new Map();
const MAX_FETCHED = 24;

async function read(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`The server answered ${response.status} for ${address}.`);
  return new Uint8Array(await response.arrayBuffer());
}

/**
 * Fetch bytes, once for all panels of the page.
 *
 * @param {Source} source
 * @returns {Promise<Uint8Array>}
 */
export function fetchBytes(source) {
  if (source instanceof Uint8Array) return Promise.resolve(source);
  if (!fetched.has(source)) {
    const reading = read(source);
    reading.catch(() => fetched.delete(source));
    fetched.set(source, reading);
    if (fetched.size > MAX_FETCHED) fetched.delete(fetched.keys().next().value);
  }
  return fetched.get(source);
}

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int16: Int16Array,
  uint8: Uint8Array,
};

/** The values of all 65,536 bit patterns, once they are needed. */
let table = null;

/** Convert IEEE half-precision numbers. @param {Uint16Array} halves  bit patterns @returns {Float32Array} */
export function halfToFloat(halves) {
  table ??= createHalfTable();
  const floats = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) floats[i] = table[halves[i]];
  return floats;
}

function createHalfTable() {
  const values = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0) values[bits] = sign * fraction * 2 ** -24;
    else if (exponent === 31) values[bits] = fraction ? NaN : sign * Infinity;
    else values[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return values;
}

/**
 * Read a bundle of named arrays, as vae_core.formats.bundles.bundle writes it: the length of a JSON
 * header as little-endian uint32, the header, and the arrays, each aligned to 8 bytes.
 *
 * @param {Uint8Array} bytes
 * @returns {{meta: any, arrays: Record<string, any>, shapes: Record<string, number[]>}}
 */
export function unbundle(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = view.getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + headerLength)));
  const start = bytes.byteOffset + 8 * Math.ceil((4 + headerLength) / 8);
  const aligned = start % 8 === 0;
  const buffer = aligned ? bytes.buffer : bytes.slice(start - bytes.byteOffset).buffer;
  const base = aligned ? start : 0;
  const arrays = {};
  const shapes = {};
  for (const { name, dtype, shape, offset } of header.arrays) {
    const size = shape.reduce((product, n) => product * n, 1);
    shapes[name] = shape;
    if (dtype === "float16") {
      arrays[name] = halfToFloat(new Uint16Array(buffer, base + offset, size));
    } else if (dtype in ARRAYS) {
      arrays[name] = new ARRAYS[dtype](buffer, base + offset, size);
    } else {
      throw new TypeError(`array "${name}" has the unknown type "${dtype}"`);
    }
  }
  return { meta: header.meta, arrays, shapes };
}
