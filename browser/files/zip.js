/** Write zip files and files of tensors. No DOM. */
import { crc32 } from "./checksums.js";

/** A zip keeps the year from 1980 on. @returns {[number, number]} date and time as a zip has them */
function moment(date) {
  const days = ((date.getFullYear() - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate();
  return [days, (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1)];
}

/**
 * Pack files, uncompressed.
 *
 * @param {Record<string, Uint8Array>} files  by their paths, in ASCII
 * @param {Date} [date]
 * @returns {Uint8Array}
 */
export function zip(files, date = new Date()) {
  const [day, time] = moment(date);
  const heads = [];
  const parts = [];
  let at = 0;
  for (const [path, content] of Object.entries(files)) {
    const name = new TextEncoder().encode(path);
    // Version 2.0, no flags, stored; then the moment, the checksum, the sizes and the length of the name.
    const shared = record([[2, 20], [2, 0], [2, 0], [2, time], [2, day], [4, crc32(content)], [4, content.length],
      [4, content.length], [2, name.length], [2, 0]]);
    parts.push(record([[4, 0x04034b50]]), shared, name, content);
    heads.push(record([[4, 0x02014b50], [2, 20]]), shared, record([[2, 0], [2, 0], [2, 0], [4, 0], [4, at]]), name);
    at += 4 + shared.length + name.length + content.length;
  }
  const directory = concatenate(heads);
  const count = Object.keys(files).length;
  const end = record([[4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, directory.length], [4, at], [2, 0]]);
  return concatenate([...parts, directory, end]);
}

/** Little-endian whole numbers of so many bytes. @param {[number, number][]} numbers */
function record(numbers) {
  return Uint8Array.from(numbers.flatMap(([bytes, value]) => Array.from({ length: bytes }, (_, i) => (value >>> (8 * i)) & 255)));
}

function concatenate(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const TYPES = new Map([[Float32Array, "F32"], [BigInt64Array, "I64"]]);

/**
 * Write tensors as a safetensors file: the length of a JSON header, the header, and the values.
 *
 * @param {Record<string, {values: Float32Array | BigInt64Array, shape: number[]}>} tensors
 * @returns {Uint8Array}
 */
export function safetensors(tensors) {
  let at = 0;
  const header = Object.fromEntries(Object.entries(tensors).map(([name, { values, shape }]) => {
    const from = at;
    at += values.byteLength;
    return [name, { dtype: TYPES.get(values.constructor), shape, data_offsets: [from, at] }];
  }));
  // Values begin at a multiple of 8 bytes.
  const text = JSON.stringify(header);
  const padded = new TextEncoder().encode(text + " ".repeat((8 - (text.length % 8)) % 8));
  const contents = Object.values(tensors).map(({ values }) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return concatenate([record([[4, padded.length], [4, 0]]), padded, ...contents]);
}
