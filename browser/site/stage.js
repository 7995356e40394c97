/**
 * What a step of a lesson shows beside its text: the app's panels, in the view of the step.
 *
 * vae_core/site/lessons.py names the same pages and parts, and leaves out those that a site lacks.
 *
 * @typedef {import("./held.js").Model} Model
 * @typedef {{page: string, show: string[], parameters: Record<string, string>}} Step
 */
import { open } from "../page.js";
import { mount as mountGallery } from "../panels/gallery.js";
import { mount as mountLabels } from "../panels/labels.js";
import { mount as mountMap } from "../panels/latent_map.js";
import { mount as mountManifold } from "../panels/manifold.js";
import { mount as mountMethod } from "../panels/method.js";
import { mount as mountMorph } from "../panels/morph.js";
import { mount as mountPad } from "../panels/pad.js";
import { mount as mountPicture } from "../panels/picture.js";
import { mount as mountSliders } from "../panels/sliders.js";
import { mount as mountStyles } from "../panels/styles.js";
import { mount as mountTraining } from "../panels/training.js";
import { createChooser } from "../standalone/chooser.js";
import { mount as mountNeighbours } from "../standalone/neighbours.js";
import { store } from "../state/store.js";
import { make } from "../ui/dom.js";
import { mount as mountDescription } from "./description.js";
import { mapData, methodData, morphData, pageData, stylesData } from "./panels.js";
import { mount as mountRate } from "./rate.js";
import { mount as mountResult } from "./result.js";
import { readView } from "./view.js";

/** The parts of each page, in the wide column and beside it. */
const PAGES = {
  explore: [["controls", "map"], ["picture", "labels", "description", "selection", "neighbours"]],
  manifold: [["manifold", "caption"], ["plane", "labels", "picture", "map"]],
  decode: [["labels", "sliders", "rate"], ["picture", "description", "map"]],
  reconstruct: [["labels", "pad", "result"], ["map", "neighbours"]],
  morph: [["labels", "styles", "morph"], []],
  learn: [["training", "image", "encoder", "noise", "decoder", "terms", "objective"], ["map"]],
};
const METHOD = { image: "x", encoder: "encoder", noise: "noise", decoder: "decoder", terms: "terms", objective: "objective" };
const NAMES = {
  map: "The map", manifold: "The manifold", neighbours: "Nearest test images", selection: "Selected test images", styles: "One style, every label",
  encoder: "The encoder says where the code may lie", image: "The image", noise: "A code is drawn", decoder: "The decoder paints an image",
  terms: "Two costs", objective: "Their sum",
};
const CAPTION = "Decoded images at quantiles of the prior, Φ⁻¹((i + ½) / n). Each cell covers equal prior probability.";
/** Heights of a map: on the first screen with its tools and its legend, and beside other panels. */
const largeHeight = () => Math.max(360, Math.min(innerHeight - 280, 1.2 * innerWidth, 860));
const SMALL = 320;

/** Versions of codes that steps pin, each new to the store. */
let version = 0;

/**
 * Show a step.
 *
 * @param {HTMLElement} element
 * @param {Step} step
 * @param {Model | null} model  null for a step that shows none
 * @param {import("../panels/training.js").TrainingSet[] | null} sets  to train on, where the step trains
 * @returns {() => void} removes it
 */
export function showStep(element, step, model, sets) {
  version += 1;
  const context = { step, model, sets, version, view: model && readView(step.parameters, model), drawing: null };
  const panels = [];
  const columns = PAGES[step.page].map((parts) => make("div", { class: "stage-column" },
    ...parts.filter((part) => step.show.includes(part)).map((part) => framed(part, context, panels))));
  element.replaceChildren(...columns.filter((column) => column.childElementCount > 0));
  element.classList.toggle("one", element.childElementCount === 1);
  const update = () => panels.forEach((panel) => panel.update());
  const change = (patch) => {
    const { z, y } = store.get();
    context.view = { ...context.view, ...patch, z: Array.from(z), y };
    context.version = version += 1;
    open(pageData(model, context.view, version));
    update();
  };
  store.set({ selected: null, posterior: null });
  if (model) open(pageData(model, context.view, version));
  for (const panel of panels) panel.mount(change);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", update);
  return () => {
    dark.removeEventListener("change", update);
    for (const panel of panels) panel.destroy();
    element.replaceChildren();
  };
}

