/** The pictures of a replay on one canvas, faded from frame to frame. */
import { createTiles } from "../ui/tiles.js";
import { crossfade } from "./timeline.js";

/**
 * @param {HTMLCanvasElement} canvas
 * @param {"grid" | "samples"} part  of a frame
 */
export function createFadingTiles(canvas, part) {
  const tiles = createTiles(canvas);
  const drawn = { frames: null, position: NaN };

  /**
   * Draws the pictures at a position in time.
   *
   * @param {import("./frames.js").Frame[]} frames
   * @param {number} position  in frames
   * @param {{columns: number, rows: number, hairlines: string | null}} layout
   */
  function show(frames, position, layout) {
    const { shape } = frames[0];
    const fresh = tiles.layOut({ ...layout, shape });
    if (!fresh && drawn.frames === frames && drawn.position === position) return;
    Object.assign(drawn, { frames, position });
    const first = Math.floor(position);
    const next = Math.min(frames.length - 1, first + 1);
    const means = crossfade(frames[first][part], frames[next][part], position - first);
    const pixels = shape[0] * shape[1] * shape[2];
    for (let i = 0; i < means.length / pixels; i += 1) tiles.picture(i, means.subarray(i * pixels, (i + 1) * pixels));
  }

  return { show };
}
