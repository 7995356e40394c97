/**
 * Read the original pictures of a set, which come as one image.
 *
 * @typedef {object} Sprite
 * @property {{width: number, height: number}} size  of each picture, pixels
 * @property {(id: number) => boolean} has  whether there is a picture of the example
 * @property {(context: CanvasRenderingContext2D, id: number) => void} draw
 */
import { unbundle } from "../files/assets.js";

/** Read a sprite. @param {Uint8Array} bytes  of vae_core.formats.bundles.sprite_bundle @returns {Promise<Sprite>} */
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
