/** Play, pause, one step, reset, the slider through the past, and the curves above it. */
import { make } from "../ui/dom.js";
import { sparkline } from "../ui/sparkline.js";
import { number } from "../ui/words.js";

/** Steps of training for each drawn frame; null is as many as there is time for. */
const PACES = [[1, "1 step a frame"], [4, "4 steps a frame"], [20, "20 steps a frame"], [null, "as fast as it can"]];

/** A moment in words. @param {{step: number, epoch: number}} frame */
export function momentText({ step, epoch }) {
  if (step === 0) return "before the first step";
  return `step ${step.toLocaleString("en")}, epoch ${number(epoch, epoch < 10 ? 1 : 0)}`;
}

/**
 * @param {object} handlers
 * @param {() => void} handlers.toggle
 * @param {() => void} handlers.step
 * @param {() => void} handlers.reset
 * @param {(moment: number | null) => void} handlers.look  at a moment of the past, null for the present
 * @param {(pace: number | null) => void} handlers.pace
 */
export function createTransport({ toggle, step, reset, look, pace }) {
  const play = make("button", { type: "button", class: "lx-first lx-training-play", click: toggle }, "Play");
  const one = make("button", { type: "button", title: "Train on one minibatch (→)", click: step }, "Step");
  const again = make("button", { type: "button", title: "Back to the same first weights", click: reset }, "Reset");
  const speed = make("select", { "aria-label": "Speed", change: () => pace(PACES[speed.selectedIndex][0]) },
    ...PACES.map(([steps, name]) => make("option", { selected: steps === 4 }, name)));
  const slider = make("input", {
    type: "range", min: 0, step: 1, "aria-label": "Time of the training",
    input: () => look(Number(slider.value) === Number(slider.max) ? null : Number(slider.value)),
  });
  const moment = make("span", { class: "lx-number" });
  const rate = make("span", { class: "lx-quiet lx-number" });
  const curves = {
    rate: sparkline("Rate", "nats", "over the training"),
    distortion: sparkline("Distortion", "nats", "over the training"),
    loss: sparkline("−ELBO", "nats", "over the training"),
  };
  const element = make("div", { class: "lx-training-transport" },
    make("div", { class: "lx-training-bar" },
      make("div", { class: "lx-buttons" }, play, one, again),
      slider,
      speed),
    make("p", { class: "lx-training-moment" }, moment, rate),
    make("div", { class: "lx-training-curves" }, ...Object.values(curves).map((curve) => curve.element)));

  /** @param {import("./player.js").Player} player */
  function show(player) {
    const { frame, playing } = player;
    const word = playing ? "Pause" : "Play";
    if (play.textContent !== word) play.textContent = word;
    for (const button of [play, one, again]) button.disabled = frame === null;
    slider.disabled = frame === null;
    if (frame === null) return;
    const { past, bound, step: now } = frame;
    const present = frame.moment === null;
    const last = past.step.length - 1;
    // The present is a moment of its own, unless it has just been kept.
    const further = present && past.step[last] !== now;
    slider.max = Math.max(1, last + 1);
    slider.value = present ? slider.max : frame.moment;
    const text = momentText(frame);
    slider.setAttribute("aria-valuetext", text);
    moment.textContent = text[0].toUpperCase() + text.slice(1);
    rate.textContent = frame.speed > 0 ? `${Number(frame.speed.toPrecision(2)).toLocaleString("en")} images a second` : "";
    const grown = (values, value) => (further ? [...values, value] : values);
    const losses = past.rate.map((value, i) => value + past.distortion[i]);
    const count = grown(past.step, 0).length;
    const at = present ? 1 : frame.moment / Math.max(1, count - 1);
    curves.rate.show(grown(past.rate, bound.rate), { at, value: bound.rate });
    curves.distortion.show(grown(past.distortion, bound.distortion), { at, value: bound.distortion });
    curves.loss.show(grown(losses, -bound.elbo), { at, value: -bound.elbo, said: " (lower is better)" });
  }

  return { element, show };
}
