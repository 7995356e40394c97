/**
 * The entry that Streamlit loads: one component, mounted several times on a page as panels.
 *
 * Streamlit calls the default export on every change of data or theme. A panel is mounted once per
 * parent element and told about changes through `update`.
 *
 * @typedef {object} Panel
 * @property {(data: any) => void} update  new data, or the same data in a new theme
 * @property {() => void} destroy
 *
 * @typedef {object} Emit
 * @property {(name: string, value: any) => void} state  a value that stays until it is replaced
 * @property {(name: string, value: any) => void} trigger  an event that is over after one rerun
 */
import { open } from "./page.js";

/** Each panel is a module with `mount(element, data, emit)`, fetched when first needed. */
const PANELS = {
  latent_map: () => import("./panels/latent_map.js"),
  picture: () => import("./panels/picture.js"),
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
};

/** The server's root as the browser sees it, whatever path it is mounted on. */
const ROOT = new URL("../../../", import.meta.url);

const mounted = new WeakMap();

/** Addresses that Python sends are relative to the server's root. */
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
  const entry = { frame, element, notice, panel: null, data: null, calls: 0, destroyed: false };
  entry.emit = {
    state: (name, value) => entry.setStateValue(name, value),
    trigger: (name, value) => entry.setTriggerValue(name, value),
  };
  mounted.set(parentElement, entry);
  return entry;
}

function destroy(parentElement, entry) {
  entry.destroyed = true;
  entry.panel?.destroy();
  entry.frame.remove();
  mounted.delete(parentElement);
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
    start(entry, entry.data.kind).catch((error) => showFailure(entry, error));
  } else if (entry.panel !== null) {
    try {
      entry.panel.update(entry.data);
    } catch (error) {
      showFailure(entry, error);
    }
  }
  // Streamlit also calls the clean-up of a call that was overtaken by a later one.
  return () => {
    if (call === entry.calls && !entry.destroyed) destroy(parentElement, entry);
  };
}
