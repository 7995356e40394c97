/** The place that is looked at: an image and its reconstruction, or what is decoded there. */
import { make } from "../ui/dom.js";
import { createTiles } from "../ui/tiles.js";
import { code } from "../ui/words.js";
import { LEVELS } from "./batches.js";

export function createCloseUp() {
  const canvases = [0, 1].map(() => make("canvas", { class: "lx-tiles", role: "img" }));
  const captions = [0, 1].map(() => make("figcaption", { class: "lx-quiet" }));
  const figures = [0, 1].map((i) => make("figure", {}, canvases[i], captions[i]));
  const position = make("p", { class: "lx-number lx-quiet" });
  const element = make("div", { class: "lx-training-closeup" }, ...figures, position);
  const tiles = canvases.map(createTiles);

  /** @param {{frame: import("./session.js").Frame, data: import("./trainer.js").Data, place: import("./map.js").Place}} shown */
  function show({ frame, data, place: { z, row }, settings: { latentDim: d } }) {
    const { shape, shown, labels, classes } = data;
    const pixels = shape[0] * shape[1] * shape[2];
    figures[0].hidden = row === null;
    if (row !== null) {
      tiles[0].layOut({ columns: 1, shape });
      tiles[0].picture(0, Float32Array.from(shown.subarray(row * pixels, (row + 1) * pixels), (level) => LEVELS[level]));
      const name = labels === null ? "Image" : `Image, a ${classes[labels[row]]}`;
      captions[0].textContent = name;
      canvases[0].setAttribute("aria-label", name);
    }
    // The frame may be older than what is looked at.
    if (frame.pictures.length < pixels) return;
    tiles[1].layOut({ columns: 1, shape });
    tiles[1].picture(0, frame.pictures.subarray(frame.pictures.length - pixels));
    captions[1].textContent = row === null ? "Decoded here" : "Reconstruction";
    const at = row === null ? z : frame.mu.subarray(row * d, (row + 1) * d);
    canvases[1].setAttribute("aria-label", `${captions[1].textContent}: ${code(at)}`);
    position.textContent = code(at);
  }

  return { element, show };
}
