/**
 * Pictures that are dropped into the page, as data to train on. They never leave it.
 *
 * @typedef {{width: number, height: number, levels: Uint8Array}} Grey
 */

/** Pictures, their bytes and their sides, at most; pictures at least. */
const [MOST, LEAST, MOST_BYTES] = [2000, 10, 20 * 2 ** 20];
/** The side of a picture that is trained on, at most. */
const SIDE = 28;
/** One of so many pictures is shown and not trained on; at most this many are. */
const [EVERY, MOST_SHOWN] = [5, 360];

/** The side that all pictures get: their own if all are equal squares of at most 28 pixels. */
export function sideOf(sizes) {
  const [{ width, height }] = sizes;
  const alike = sizes.every((one) => one.width === width && one.height === height);
  return alike && width === height && width <= SIDE ? width : SIDE;
}

/** The middle square of a picture. @param {{width: number, height: number}} size */
export function squareOf({ width, height }) {
  const side = Math.min(width, height);
  return { left: Math.floor((width - side) / 2), top: Math.floor((height - side) / 2), side };
}

/** Grey levels of RGBA pixels on white, as ITU-R BT.601 weighs them. @param {Uint8ClampedArray} rgba */
export function greyOf(rgba) {
  return Uint8Array.from({ length: rgba.length / 4 }, (_, i) => {
    const [red, green, blue, alpha] = rgba.subarray(4 * i, 4 * i + 4);
    return Math.round(((0.299 * red + 0.587 * green + 0.114 * blue) * alpha + 255 * (255 - alpha)) / 255);
  });
}

/**
 * Data of grey pictures of one side: every fifth is shown, the others are trained on.
 *
 * @param {Uint8Array[]} pictures  (side²) each
 * @param {number} side
 * @returns {import("./trainer.js").Data}
 */
export function dataOf(pictures, side) {
  const rows = pictures.map((_, i) => i);
  const shown = rows.filter((i) => i % EVERY === 0).slice(0, MOST_SHOWN);
  const trained = rows.filter((i) => !shown.includes(i));
  const joined = (some) => Uint8Array.from({ length: some.length * side * side }, (_, i) => pictures[some[Math.floor(i / side ** 2)]][i % side ** 2]);
  return {
    name: "pictures", title: "Your pictures", shape: [1, side, side], classes: [],
    images: joined(trained), shown: joined(shown), labels: null, ids: Int32Array.from(shown), trainSize: null,
  };
}

/** What was done with the pictures, in sentences. */
export function describe({ read, failed, more, side, converted }) {
  return [
    `${read.toLocaleString("en")} pictures, ${converted ? `made grey, cropped to squares and resized to ${side} × ${side}` : `grey, ${side} × ${side}`}; `
      + `every fifth is shown on the map and not trained on. They stay in this browser.`,
    failed === 1 && "1 file could not be read as a picture.",
    failed > 1 && `${failed.toLocaleString("en")} files could not be read as pictures.`,
    more > 0 && `${more.toLocaleString("en")} more were left out: at most ${MOST.toLocaleString("en")} are taken.`,
  ].filter(Boolean).join(" ");
}

/** Draw a picture's middle square at a size. @returns {Promise<Uint8ClampedArray>} RGBA */
async function resized(bitmap, side) {
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const square = squareOf(bitmap);
  context.imageSmoothingQuality = "high";
  // By halves, since browsers look at few pixels of what they reduce much.
  let source = bitmap;
  let [left, top, from] = [square.left, square.top, square.side];
  while (from > 2 * side) {
    const half = Math.ceil(from / 2);
    const smaller = new OffscreenCanvas(half, half);
    smaller.getContext("2d").drawImage(source, left, top, from, from, 0, 0, half, half);
    [source, left, top, from] = [smaller, 0, 0, half];
  }
  context.drawImage(source, left, top, from, from, 0, 0, side, side);
  return context.getImageData(0, 0, side, side).data;
}

/**
 * Read pictures.
 *
 * @param {File[]} files
 * @returns {Promise<{data: import("./trainer.js").Data, said: string}>}
 * @throws {RangeError} with a sentence, if there are too few
 */
export async function readPictures(files) {
  const bitmaps = [];
  let failed = 0;
  for (const file of files.slice(0, MOST)) {
    try {
      if (file.size > MOST_BYTES) throw new RangeError("too large");
      bitmaps.push(await createImageBitmap(file));
    } catch {
      failed += 1;
    }
  }
  if (bitmaps.length < LEAST) {
    throw new RangeError(`${bitmaps.length} of these files can be read as pictures; at least ${LEAST} are needed, such as PNG or JPEG.`);
  }
  const side = sideOf(bitmaps);
  const pictures = [];
  let converted = bitmaps.some(({ width, height }) => width !== side || height !== side);
  for (const bitmap of bitmaps) {
    const rgba = await resized(bitmap, side);
    converted ||= rgba.some((level, i) => i % 4 < 3 && level !== rgba[i - (i % 4)]);
    pictures.push(greyOf(rgba));
    bitmap.close();
  }
  return { data: dataOf(pictures, side), said: describe({ read: bitmaps.length, failed, more: Math.max(0, files.length - MOST), side, converted }) };
}
