/** Draw many points into the pixels of an image. No DOM. */

/** Positions of a disc within a pixel, in each direction. */
const SUBPIXELS = 4;

/**
 * Tables of alpha compositing, at 256 · covered + added (opacities 0 to 255): the resulting opacity,
 * and the share of the added colour in 256ths.
 */
const ALPHAS = new Uint8Array(65536);
const SHARES = new Uint16Array(65536);
for (let covered = 0; covered < 256; covered++) {
  for (let added = 0; added < 256; added++) {
    const alpha = covered + ((255 - covered) * added) / 255;
    ALPHAS[covered * 256 + added] = Math.round(alpha);
    SHARES[covered * 256 + added] = alpha > 0 ? Math.round((256 * added) / alpha) : 0;
  }
}

/** Discs by radius and image width. */
const masks = new Map();

/** Return anti-aliased discs for all subpixel positions: offsets into an image, and coverages 0 to 255. */
function discs(radius, width) {
  const key = `${radius.toFixed(2)}:${width}`;
  if (masks.has(key)) return masks.get(key);
  const reach = Math.ceil(radius + 1);
  const list = [];
  for (let sy = 0; sy < SUBPIXELS; sy++) {
    for (let sx = 0; sx < SUBPIXELS; sx++) {
      const offsets = [];
      const covers = [];
      const cx = (sx + 0.5) / SUBPIXELS;
      const cy = (sy + 0.5) / SUBPIXELS;
      for (let dy = -reach; dy <= reach; dy++) {
        for (let dx = -reach; dx <= reach; dx++) {
          const distance = Math.hypot(dx + 0.5 - cx, dy + 0.5 - cy);
          const cover = Math.min(1, Math.max(0, radius + 0.5 - distance));
          if (cover < 0.06) continue;
          offsets.push(dy * width + dx);
          covers.push(Math.round(255 * cover));
        }
      }
      list.push({ offsets: Int32Array.from(offsets), covers: Int32Array.from(covers) });
    }
  }
  if (masks.size > 24) masks.clear();
  const made = { list, reach };
  masks.set(key, made);
  return made;
}

/**
 * Draw points as discs whose opacities add up where they overlap, so that dense regions are more opaque.
 *
 * @param {Uint32Array} pixels  RGBA of an image, little-endian, drawn over
 * @param {{width: number, height: number}} image  device pixels
 * @param {{x: ArrayLike<number>, y: ArrayLike<number>}} positions
 * @param {{scale: number, left: number, top: number}} view  device pixel = left + scale · x and
 *   top − scale · y
 * @param {object} style
 * @param {number} style.radius  device pixels
 * @param {number} style.opacity  of one point, 0 to 1
 * @param {Uint32Array} style.colours  0xBBGGRR for each point
 * @param {Uint8Array} style.layer  (n) the pass in which each point is drawn
 * @param {number} style.wanted  this pass
 */
export function splat(pixels, { width, height }, { x, y }, view, style) {
  const { list, reach } = discs(style.radius, width);
  const opacity = Math.round(256 * Math.min(1, style.opacity));
  for (let n = 0; n < x.length; n++) {
    if (style.layer[n] !== style.wanted) continue;
    const px = view.left + view.scale * x[n];
    const py = view.top - view.scale * y[n];
    const column = Math.floor(px);
    const row = Math.floor(py);
    if (column < reach || row < reach || column >= width - reach || row >= height - reach) continue;
    const sub = Math.floor((py - row) * SUBPIXELS) * SUBPIXELS + Math.floor((px - column) * SUBPIXELS);
    const { offsets, covers } = list[sub];
    const centre = row * width + column;
    const colour = style.colours[n];
    const red = colour & 255;
    const green = (colour >> 8) & 255;
    const blue = (colour >> 16) & 255;
    for (let k = 0; k < offsets.length; k++) {
      const at = centre + offsets[k];
      const under = pixels[at];
      const mixture = ((under >>> 24) << 8) | ((covers[k] * opacity) >> 8);
      const alpha = ALPHAS[mixture] << 24;
      const rgb = under & 0xffffff;
      if (rgb === colour) {
        pixels[at] = (alpha | colour) >>> 0;
        continue;
      }
      const share = SHARES[mixture];
      const r = under & 255;
      const g = (under >> 8) & 255;
      const b = (under >> 16) & 255;
      pixels[at] =
        (alpha |
          ((b + (((blue - b) * share) >> 8)) << 16) |
          ((g + (((green - g) * share) >> 8)) << 8) |
          (r + (((red - r) * share) >> 8))) >>>
        0;
    }
  }
}
