import assert from "node:assert/strict";
import test from "node:test";

import {
  colourIndex, colourPalette, encodeGif, greyPalette, lzw,
} from "../../../../browser/files/gif.js";

/** LZW read back as the GIF specification tells it, independent of the encoder. */
function unlzw(bytes) {
  const out = [];
  let position = 0;
  let size = 9;
  let table = [];
  let previous = null;
  const read = () => {
    let code = 0;
    for (let bit = 0; bit < size; bit += 1, position += 1) {
      code |= ((bytes[position >> 3] >> (position & 7)) & 1) << bit;
    }
    return code;
  };
  for (;;) {
    const code = read();
    if (code === 257) return out;
    if (code === 256) {
      table = Array.from({ length: 258 }, (_, i) => [i]);
      size = 9;
      previous = null;
      continue;
    }
    assert.ok(code <= table.length, `code ${code} of ${table.length}`);
    const entry = code < table.length ? table[code] : [...previous, previous[0]];
    out.push(...entry);
    if (previous && table.length < 4096) table.push([...previous, entry[0]]);
    if (table.length === 1 << size && size < 12) size += 1;
    previous = entry;
  }
}

const noise = (n, levels, seed = 1) => {
  let state = seed;
  return Uint8Array.from({ length: n }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 16) % levels;
  });
};

test("LZW is lossless for flat, noisy, long and empty data", () => {
  const cases = [
    new Uint8Array(0),
    Uint8Array.of(200),
    new Uint8Array(100_000),
    noise(60_000, 256),
    noise(60_000, 2),
    Uint8Array.from({ length: 50_000 }, (_, i) => (i * i) >> 7),
  ];
  for (let n = 250; n < 262; n += 1) cases.push(noise(n, 256, n));
  for (let n = 1015; n < 1030; n += 1) cases.push(noise(n, 256, n));
  for (let n = 3830; n < 3850; n += 1) cases.push(noise(n, 256, n));
  for (const indices of cases) assert.deepEqual(unlzw(lzw(indices)), [...indices]);
});

test("a flat picture is compressed well", () => {
  assert.ok(lzw(new Uint8Array(100_000)).length < 1500);
});

test("a frame of the wrong size is an error that gives its size", () => {
  const animation = { width: 3, height: 3, frames: [new Uint8Array(8)], palette: greyPalette(), delay: 50 };
  assert.throws(() => encodeGif(animation), /8 pixels, not 3 x 3/);
});

test("each colour of the palette is its own nearest, and every colour has a near one", () => {
  const palette = colourPalette();
  for (let i = 0; i < 252; i += 1) {
    assert.equal(colourIndex(palette[3 * i], palette[3 * i + 1], palette[3 * i + 2]), i);
  }
  for (const value of [0, 13, 77, 128, 200, 255]) {
    const i = colourIndex(value, 255 - value, value);
    assert.ok(Math.abs(palette[3 * i] - value) <= 26 && Math.abs(palette[3 * i + 1] - 255 + value) <= 22);
  }
});
