/**
 * The picture of the code that is shown, drawn in the frame in which the code changes.
 *
 * Data besides the page's: `caption` (whether the code is written below) and `size` (CSS pixels).
 */
import { decode, pixelCount } from "../model/network.js";
import { paint } from "../ui/pixels.js";
import { schedule, storeOf, unschedule } from "../state/store.js";
import { code } from "../ui/words.js";

/**
 * @param {HTMLElement} element
 * @param {any} data
 * @returns {import("../panel.js").Panel}
 */
export function mount(element, data) {
  const store = storeOf(data.side);
  const figure = document.createElement("figure");
  figure.className = "lx-picture";
  const canvas = document.createElement("canvas");
  canvas.className = "lx-pixels";
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "The decoded picture");
  const caption = document.createElement("figcaption");
  const which = document.createElement("span");
  const numbers = document.createElement("span");
  which.className = "lx-quiet";
  numbers.className = "lx-number";
  caption.append(which, numbers);
  figure.append(canvas, caption);
  element.append(figure);

  const context = canvas.getContext("2d");
  let image = null;
  let mean = null;
  let drawnFor = null;

  function draw() {
    const { network, live } = store.get();
    if (!network?.decoder) return;
    if (drawnFor !== network.hash) {
      const [, height, width] = network.imageShape;
      canvas.width = width;
      canvas.height = height;
      image = context.createImageData(width, height);
      mean = new Float32Array(pixelCount(network));
      canvas.style.aspectRatio = `${width} / ${height}`;
      figure.classList.add("lx-ready");
      drawnFor = network.hash;
    }
    const z = store.shown();
    if (z.length !== network.latentDim) return;
    paint(decode(network, z, store.label(), mean), network.imageShape, image);
    context.putImageData(image, 0, 0);
    which.textContent = live ? "Under the pointer" : "Pinned";
    numbers.textContent = code(z);
  }

  function configure() {
    figure.style.maxWidth = `${data.size}px`;
    caption.hidden = data.caption === false;
  }

  const stop = store.subscribe((state, changed) => {
    if (["z", "live", "y", "liveY", "network"].some((key) => changed.has(key))) schedule(draw);
  });
  configure();
  schedule(draw);

  return {
    update(newData) {
      data = newData;
      configure();
      schedule(draw);
    },
    destroy() {
      stop();
      unschedule(draw);
      figure.remove();
    },
  };
}
