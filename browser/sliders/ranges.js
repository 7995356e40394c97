/** The ranges of latent dimensions that sliders and traversals show. No DOM. */

/** @typedef {[number, number]} Range  the lowest and the highest value of a traversal */

/** The range of N(0, 1), for data without ranges. @type {Range} */
const USUAL = [-3, 3];
/** Pictures of a traversal. */
export const FRAMES = 7;

/** The range of each of `count` dimensions. @param {Range[]|null|undefined} ranges  from Python @returns {Range[]} */
export function rangesOf(ranges, count) {
  return Array.from({ length: count }, (_, dim) => {
    const [low, high] = ranges?.[dim] ?? USUAL;
    // A dimension that never changes still needs a slider.
    return high - low > 1e-3 ? [low, high] : [low - 0.5, high + 0.5];
  });
}

/** The values of a traversal. @param {Range} range @returns {number[]} (FRAMES) */
export function traversalValues([low, high]) {
  return Array.from({ length: FRAMES }, (_, i) => low + ((high - low) * i) / (FRAMES - 1));
}

/** The ends of a slider: one picture of the traversal beyond each end, in tenths. @param {Range} range @returns {Range} */
export function sliderEnds([low, high]) {
  const step = (high - low) / (FRAMES - 1);
  const tenths = (value) => Number((10 * value).toFixed(6));
  return [Math.floor(tenths(low - step)) / 10, Math.ceil(tenths(high + step)) / 10];
}

/**
 * Where a value lies on a traversal's pictures.
 *
 * @param {number} value @param {Range} range
 * @returns {number|null} 0 to 1 from the left of the first picture to the right of the last; null beyond
 */
export function shareOnFrames(value, [low, high]) {
  const share = (((value - low) / (high - low)) * (FRAMES - 1) + 0.5) / FRAMES;
  return share >= 0 && share <= 1 ? share : null;
}