/** A part in its section; its panel is mounted later, when all are in the document. */
function framed(part, context, panels) {
  const inner = make("div");
  const title = NAMES[part] && part !== "map" ? [make("h3", {}, NAMES[part])] : [];
  const floating = part === "picture" ? "live" : "";
  const section = make("section", { class: `stage-part ${floating}`, "data-part": part, "aria-label": NAMES[part] ?? part }, ...title, make("div", { class: "lx" }, inner));
  const [mount, dataOf] = PARTS[part] ?? PARTS.method;
  const data = () => ({ ...(context.model ? pageData(context.model, context.view, context.version) : {}), ...dataOf(context, part) });
  const emit = { state: (name, value) => name === "drawing" && take(context, value), trigger() {} };
  let panel = null;
  panels.push({
    mount: (change) => (panel = mount(inner, data(), emit, change, context)),
    update: () => panel.update(data()),
    destroy: () => panel.destroy(),
  });
  return section;
}

/** Keep what the model sees of a drawing. */
function take(context, drawing) {
  context.drawing = drawing && Float32Array.from(atob(drawing.pixels), (byte) => byte.charCodeAt(0) / 255);
}

/** Choices of map and plane; `offered` are the maps. */
function mountChooser(element, data, _, change) {
  element.classList.add("chooser");
  const chooser = createChooser(element, data.offered, change);
  chooser.show(data);
  return { update: (next) => chooser.show(next), destroy: () => element.replaceChildren() };
}

function mountCaption(element) {
  element.append(make("p", { class: "lx-quiet" }, CAPTION));
  return { update() {}, destroy: () => element.replaceChildren() };
}

/** The selected examples, while there are any. */
function mountSelection(element, data, emit) {
  const section = element.closest("section");
  const gallery = mountGallery(element, data, emit);
  const show = () => (section.hidden = !store.get().selected?.size);
  const stop = store.subscribe((_, changed) => changed.has("selected") && show());
  show();
  return {
    update: gallery.update,
    destroy() {
      stop();
      gallery.destroy();
    },
  };
}

/** Colours of maps of the app. */
const COLOURS = [["label", "Label"], ["rate", "Rate"], ["distortion", "Distortion"]];
const chooserData = (of) => ({ model: { facts }, view }) => ({ offered: { latent_dim: facts.latent_dim, ...of(facts) }, ...view });
const describing = ({ model: { points, facts } }) => ({ points, classes: facts.classes });
const examples = ({ model: { codes, sprite, facts } }) => ({ codes, sprite, classes: facts.classes });

/** For each part, what mounts it and what its data are, besides the page's. */
const PARTS = {
  controls: [mountChooser, chooserData(({ projections }) => ({ projections, colours: COLOURS }))],
  plane: [mountChooser, chooserData(() => ({ projections: [] }))],
  map: [mountMap, ({ model, view, step }) => {
    const isLarge = step.page === "explore";
    return mapData(model, isLarge ? view : { ...view, projection: mapBeside(model) }, isLarge ? largeHeight() : SMALL, isLarge);
  }],
  picture: [mountPicture, () => ({ size: 360 })],
  labels: [mountLabels, ({ model }) => ({ names: model.facts.given })],
  description: [mountDescription, describing],
  rate: [mountRate, describing],
  selection: [mountSelection, examples],
  neighbours: [mountNeighbours, examples],
  manifold: [mountManifold, ({ model, view }) => ({ n: view.n, close_up: false, model_name: model.facts.name })],
  caption: [mountCaption, () => ({})],
  sliders: [mountSliders, ({ model: { facts } }) => ({ kl: facts.kl, ranges: facts.ranges, unused_below: facts.unused_below })],
  pad: [mountPad, ({ model }) => ({ frame: model.facts.frame })],
  result: [mountResult, (context) => {
    const { model: { points, facts, hasPixelTerms } } = context;
    return { points, classes: facts.classes, given: facts.given, hasPixelTerms, drawing: () => context.drawing };
  }],
  morph: [mountMorph, ({ model, version: at }) => morphData(model, at)],
  styles: [mountStyles, ({ model, view }) => stylesData(model, view)],
  training: [mountTraining, ({ sets, step }) => ({ sets, settings: step.parameters.training ?? null })],
  method: [mountMethod, ({ model }, part) => methodData(model, METHOD[part])],
};

/** The map beside another page's panels: that of the plane, which decodes, or PCA. */
const mapBeside = ({ facts }) => (facts.latent_dim === 2 ? "raw" : facts.projections[0]);
