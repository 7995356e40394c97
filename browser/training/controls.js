/** The settings of a training: its data, its numbers, and three switches. */
import { make } from "../ui/dom.js";
import { ACTIVATIONS, LIKELIHOODS } from "./settings.js";

/** Settings with the values to choose from, and their names. */
const FIELDS = [
  ["beta", "β, weight of the rate", [0.1, 0.25, 0.5, 1, 2, 4, 8, 16]],
  ["learningRate", "Learning rate", [0.0001, 0.0003, 0.001, 0.002, 0.005, 0.01, 0.03]],
  ["latentDim", "Latent dimensions", [1, 2, 3]],
  ["width", "Hidden units", [16, 32, 64, 128, 256, 500]],
  ["activation", "Activation", ACTIVATIONS, { relu: "ReLU", silu: "SiLU", "leaky-relu": "leaky ReLU" }],
  ["likelihood", "Likelihood", LIKELIHOODS, { bernoulli: "Bernoulli", gaussian: "Gaussian" }],
];
const SEEDS = [["seed", "Seed of the weights"], ["noise", "Seed of the noise"]];
const LARGEST_SEED = 2 ** 31 - 1;
/** Switches: the setting that they switch off, their name, and why it is there. */
const SWITCHES = [
  ["kl", "Remove the KL", "Nothing then holds the codes near the prior: they drift apart, and the manifold shows places that no image is at."],
  ["sampling", "Remove the sampling", "The decoder then sees only the mean codes: between them it has learnt nothing, and the map gets gaps."],
  ["decoderLearns", "Freeze the decoder", "Only the encoder learns from here on: it moves the codes to where this decoder draws them best."],
];

/**
 * @param {object} handlers
 * @param {(name: string, value: any) => void} handlers.set  a setting is chosen
 * @param {(name: string) => void} handlers.data  data are chosen
 * @param {(files: File[]) => void} handlers.files  pictures are chosen
 */
export function createControls({ set, data, files }) {
  const chooser = make("div", { class: "lx-buttons", role: "group", "aria-label": "Images to train on" });
  const file = make("input", {
    type: "file", accept: "image/*", multiple: true, class: "lx-hidden-text", tabindex: -1, "aria-label": "Your own pictures",
    change: () => {
      files([...file.files]);
      file.value = "";
    },
  });
  const said = make("p", { class: "lx-quiet lx-training-said", role: "status" });
  const selects = Object.fromEntries(FIELDS.map(([name, , values, names]) => [name, createSelect(values, names, (value) => set(name, value))]));
  const seeds = Object.fromEntries(SEEDS.map(([name]) => [name, createSeed((value) => set(name, value))]));
  const switches = Object.fromEntries(SWITCHES.map(([name]) => [name, make("input", {
    type: "checkbox", role: "switch", change: () => set(name, !switches[name].checked),
  })]));
  const field = (name, element) => make("label", { class: "lx-field" }, make("span", {}, name), element);
  const element = make("div", { class: "lx-training-settings" },
    make("div", { class: "lx-training-fields" },
      ...FIELDS.map(([name, title]) => field(title, selects[name].element)),
      ...SEEDS.map(([name, title]) => field(title, seeds[name]))),
    make("div", { class: "lx-training-switches" }, ...SWITCHES.map(([name, title, why], i) => {
      const reason = make("p", { class: "lx-quiet", id: `lx-training-why-${i}` }, why);
      switches[name].setAttribute("aria-describedby", reason.id);
      return make("div", {}, make("label", {}, switches[name], make("span", {}, title)), reason);
    })));
  let listed = "";

  /** @param {import("./settings.js").Settings} settings  those that hold @param {{name: string, title: string, missing: string}[]} sets */
  function show(settings, sets) {
    const wanted = JSON.stringify([settings.data, sets]);
    if (wanted !== listed) {
      listed = wanted;
      const focused = [...chooser.children].indexOf(chooser.getRootNode().activeElement);
      const pressed = (name) => String(settings.data === name);
      chooser.replaceChildren(
        ...sets.map(({ name, title, missing }) => make("button", {
          type: "button", "aria-pressed": pressed(name), disabled: missing !== "", title: missing || null, click: () => data(name),
        }, title)),
        make("button", { type: "button", "aria-pressed": pressed("pictures"), title: "They stay in this browser", click: () => file.click() },
          "Your pictures …"));
      chooser.children[focused]?.focus();
    }
    for (const [name, { show: showValue }] of Object.entries(selects)) showValue(settings[name]);
    for (const [name, input] of Object.entries(seeds)) if (input !== input.getRootNode().activeElement) input.value = settings[name];
    for (const [name, input] of Object.entries(switches)) input.checked = !settings[name];
  }

  return { element, data: make("div", { class: "lx-training-data" }, chooser, file, said), show, say: (text) => (said.textContent = text) };
}

/** A list of values; one that is not among them is added. */
function createSelect(values, names, choose) {
  const option = (value) => make("option", { value }, names?.[value] ?? String(value));
  const element = make("select", { change: () => choose(typeof values[0] === "number" ? Number(element.value) : element.value) },
    ...values.map(option));
  function show(value) {
    if (![...element.options].some((one) => one.value === String(value))) element.append(option(value));
    element.value = String(value);
  }
  return { element, show };
}

function createSeed(choose) {
  const input = make("input", {
    type: "number", min: 0, max: LARGEST_SEED, step: 1, class: "lx-number",
    change: () => {
      const value = Math.min(LARGEST_SEED, Math.max(0, Math.round(Number(input.value)) || 0));
      input.value = value;
      choose(value);
    },
  });
  return input;
}
