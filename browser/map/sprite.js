/** The original pictures of a set, all in one image, found by example id. */
import { unbundle } from "../files/assets.js";

/**
 * @param {Uint8Array} bytes  of vae_core.formats.bundles.sprite_bundle
 * @returns {Promise<{size: {width: number, height: number}, has: (id: number) => boolean,
 *   draw: (context: CanvasRenderingContext2D, id: number) => void}>}
 */
export async function readSprite(bytes) {
  const { meta, arrays } = unbundle(bytes);
  const { columns, width, height } = meta;
  const tiles = new Map(Array.from(arrays.ids, (id, tile) => [id, tile]));
  const sheet = await createImageBitmap(new Blob([arrays.png], { type: "image/png" }));
  return {
    size: { width, height },
    has: (id) => tiles.has(id),
    draw(context, id) {
      const tile = tiles.get(id);
      const x = (tile % columns) * width;
      const y = Math.floor(tile / columns) * height;
      context.drawImage(sheet, x, y, width, height, 0, 0, width, height);
    },
  };
}
