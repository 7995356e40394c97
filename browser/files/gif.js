/** Write animated GIF files (version 89a, one palette for all frames). */

const LARGEST_CODE = 4096;

/** Return a palette of greys: index k is the grey level k. @returns {Uint8Array} (768,) */
export function greyPalette() {
  return Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));
}

/** Return a palette of 6 x 7 x 6 levels of red, green and blue, filled up with black. @returns {Uint8Array} (768,) */
export function colourPalette() {
  const palette = new Uint8Array(768);
  for (let i = 0; i < 252; i += 1) {
    palette[3 * i] = Math.floor(i / 42) * 51;
    palette[3 * i + 1] = Math.round((Math.floor(i / 6) % 7) * 42.5);
    palette[3 * i + 2] = (i % 6) * 51;
  }
  return palette;
}

/**
 * Return the index in `colourPalette` of the nearest colour.
 *
 * @param {number} r 0 to 255
 * @param {number} g
 * @param {number} b
 */
export function colourIndex(r, g, b) {
  return Math.round(r / 51) * 42 + Math.round(g / 42.5) * 6 + Math.round(b / 51);
}

/**
 * Compress with the LZW of GIF: codes of 9 to 12 bits, least significant bit first.
 *
 * @param {Uint8Array} indices
 * @returns {Uint8Array}
 */
export function lzw(indices) {
  const clear = 256;
  const end = 257;
  const out = new Uint8Array(16 + Math.ceil(indices.length * 1.75));
  let used = 0;
  let buffer = 0;
  let bits = 0;
  let size = 9;
  let next = end + 1;
  /** Codes of sequences, by the code of all but the last byte and that byte (256 * code + byte). */
  const table = new Map();

  const write = (code) => {
    buffer |= code << bits;
    bits += size;
    while (bits >= 8) {
      out[used++] = buffer & 255;
      buffer >>>= 8;
      bits -= 8;
    }
  };

  write(clear);
  let prefix = -1;
  for (const index of indices) {
    if (prefix < 0) {
      prefix = index;
      continue;
    }
    const longer = prefix * 256 + index;
    const known = table.get(longer);
    if (known !== undefined) {
      prefix = known;
      continue;
    }
    write(prefix);
    prefix = index;
    if (next === LARGEST_CODE) {
      write(clear);
      table.clear();
      size = 9;
      next = end + 1;
      continue;
    }
    // The decoder adds each code one step later, so the width grows when `next` itself needs it.
    if (next === 1 << size) size += 1;
    table.set(longer, next);
    next += 1;
  }
  if (prefix >= 0) {
    write(prefix);
    if (next === 1 << size && size < 12) size += 1;
  }
  write(end);
  if (bits > 0) out[used++] = buffer & 255;
  return out.subarray(0, used);
}

/**
 * Write an animation as a GIF file.
 *
 * @param {object} animation
 * @param {number} animation.width pixels
 * @param {number} animation.height pixels
 * @param {Uint8Array[]} animation.frames each (width * height,) indices into the palette
 * @param {Uint8Array} animation.palette (768,)
 * @param {number} animation.delay milliseconds between frames
 * @param {boolean} [animation.loop] whether it repeats
 * @returns {Uint8Array} the file
 * @throws {RangeError} if a frame has another number of pixels
 */
export function encodeGif({ width, height, frames, palette, delay, loop = true }) {
  const little = (value) => [value & 255, (value >> 8) & 255];
  const hundredths = little(Math.max(2, Math.round(delay / 10)));
  const size = [...little(width), ...little(height)];
  const parts = [
    text("GIF89a"),
    // 0xf7: a global palette of 256 colours with 8 bits for each channel.
    Uint8Array.from([...size, 0xf7, 0, 0]),
    palette,
  ];
  if (loop) {
    parts.push(Uint8Array.from([0x21, 0xff, 11]), text("NETSCAPE2.0"), Uint8Array.from([3, 1, 0, 0, 0]));
  }
  const packed = new Map();
  for (const frame of frames) {
    if (frame.length !== width * height) {
      throw new RangeError(`a frame has ${frame.length} pixels, not ${width} x ${height}`);
    }
    parts.push(Uint8Array.from([0x21, 0xf9, 4, 4, ...hundredths, 0, 0]));
    parts.push(Uint8Array.from([0x2c, 0, 0, 0, 0, ...size, 0, 8]));
    // A frame that is repeated, as in an animation that goes back, is compressed once.
    if (!packed.has(frame)) packed.set(frame, blocks(lzw(frame)));
    parts.push(packed.get(frame));
  }
  parts.push(Uint8Array.from([0x3b]));
  return concatenate(parts);
}

/** Split data into blocks of at most 255 bytes, each after its length; the last one is empty. */
function blocks(data) {
  const parts = [];
  for (let start = 0; start < data.length; start += 255) {
    const block = data.subarray(start, start + 255);
    parts.push(Uint8Array.from([block.length]), block);
  }
  parts.push(Uint8Array.from([0]));
  return concatenate(parts);
}

function text(ascii) {
  return Uint8Array.from(ascii, (character) => character.charCodeAt(0));
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
