/**
 * The Streamlit component: mounts one panel in each parent element.
 *
 * Streamlit calls the default export on every change of data or theme. The first call for a parent
 * element mounts the panel, later calls update it.
 *
 * @typedef {object} Panel
 * @property {(data: any) => void} update  called with new data, or with the same data in a new theme
 * @property {() => void} destroy
 *
 * @typedef {object} Emit  sends values to Python
 * @property {(name: string, value: any) => void} state  sets a value that Python keeps
 * @property {(name: string, value: any) => void} trigger  sends a value for a single rerun
 */
import { startWorker, useWorker } from "./model/decoding.js";
import { onServerTrouble } from "./model/server.js";
import { open } from "./page.js";
import { useTrainingWorker } from "./training/connection.js";

/**
 * The panels, named like their Python faces in app/components/. Each is a module that exports
 * `mount(element, data, emit)`.
 */
const PANELS = {
  latent_map: () => import("./panels/latent_map.js"),
  picture: () => import("./panels/picture.js"),
  gallery: () => import("./panels/gallery.js"),
  graph: () => import("./panels/graph.js"),
  sliders: () => import("./panels/sliders.js"),
  manifold: () => import("./panels/manifold.js"),
  pad: () => import("./panels/pad.js"),
  morph: () => import("./panels/morph.js"),
  pair: () => import("./panels/pair.js"),
  labels: () => import("./panels/labels.js"),
  styles: () => import("./panels/styles.js"),
  replay: () => import("./panels/replay.js"),
  link: () => import("./panels/link.js"),
  lesson: () => import("./panels/lesson.js"),
  method: () => import("./panels/method.js"),
  print: () => import("./panels/print.js"),
  welcome: () => import("./panels/welcome.js"),
  classroom: () => import("./panels/classroom.js"),
  follow: () => import("./panels/follow.js"),
  present: () => import("./panels/present.js"),
  training: () => import("./panels/training.js"),
};

/** Panels that decode many pictures as soon as they are mounted. */
const DECODE_MANY = new Set(["manifold", "morph"]);

/** The server's root. Streamlit serves this module three folders below it. */
const ROOT = new URL("../../../", import.meta.url);

useWorker(() => new Worker(new URL("./model/worker.js", import.meta.url), { type: "module" }));
useTrainingWorker(() => new Worker(new URL("./training/worker.js", import.meta.url), { type: "module" }));

const mounted = new WeakMap();
/** Entries of the panels on the page. */
const entries = new Set();

onServerTrouble((sentence) => {
  const [first] = entries; // one notice is enough
  if (first === undefined || (sentence === null && first.trouble === null)) return;
  first.trouble = sentence;
  first.notice.textContent = sentence ?? "";
  first.notice.hidden = sentence === null;
});

/** Resolve the addresses in the data, which Python writes as `asset:PATH` below the server's root. */
function resolveAddresses(value) {
  if (typeof value === "string" && value.startsWith("asset:")) {
    return new URL(value.slice("asset:".length), ROOT).href;
  }
  if (Array.isArray(value)) return value.map(resolveAddresses);
  if (value && typeof value === "object" && !ArrayBuffer.isView(value)) {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, resolveAddresses(v)]));
  }
  return value;
}

function showFailure(entry, error) {
  entry.notice.textContent = `This panel could not be shown: ${error.message ?? error}`;
  entry.notice.hidden = false;
  console.warn(error);
}

async function start(entry, kind) {
  if (!Object.hasOwn(PANELS, kind)) {
    throw new TypeError(`there is no panel "${kind}", only ${Object.keys(PANELS).join(", ")}`);
  }
  const { mount } = await PANELS[kind]();
  if (entry.destroyed) return;
  entry.panel = mount(entry.element, entry.data, entry.emit);
}

function create(parentElement) {
  const frame = document.createElement("div");
  frame.className = "lx";
  const element = document.createElement("div");
  const notice = document.createElement("p");
  notice.className = "lx-failure";
  notice.setAttribute("role", "alert");
  notice.hidden = true;
  frame.append(element, notice);
  parentElement.append(frame);
  const entry = { frame, element, notice, panel: null, data: null, calls: 0, destroyed: false, trouble: null };
  entry.emit = {
    state: (name, value) => entry.setStateValue(name, value),
    trigger: (name, value) => entry.setTriggerValue(name, value),
  };
  mounted.set(parentElement, entry);
  entries.add(entry);
  return entry;
}

function destroy(parentElement, entry) {
  entry.destroyed = true;
  entry.panel?.destroy();
  entry.frame.remove();
  mounted.delete(parentElement);
  entries.delete(entry);
}

export default function panel({ data: [data], parentElement, setStateValue, setTriggerValue }) {
  const known = mounted.get(parentElement);
  const entry = known ?? create(parentElement);
  entry.data = resolveAddresses(data);
  entry.setStateValue = setStateValue;
  entry.setTriggerValue = setTriggerValue;
  entry.calls += 1;
  const call = entry.calls;
  const opened = open(entry.data).then(() => {
    if (call === entry.calls) entry.notice.hidden = true;
  });
  opened.catch((error) => showFailure(entry, error));
  if (known === undefined) {
    if (DECODE_MANY.has(entry.data.kind)) startWorker();
    start(entry, entry.data.kind).catch((error) => showFailure(entry, error));
  } else if (entry.panel !== null) {
    try {
      entry.panel.update(entry.data);
    } catch (error) {
      showFailure(entry, error);
    }
  }
  // Streamlit also cleans up after calls that a later one has replaced; only the last one unmounts.
  return () => {
    if (call === entry.calls && !entry.destroyed) destroy(parentElement, entry);
  };
}
