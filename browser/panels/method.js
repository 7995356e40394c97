/**
 * One step of the method with the live numbers of one image.
 *
 * @typedef {object} MethodData
 * @property {"x"|"encoder"|"noise"|"decoder"|"terms"|"objective"} part
 * @property {import("../files/assets.js").Source} codes
 * @property {import("../files/assets.js").Source|null} sprite
 * @property {string[]} classes
 * @property {boolean} has_pixel_terms
 * @property {string|null} average
 */
import { drawAgain, follow, load, subjectOf } from "../learn/subject.js";
import { schedule, store, unschedule } from "../state/store.js";
import { make } from "../ui/dom.js";
import { paint } from "../ui/pixels.js";
import { dimension, number } from "../ui/words.js";

/** Dimensions that a table lists. */
const LISTED = 4;
/** Standard deviations from which on a chosen z is unlikely to be drawn. */
const FAR = 4;
const NO_TERMS = "−log p(x|z) of this likelihood needs more than the pixels' means; the map's card has the measured one.";
const NO_X = "The original images are not on this host, so −log p(x|z) cannot be computed here.";

/**
 * @param {HTMLElement} element
 * @param {MethodData} data
 * @returns {import("../panel.js").Panel}
 */
export function mount(element, data) {
  const root = make("div", { class: "lx-method" });
  element.append(root);
  let part = PARTS[data.part](root);

  function draw() {
    const subject = subjectOf(data.has_pixel_terms);
    root.classList.toggle("lx-waiting", subject === null);
    if (subject) part(subject, data);
  }

  function update(next) {
    if (next.part !== data.part) {
      root.replaceChildren();
      part = PARTS[next.part](root);
    }
    data = next;
    load(data).catch((error) => console.warn(error));
    schedule(draw);
  }

  const stop = follow(draw);
  update(data);
  return {
    update,
    destroy() {
      stop();
      unschedule(draw);
      root.remove();
    },
  };
}

/** For each step, a function that fills an element and returns what draws into it. */
const PARTS = { x: input, encoder, noise, decoder, terms, objective };

function pictureIn(root, name) {
  const canvas = make("canvas", { class: "lx-pixels", role: "img", "aria-label": name });
  const words = make("p", { class: "lx-quiet" });
  root.append(canvas, words);
  const context = canvas.getContext("2d");
  let image = null;
  return {
    words,
    show(mean) {
      const { imageShape } = store.get().network;
      const [, height, width] = imageShape;
      if (canvas.width !== width || canvas.height !== height || image === null) {
        Object.assign(canvas, { width, height });
        image = context.createImageData(width, height);
      }
      paint(mean, imageShape, image);
      context.putImageData(image, 0, 0);
    },
    hide: (hidden) => (canvas.hidden = hidden),
  };
}

function input(root) {
  const picture = pictureIn(root, "The image x");
  return ({ id, label, x }, { classes }) => {
    const name = label === null ? `#${id}` : `#${id} (class ${classes[label]})`;
    picture.hide(x === null);
    if (x) picture.show(x);
    picture.words.textContent = x
      ? `Test image ${name}: ${x.length} numbers from 0 to 1`
      : `Test image ${name}. ${NO_X}`;
  };
}

function table(root, names) {
  const body = make("tbody");
  const more = make("p", { class: "lx-quiet" });
  root.append(
    make("table", { class: "lx-number" }, make("thead", {}, make("tr", {}, make("td"), ...names.map((name) => make("th", { scope: "col" }, name)))), body),
    more,
  );
  return (columns) => {
    const count = columns[0].length;
    body.replaceChildren(
      ...Array.from({ length: Math.min(count, LISTED) }, (_, k) =>
        make("tr", {}, make("th", { scope: "row" }, dimension(k)), ...columns.map((values) => make("td", {}, number(values[k], 3)))),
      ),
    );
    more.textContent = count > LISTED ? `and ${count - LISTED} further dimensions` : "";
  };
}

function encoder(root) {
  const fill = table(root, ["μ", "log σ²", "σ"]);
  return ({ figures: { mu, logvar, sigma } }) => fill([mu, logvar, sigma]);
}

function noise(root) {
  const fill = table(root, ["ε", "z = μ + σε"]);
  const words = make("p", { class: "lx-quiet" });
  root.append(words, make("button", { type: "button", click: drawAgain }, "Draw ε again"));
  return ({ figures: { eps, z, chosen } }) => {
    fill([eps, z]);
    const far = Math.max(...eps.map(Math.abs));
    const rarely = far > FAR ? ` That is ${number(far, 0)} σ away: q(z|x) hardly ever draws it.` : "";
    words.textContent = chosen ? `z is the point that you chose; ε is what leads there.${rarely}` : "ε is drawn from N(0, I).";
  };
}

function decoder(root) {
  const picture = pictureIn(root, "The reconstruction");
  return ({ figures: { mean } }) => {
    picture.show(mean);
    picture.words.textContent = `The mean of p(x|z): ${mean.length} numbers from 0 to 1`;
  };
}

function valueIn(root, name) {
  const value = make("output", { class: "lx-number" });
  const row = make("p", { class: "lx-method-value" }, make("span", {}, name), value);
  root.append(row);
  return (nats) => (value.textContent = nats === null ? "–" : `${number(nats, 2)} nats`);
}

function terms(root) {
  const rate = valueIn(root, "Rate: KL(q(z|x) ‖ p(z))");
  const distortion = valueIn(root, "Distortion: −log p(x|z)");
  const words = make("p", { class: "lx-quiet" });
  root.append(words);
  return ({ x, figures }, { has_pixel_terms: has }) => {
    rate(figures.rate);
    distortion(figures.distortion);
    words.textContent = x === null ? NO_X : has ? "The rate depends on x alone; the distortion on the z that was drawn." : NO_TERMS;
  };
}

function objective(root) {
  const sum = valueIn(root, "−ELBO, with this z");
  const words = make("p", { class: "lx-quiet" });
  root.append(words);
  return ({ figures: { loss, rate, distortion } }, { average }) => {
    sum(loss);
    const added = loss === null ? "" : `${number(rate, 2)} + ${number(distortion, 2)} nats. `;
    words.textContent = `${added}${average ? `Over the test set: ${average}.` : ""}`;
  };
}
