/** Say what the map decodes where it is not the point itself. No DOM. */

const NO_INVERSE = "t-SNE cannot be decoded; showing the nearest image.";
const NOT_DRAWN = "The selected code is not one of these images, so the map cannot show it.";

/**
 * Return the sentence for a plane, or null if what is shown is the point itself.
 *
 * @param {import("./set.js").EncodedSet} set
 * @param {object} shown
 * @param {boolean} shown.hovering  whether the live code comes from this map
 * @param {number|null} shown.hovered  id of the example under the pointer
 * @param {number|null} shown.pinnedId
 * @returns {string|null}
 */
export function hintOf({ points, plane, projected }, { hovering, hovered, pinnedId }) {
  if (!plane.lift) return points.byId.has(pinnedId) ? NO_INVERSE : `${NO_INVERSE} ${NOT_DRAWN}`;
  if (!projected || !hovering || hovered !== null) return null;
  const others = points.latentDim - 2;
  if (plane.key === "pca") {
    return `Projected: the other ${others === 1 ? "direction is at its" : `${others} directions are at their`} mean.`;
  }
  return `Projected: the other ${others === 1 ? "dimension is" : `${others} dimensions are`} as in the selected code.`;
}
