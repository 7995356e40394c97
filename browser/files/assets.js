/**
 * Bytes that are sent once: addressed by their content, fetched once, shared by all panels.
 *
 * A source is an address (over HTTP with immutable caching, or a `data:` address in an exported
 * file) or the bytes themselves.
 *
 * @typedef {string|Uint8Array} Source
 */
const fetched = new Map();
/** Answers held in the page; the browser's own cache gives back what is dropped here. */
const HELD = 24;

async function read(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`The server answered ${answer.status} for ${address}.`);
  return new Uint8Array(await answer.arrayBuffer());
}

/**
 * @param {Source} source
 * @returns {Promise<Uint8Array>}
 */
export function fetchBytes(source) {
  if (source instanceof Uint8Array) return Promise.resolve(source);
  if (!fetched.has(source)) {
    const reading = read(source);
    reading.catch(() => fetched.delete(source));
    fetched.set(source, reading);
    if (fetched.size > HELD) fetched.delete(fetched.keys().next().value);
  }
  return fetched.get(source);
}

const ARRAYS = {
  float32: Float32Array,
  int32: Int32Array,
  int16: Int16Array,
  uint8: Uint8Array,
};

/** IEEE half-precision numbers (as 16-bit patterns) to Float32Array. */
export function halfToFloat(halves) {
  const table = halfTable();
  const floats = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) floats[i] = table[halves[i]];
  return floats;
}

let halves = null;

function halfTable() {
  if (halves) return halves;
  halves = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0) halves[bits] = sign * fraction * 2 ** -24;
    else if (exponent === 31) halves[bits] = fraction ? NaN : sign * Infinity;
    else halves[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return halves;
}

/**
 * Reads a bundle of named arrays (vae_core.formats.bundles.bundle): a little-endian uint32 with the
 * length of a JSON header, the header, and the arrays, each aligned to 8 bytes.
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
