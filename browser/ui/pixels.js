/**
 * Write decoded pictures as RGBA pixels, and measure them. No DOM.
 *
 * @typedef {[number, number, number]} Shape channels (1 or 3), height, width
 * @typedef {{data: Uint8ClampedArray, width: number}} Target RGBA, as in ImageData
 */

/**
 * Write a picture into an image.
 *
 * @param {Float32Array} mean (c * h * w,) in [0, 1]
 * @param {Shape} shape
 * @param {Target} target changed in place
 * @param {number} [x] left, in pixels
 * @param {number} [y] top, in pixels
 * @param {boolean} [inverted] swap black and white
 */
export function paint(mean, [channels, height, width], target, x = 0, y = 0, inverted = false) {
  const { data } = target;
  const slope = inverted ? -255 : 255;
  const base = inverted ? 255 : 0;
  if (channels === 1) {
    const pixels = new Uint32Array(data.buffer, data.byteOffset, data.length / 4);
    paintGrey(mean, [height, width], pixels, y * target.width + x, target.width, [base, slope]);
    return;
  }
  const plane = height * width;
  for (let row = 0, from = 0; row < height; row += 1) {
    let to = 4 * ((y + row) * target.width + x);
    for (let column = 0; column < width; column += 1, from += 1, to += 4) {
      data[to] = base + slope * mean[from];
      data[to + 1] = base + slope * mean[from + plane];
      data[to + 2] = base + slope * mean[from + 2 * plane];
      data[to + 3] = 255;
    }
  }
}

/** Rounds and limits a level as ImageData does. */
const level = new Uint8ClampedArray(1);

/** Write a picture of one channel, one number for each pixel. */
function paintGrey(mean, [height, width], pixels, start, wide, [base, slope]) {
  for (let row = 0, from = 0; row < height; row += 1) {
    let to = start + row * wide;
    for (let column = 0; column < width; column += 1, from += 1, to += 1) {
      level[0] = base + slope * mean[from];
      pixels[to] = 0xff000000 | (0x010101 * level[0]);
    }
  }
}

/** Values below this count as black. */
const DARK = 0.1;

/**
 * Return whether a picture's outermost pixels are black, so that pictures side by side need no gap.
 *
 * @param {Float32Array} mean (c * h * w,) in [0, 1]
 * @param {Shape} shape
 */
export function hasMargin(mean, [channels, height, width]) {
  for (let at = 0; at < channels * height * width; at += 1) {
    const row = Math.floor(at / width) % height;
    const column = at % width;
    const outermost = row === 0 || row === height - 1 || column === 0 || column === width - 1;
    if (outermost && mean[at] >= DARK) return false;
  }
  return true;
}

/** The smallest share of black pixels of a picture with a black background. */
const BACKGROUND = 0.2;

/** Return whether a picture has a black background, as handwriting in MNIST has. @param {Float32Array} mean */
export function isDark(mean) {
  return mean.reduce((count, value) => count + (value < DARK ? 1 : 0), 0) > BACKGROUND * mean.length;
}

// Blue and orange are distinct under all common forms of colour blindness.
const DARKER = [33, 102, 172];
const LIGHTER = [230, 97, 1];

/**
 * Write the difference of two pictures: blue where the second is darker, orange where it is lighter,
 * transparent where they are equal.
 *
 * @param {Float32Array} before (c * h * w,)
 * @param {Float32Array} after (c * h * w,)
 * @param {Shape} shape
 * @param {Target} target changed in place
 * @param {number} full the difference that is opaque, above 0
 * @param {number} [x]
 * @param {number} [y]
 */
export function paintChange(before, after, [channels, height, width], target, full, x = 0, y = 0) {
  const plane = height * width;
  for (let row = 0, from = 0; row < height; row += 1) {
    let to = 4 * ((y + row) * target.width + x);
    for (let column = 0; column < width; column += 1, from += 1, to += 4) {
      let change = 0;
      for (let c = 0; c < channels; c += 1) change += after[c * plane + from] - before[c * plane + from];
      change /= channels;
      const colour = change < 0 ? DARKER : LIGHTER;
      target.data[to] = colour[0];
      target.data[to + 1] = colour[1];
      target.data[to + 2] = colour[2];
      target.data[to + 3] = 255 * Math.min(1, Math.abs(change) / full);
    }
  }
}

/** Return the largest absolute difference of two pictures. @param {Float32Array} before @param {Float32Array} after */
export function largestChange(before, after) {
  let largest = 0;
  for (let i = 0; i < before.length; i += 1) largest = Math.max(largest, Math.abs(after[i] - before[i]));
  return largest;
}
