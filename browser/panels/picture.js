/**
 * The decoded image of the code that is shown, drawn in the frame in which the code changes.
 *
 * @typedef {object} PictureData
 * @property {number} size  the greatest width: a fourteenth of it in rem, so that it grows with the text;
 *   a large picture may be as wide as its column where the screen is high enough
 * @property {boolean} [caption]  whether the code is written below
 * @property {string | null} [side]
 */
import { describeShown } from "../map/reading.js";
import { createFollower } from "../model/decoding.js";
import { canDecode } from "../model/network.js";
import { schedule, storeOf, unschedule } from "../state/store.js";
import { make } from "../ui/dom.js";
import { createMover } from "../ui/floating.js";
import { paint } from "../ui/pixels.js";
import { code } from "../ui/words.js";

const LARGE = 300;

/**
 * @param {HTMLElement} element
 * @param {PictureData} data
 * @returns {import("../panel.js").Panel}
 */
export function mount(element, data) {
  const store = storeOf(data.side);
  const canvas = make("canvas", { class: "lx-pixels", role: "img", "aria-label": "The decoded image" });
  const which = make("span", { class: "lx-quiet" });
  const numbers = make("span", { class: "lx-number" });
  const caption = make("figcaption", {}, which, numbers);
  const figure = make("figure", { class: "lx-picture" }, canvas, caption, createMover());
  element.append(figure);
  const context = canvas.getContext("2d");
  let image = null;
  let drawnFor = null;
  const follow = createFollower((mean, { hash, imageShape }) => {
    if (hash !== drawnFor) return; // another model has been opened meanwhile
    paint(mean, imageShape, image);
    context.putImageData(image, 0, 0);
    figure.classList.add("lx-ready");
  });

  function resize(network) {
    const [, height, width] = network.imageShape;
    Object.assign(canvas, { width, height });
    canvas.style.aspectRatio = `${width} / ${height}`;
    image = context.createImageData(width, height);
    drawnFor = network.hash;
  }

  function draw() {
    const { network, live, hovered, pinnedId, reading } = store.get();
    const z = store.shown();
    if (!canDecode(network, z)) return;
    if (drawnFor !== network.hash) resize(network);
    follow(network, z, store.label());
    which.textContent = live ? "Preview" : "Selected point";
    numbers.textContent = code(z);
    const near = live !== null;
    const shown = describeShown({ reading, id: near ? hovered : pinnedId, near, code: code(z) });
    canvas.setAttribute("aria-label", `Decoded image: ${shown}`);
  }

  function update(next) {
    const width = `${next.size / 14}rem`;
    // Title, controls, and what is said of the picture stay on the screen.
    figure.style.maxWidth = next.size < LARGE ? width : `max(${width}, 100dvh - 24rem)`;
    caption.hidden = next.caption === false;
    schedule(draw);
  }

  const unsubscribe = store.subscribe((state, changed) => {
    if (["z", "live", "y", "liveY", "network", "hovered", "pinnedId", "reading"].some((key) => changed.has(key))) schedule(draw);
  });
  update(data);

  return {
    update,
    destroy() {
      unsubscribe();
      unschedule(draw);
      figure.remove();
    },
  };
}
