/** The map of a training: codes that move as it learns, and what is looked at. */
import { createLegend } from "../map/legend.js";
import { toData, toScreen } from "../map/geometry.js";
import { drawMap } from "../replay/drawing.js";
import { groupByLabel } from "../replay/timeline.js";
import { schedule, unschedule } from "../state/store.js";
import { theme as readTheme } from "../ui/colours.js";
import { make, prefersReducedMotion } from "../ui/dom.js";
import { dimension } from "../ui/words.js";
import { aimOf, approach, codeAt, nearest, placeOf, placesOf } from "./places.js";

/** Distance from a code at which it is looked at, CSS pixels. */
const REACH = 9;
/** How far an arrow key goes, as a share of the map's height. */
const STRIDE = 1 / 30;

/**
 * @typedef {{z: Float32Array, row: number | null}} Place  a code, and the shown picture whose mean it is
 * @param {object} handlers
 * @param {(place: Place | null) => void} handlers.look  another place is looked at, null for none
 * @param {(place: Place) => void} handlers.choose
 */
export function createMap({ look, choose }) {
  const canvas = make("canvas", {
    tabindex: 0, role: "application", "aria-roledescription": "map",
    pointermove: (event) => look(under(event)), pointerleave: () => look(null), pointercancel: () => look(null),
    click: (event) => choose(under(event)), keydown: onKey, blur: () => look(null),
  });
  const stage = make("div", { class: "lx-stage lx-training-stage" }, canvas);
  const legend = createLegend((labels) => {
    hidden = labels;
    legend.showClasses(shown.data.classes, hidden);
    schedule(draw);
  });
  const context = canvas.getContext("2d");
  let hidden = new Set();
  let size = { width: 0, height: 0 };
  let camera = null;
  let theme = null;
  /** What is shown: the frame, its data, settings, plane and the place that is looked at. */
  let shown = null;
  let groups = [];
  /** @type {import("../replay/timeline.js").Places | null} */
  let places = null;

  const under = (event) => {
    const box = canvas.getBoundingClientRect();
    return placeAt(toData(camera, size, event.clientX - box.left, event.clientY - box.top));
  };

  /** The code that is near enough, else the one of the place. */
  function placeAt([x, y]) {
    const { frame, settings: { latentDim: d }, dims } = shown;
    const row = nearest(places, [x, y], (REACH * camera.height) / size.height);
    if (row < 0) return { z: codeAt([x, y], d, dims), row: null };
    return { z: frame.mu.slice(row * d, (row + 1) * d), row };
  }

  function onKey(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    const { z, row } = shown.place;
    if (step) {
      const [x, y] = placeOf(z, shown.dims);
      const far = STRIDE * camera.height;
      look({ z: codeAt([x + step[0] * far, y + step[1] * far], z.length, shown.dims), row: null });
    } else if (event.key === "Enter") choose({ z, row });
    else if (event.key === "Escape") look(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Take over data whose codes are shown from now on. */
  function take(data) {
    groups = groupByLabel(data.labels, data.ids.length);
    hidden = new Set();
    camera = null;
    if (data.classes.length > 0) legend.showClasses(data.classes, hidden);
    else legend.clear();
  }

  /** @param {{frame: import("./session.js").Frame, data: import("./trainer.js").Data, place: Place}} next */
  function show(next) {
    shown = next;
    places = placesOf(next.frame.mu, next.settings.latentDim, next.dims);
    const { step, epoch } = next.frame;
    canvas.setAttribute("aria-label", `Map: the codes of ${next.data.ids.length} images after ${step} steps, epoch ${epoch.toFixed(1)}. `
      + "Arrow keys decode other points, Enter selects.");
    schedule(draw);
  }

  function draw() {
    if (shown === null || size.width === 0) return;
    theme ??= readTheme(stage);
    const { data, settings: { latentDim: d }, dims, place } = shown;
    const before = camera;
    camera = approach(prefersReducedMotion() ? null : camera, aimOf(places, size));
    const scene = {
      axes: d === 1 ? [dimension(0), null] : dims.map(dimension), prior: d === 1 ? null : [0, 0], groups, named: data.labels !== null && d > 1,
      tracks: { x: [places.x], y: [places.y] },
    };
    const font = getComputedStyle(stage).fontFamily;
    drawMap(context, { size, ratio: devicePixelRatio, camera, theme, font, scene, position: 0, tail: 0, hidden, names: data.classes });
    mark(place);
    if (before !== null && camera !== before) schedule(draw);
  }

  /** A ring at the place that is looked at. */
  function mark({ z, row }) {
    const { settings: { latentDim: d }, dims } = shown;
    const at = row === null ? placeOf(z, dims) : [places.x[row], places.y[row]];
    const [x, y] = toScreen(camera, size, ...at);
    context.beginPath();
    if (d === 1 && row === null) {
      context.moveTo(x, 0);
      context.lineTo(x, size.height);
    } else context.arc(x, y, 8, 0, 2 * Math.PI);
    context.lineWidth = 4;
    context.strokeStyle = theme.paper;
    context.stroke();
    context.lineWidth = 2;
    context.strokeStyle = theme.accent;
    context.stroke();
  }

  const observer = new ResizeObserver(() => {
    const { width, height } = stage.getBoundingClientRect();
    if (width === 0) return;
    size = { width: stage.clientWidth, height: stage.clientHeight };
    canvas.width = Math.round(size.width * devicePixelRatio);
    canvas.height = Math.round(size.height * devicePixelRatio);
    camera = null;
    schedule(draw);
  });
  observer.observe(stage);

  return {
    element: make("figure", { class: "lx-training-map" }, stage, legend.element),
    take, show,
    recolour() {
      theme = null;
      schedule(draw);
    },
    destroy() {
      observer.disconnect();
      unschedule(draw);
    },
  };
}
