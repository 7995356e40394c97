/**
 * The map: an encoded set in the plane, decoding under the pointer.
 *
 * Layers of 2-D canvas lie on one another (the decoded plane, the grid, the points, and what
 * follows the pointer), so a pointer move redraws only the last.
 *
 * Data besides the page's (app/components/views.py, `latent_map`): `codes`, `positions`, `sprite`, `classes`,
 * `projection`, `colour`, `manifold`, `ellipses`, `camera`, `selection` and `hidden` (the first two
 * with versions), `height`, `tools`. Sends up: `pin`, `selection`, `camera`, `hidden`, `manifold`.
 */
import { fetchBytes } from "../files/assets.js";
import { createManifold, drawGrid } from "../map/backdrop.js";
import { createCard } from "../map/card.js";
import { colourByLabel, colourByValue, packed, theme as readTheme } from "../ui/colours.js";
import { announcer } from "../ui/dom.js";
import * as geometry from "../map/geometry.js";
import { attach } from "../map/gestures.js";
import { createLegend } from "../map/legend.js";
import { build } from "../map/frame.js";
import { decode } from "../model/network.js";
import { pin } from "../state/pinning.js";
import { isDark, paint } from "../ui/pixels.js";
import { origins, planeOf } from "../map/planes.js";
import { muOf, nearestCode, readPoints, sigmaOf, withPositions } from "../map/points.js";
import { splat } from "../map/splat.js";
import { readSprite } from "../map/sprite.js";
import { schedule, storeOf, unschedule } from "../state/store.js";
import { code, dimension, number } from "../ui/words.js";

/** CSS pixels within which a point counts as under the pointer; fingers are wider. */
const REACH = 7;
const TOUCH_REACH = 16;
const TRAVEL = 400;
const UNSELECTED = { light: "#9aa4a2", dark: "#6f7a78" };
const HIDDEN = 0;
const SHOWN = 1;
const GREYED = 2;
const FIGURES = { rate: "Rate", distortion: "Distortion" };

const reducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/**
 * @param {HTMLElement} element
 * @param {any} data
 * @param {import("../panel.js").Emit} emit
 * @returns {import("../panel.js").Panel}
 */
export function mount(element, data, emit) {
  const self = Symbol("map");
  const store = storeOf(data.side);
  const view = build(element, data);
  const card = createCard(view.stage);
  const legend = createLegend((next) => {
    hidden = next;
    emit.state("hidden", [...hidden].sort((a, b) => a - b));
    classify();
    showLegend();
  });
  const speaker = announcer();
  element.append(legend.element, speaker.element);
  const manifold = createManifold(view.manifold, () => schedule(drawBehind));

  // What is shown.
  let points = null;
  let plane = null;
  let index = null;
  let sprite = null;
  let camera = null;
  let fitted = true;
  let size = { width: 0, height: 0 };
  let ratio = 1;
  let theme = readTheme(element);
  let colours = new Uint32Array(0);
  let greys = new Uint32Array(0);
  let figure = null;
  let layer = new Uint8Array(0);
  let hidden = new Set(data.hidden ?? []);
  let selected = null;
  let image = null;
  let travel = null;
  // What the person is doing.
  let tool = "move";
  let cursor = null;
  let outline = null;
  let opacity = data.manifold ?? 0;
  let sentOpacity = opacity;
  let mine = false;
  // What has been taken over from Python.
  let loaded = { set: null, sprite: null };
  let seenCamera;
  let seenSelection;
  let destroyed = false;

  // --- the encoded set and its plane -------------------------------------------------------------

  function setKey() {
    return `${data.codes} ${data.positions ?? ""}`;
  }

  function load() {
    const wanted = setKey();
    if (loaded.set !== wanted) {
      loaded.set = wanted;
      if (points === null) notice("Loading the map …");
      Promise.all([data.codes, data.positions].filter(Boolean).map(fetchBytes))
        .then(([codes, positions]) => {
          if (destroyed || loaded.set !== wanted) return;
          const read = readPoints(codes);
          change(positions ? withPositions(read, positions) : read);
          notice(null);
        })
        .catch((error) => {
          notice(`The map could not be loaded. ${error.message}`);
          busy(false);
        });
    }
    if (loaded.sprite !== data.sprite) {
      loaded.sprite = data.sprite;
      sprite = null;
      if (data.sprite) whenIdle(() => loadSprite(data.sprite));
    }
  }

  function loadSprite(address) {
    fetchBytes(address)
      .then(readSprite)
      .then((read) => {
        if (!destroyed && loaded.sprite === address) sprite = read;
      })
      // Cards say that they show reconstructions: that is what is left without the originals.
      .catch((error) => console.warn(error));
  }

  /** Another set or another plane: every example travels from its old place to its new one. */
  function change(nextPoints) {
    // A change that overtakes another one starts from where the points are by now.
    const before = plane && { points, plane: { ...plane, ...travelled(performance.now()) }, camera };
    const samePlane = before?.plane.key === planeKey();
    const nextPlane = planeOf(nextPoints, data.projection, data.dims);
    carrySelection(points, nextPoints);
    points = nextPoints;
    plane = nextPlane;
    index = null;
    cursor = null;
    view.hint.hidden = plane.lift !== null;
    if (camera === null || !samePlane || fitted) fitCamera();
    adoptCamera();
    adoptSelection();
    if (selected === null) mark(store.get().selected);
    if (before && !samePlane) card.hide();
    travel = before && !reducedMotion() ? { ...origins(before, { points, plane, camera }), start: null } : null;
    colourPoints();
    classify();
    showLegend();
    redraw();
  }

  function planeKey() {
    const [i, j] = data.dims;
    return data.projection === "raw" ? `raw:${i}:${j}` : data.projection;
  }

  function places() {
    index ??= new geometry.GridIndex(plane.x, plane.y);
    return index;
  }

  // --- camera ------------------------------------------------------------------------------------

  function bounds() {
    return geometry.boundsOf(plane.x, plane.y);
  }

  function fitCamera() {
    fitted = true;
    if (size.width > 0) camera = geometry.fit(bounds(), size);
  }

  function adoptCamera() {
    if (data.camera_version === seenCamera || size.width === 0) return;
    const first = seenCamera === undefined;
    seenCamera = data.camera_version;
    if (data.camera) {
      camera = { ...data.camera };
      fitted = false;
    } else if (!first) {
      fitCamera();
    }
  }

  function zoomAt(px, py, factor) {
    if (!camera) return;
    const { left, right, bottom, top } = bounds();
    const whole = Math.max(right - left, top - bottom, 1e-6);
    const limits = { least: whole / 400, most: whole * 8 };
    camera = geometry.zoom(camera, factor, geometry.toData(camera, size, px, py), limits);
    fitted = false;
    redraw();
  }

  function panBy(dx, dy) {
    if (!camera) return;
    const scale = camera.height / size.height;
    camera = { ...camera, x: camera.x - dx * scale, y: camera.y + dy * scale };
    fitted = false;
    redraw();
  }

  function sendCamera() {
    if (camera) emit.state("camera", { ...camera });
  }

  function fitAgain() {
    if (!plane) return;
    fitCamera();
    redraw();
    sendCamera();
  }

  // --- which points, and how ---------------------------------------------------------------------

  function colourPoints() {
    const plain = theme.dark ? "#7dd3c8" : "#0f766e";
    greys = new Uint32Array(points.count).fill(packed(theme.dark ? UNSELECTED.dark : UNSELECTED.light));
    figure = data.colour in FIGURES ? colourByValue(points[data.colour], theme.dark) : null;
    colours = figure?.colours ?? colourByLabel(points.labels, points.count, plain);
  }

  function classify() {
    if (!points) return;
    layer = new Uint8Array(points.count).fill(SHOWN);
    for (let n = 0; n < points.count; n++) {
      if (points.labels && hidden.has(points.labels[n])) layer[n] = HIDDEN;
      else if (selected && !selected.members[n]) layer[n] = GREYED;
    }
    count();
    schedule(drawPoints);
  }

  function showLegend() {
    if (!points) return;
    if (figure) {
      legend.showScale(FIGURES[data.colour], figure.low, figure.high, theme.dark);
    } else if (points.labels && data.classes?.length) {
      legend.showClasses(data.classes, hidden);
    } else {
      legend.clear();
    }
  }

  // --- selection ---------------------------------------------------------------------------------

  function select(selection) {
    if (selection === null) {
      selected = null;
    } else {
      const { projection, dims, polygon } = selection;
      const home = planeOf(points, projection, dims);
      const members = new Uint8Array(points.count);
      for (let n = 0; n < points.count; n++) {
        members[n] = geometry.inside(polygon, home.x[n], home.y[n]) ? 1 : 0;
      }
      const ids = new Set(points.ids.filter((_, n) => members[n]));
      selected = { ...selection, key: home.key, members, ids };
    }
    store.set({ selected: selected?.ids ?? null }, self);
    classify();
    schedule(drawOver);
  }

  /** Takes over a selection that was made on another model's map: by its ids. */
  function mark(ids) {
    if (points === null) return;
    const members = ids && Uint8Array.from(points.ids, (id) => (ids.has(id) ? 1 : 0));
    selected = members && { polygon: null, key: null, members, ids };
    classify();
    schedule(drawOver);
  }

  function adoptSelection() {
    if (data.selection_version === seenSelection) return;
    seenSelection = data.selection_version;
    if (data.selection) select(data.selection);
    else if (selected?.polygon) select(null);
  }

  /** The same examples stay selected when their codes change. */
  function carrySelection(from, to) {
    if (!selected || from === null || from === to) return;
    const members = new Uint8Array(to.count);
    for (let n = 0; n < to.count; n++) members[n] = selected.members[from.byId.get(to.ids[n])] ?? 0;
    selected = { ...selected, key: null, members };
  }

  function sendSelection(polygon) {
    const selection = { polygon, projection: data.projection, dims: data.dims };
    select(selection);
    emit.state("selection", selection);
  }

  function clearSelection() {
    if (selected === null) return false;
    const own = selected.polygon !== null;
    select(null);
    // What another map selected was never this panel's value: only a new one is heard.
    emit.state("selection", own ? null : { cleared: performance.now() });
    return true;
  }

  function count() {
    if (selected === null) {
      view.status.hidden = true;
      return;
    }
    let chosen = 0;
    for (let n = 0; n < points.count; n++) chosen += selected.members[n] && layer[n] === SHOWN ? 1 : 0;
    view.count.textContent = `${chosen.toLocaleString("en")} selected`;
    view.status.hidden = false;
  }

  // --- the code under the pointer ----------------------------------------------------------------

  function pointAt(px, py, reach) {
    const [x, y] = geometry.toData(camera, size, px, py);
    const radius = (reach * camera.height) / size.height;
    return places().nearest(x, y, radius, (n) => layer[n] !== HIDDEN);
  }

  /** The code at a place of the plane, and the example that it belongs to where it is a real one. */
  function codeAt(x, y) {
    if (plane.lift) return { z: plane.lift(x, y, store.get().z), example: -1 };
    const example = places().nearestAnywhere(x, y, (n) => layer[n] !== HIDDEN);
    return example < 0 ? null : { z: Float32Array.from(muOf(points, example)), example };
  }

  function ready() {
    return points !== null && camera !== null && travel === null && store.get().z.length === points.latentDim;
  }

  function hoverAt(px, py, reach = REACH) {
    if (!ready()) return;
    const [x, y] = geometry.toData(camera, size, px, py);
    const there = codeAt(x, y);
    const example = plane.lift ? pointAt(px, py, reach) : (there?.example ?? -1);
    if (there === null) return;
    cursor = { x, y };
    mine = true;
    const id = example < 0 ? null : points.ids[example];
    store.set({ live: there.z, liveY: id === null ? null : labelGiven(example), hovered: id }, self);
    if (id === null) card.leave();
    else card.over(id, () => contentOf(example));
    tell(there.z, example);
    schedule(drawOver);
  }

  function leave() {
    card.leave();
    cursor = null;
    if (mine) {
      mine = false;
      store.set({ live: null, liveY: null, hovered: null }, self);
    }
    schedule(drawOver);
  }

  function pinAt(px, py, reach) {
    if (!ready()) return;
    const example = pointAt(px, py, reach);
    const there = codeAt(...geometry.toData(camera, size, px, py));
    if (example >= 0) pinExample(example);
    else if (there && there.example >= 0) pinExample(there.example);
    else if (there) pin(emit, there.z, { origin: self, store });
  }

  function pinExample(example) {
    const y = labelGiven(example);
    pin(emit, muOf(points, example), { pinnedId: points.ids[example], y, origin: self, store });
  }

  /** The label that the model is given with an example, as in Python: its own, where it is given any. */
  function labelGiven(example) {
    return store.get().y === null ? null : (points.labels?.[example] ?? null);
  }

  function labelOf(example) {
    if (!points.labels) return null;
    const label = points.labels[example];
    return data.classes?.[label] ?? String(label);
  }

  function tell(z, example) {
    speaker.say(() => {
      const near = example >= 0 ? example : nearestCode(points, z);
      const label = near < 0 ? null : labelOf(near);
      return label === null ? code(z) : `${code(z)}; nearest: ${label}`;
    });
  }

  function contentOf(example) {
    const id = points.ids[example];
    const mu = muOf(points, example);
    const sigma = sigmaOf(points, example);
    const { network } = store.get();
    const label = labelOf(example);
    const pictures = [];
    if (sprite?.has(id)) {
      pictures.push({ word: "Original", ...sprite.size, paint: (context) => sprite.draw(context, id) });
    }
    if (network?.decoder) {
      const [, height, width] = network.imageShape;
      const show = (context) => {
        const pixels = context.createImageData(width, height);
        paint(decode(network, mu, labelGiven(example)), network.imageShape, pixels);
        context.putImageData(pixels, 0, 0);
      };
      pictures.push({ word: "Reconstruction", width, height, paint: show });
    }
    const dims = points.latentDim <= 3 ? [...mu.keys()] : [...new Set(data.dims)];
    const rows = dims.map((dim) => [dimension(dim), `${number(mu[dim])} ± ${number(sigma[dim])}`]);
    if (dims.length < points.latentDim) rows.push(["‖mu‖", number(Math.hypot(...mu))]);
    if (points.rate) rows.push(["rate", `${number(points.rate[example], 1)} nats`]);
    if (points.distortion) rows.push(["distortion", `${number(points.distortion[example], 1)} nats`]);
    return {
      title: label === null ? `Example ${id}` : `${label} · example ${id}`,
      pictures,
      rows,
      place: geometry.toScreen(camera, size, plane.x[example], plane.y[example]),
    };
  }

  // --- drawing -----------------------------------------------------------------------------------

  function redraw() {
    schedule(drawBehind);
    schedule(drawPoints);
    schedule(drawOver);
  }

  function drawBehind() {
    if (!camera || !plane) return;
    const ground = view.groundContext;
    ground.setTransform(ratio, 0, 0, ratio, 0, 0);
    ground.clearRect(0, 0, size.width, size.height);
    const rows = plane.rows?.map(({ label, y }) => ({ name: data.classes?.[label] ?? String(label), y }));
    if (plane.axes) drawGrid(ground, { axes: plane.axes, rows, camera, size, theme, font: view.font() });
    const { network, z, y } = store.get();
    const possible = plane.lift && network?.decoder && z.length === points.latentDim;
    view.fade.hidden = !plane.lift || !data.tools;
    if (!possible || opacity === 0) {
      manifold.clear();
      return;
    }
    view.manifold.style.opacity = String(opacity);
    const held = plane.key === "pca" ? "" : Array.from(z, (v, k) => (data.dims.includes(k) ? "" : v));
    const inverted = !theme.dark && looksLikeInk(network);
    manifold.draw({
      network, plane, camera, size, ratio, inverted, held: z, label: y,
      key: `${network.hash}|${plane.key}|${held}|${y}|${inverted}`,
    });
  }

  function drawPoints(now) {
    if (!camera || !plane || size.width === 0) return;
    const { width, height } = view.points;
    if (image?.width !== width || image?.height !== height) image = new ImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    pixels.fill(0);
    const scale = (size.height / camera.height) * ratio;
    const onto = {
      scale,
      left: width / 2 - camera.x * scale,
      top: height / 2 + camera.y * scale,
    };
    const radius = radiusOf(points.count, geometry.fit(bounds(), size).height / camera.height) * ratio;
    const alpha = points.count > 30000 ? 0.42 : points.count > 3000 ? 0.62 : 0.85;
    const where = travelled(now);
    const passes = [
      { wanted: GREYED, colours: greys, opacity: alpha * 0.45 },
      { wanted: SHOWN, colours, opacity: alpha },
    ];
    for (const pass of passes) splat(pixels, { width, height }, where, onto, { ...pass, radius, layer });
    view.pointsContext.putImageData(image, 0, 0);
    if (travel) schedule(drawPoints);
    busy(travel !== null);
  }

  /** Where the points are now: on their way while a change is animated. */
  function travelled(now) {
    if (!travel) return plane;
    travel.start ??= now;
    const t = geometry.ease(Math.min(1, (now - travel.start) / TRAVEL));
    if (t >= 1) {
      travel = null;
      schedule(drawOver);
      return plane;
    }
    const x = new Float32Array(points.count);
    const y = new Float32Array(points.count);
    for (let n = 0; n < points.count; n++) {
      x[n] = travel.x[n] + (plane.x[n] - travel.x[n]) * t;
      y[n] = travel.y[n] + (plane.y[n] - travel.y[n]) * t;
    }
    return { x, y };
  }

  /** Where a code lies on the map; null where it has no place of its own. */
  function placeOf(z, id) {
    if (z.length !== points.latentDim) return null;
    if (plane.project && !(plane.rows && points.byId.has(id))) return plane.project(z);
    const example = points.byId.get(id) ?? nearestCode(points, z);
    return example < 0 ? null : [plane.x[example], plane.y[example]];
  }

  function drawOver() {
    if (!camera || !plane) return;
    const context = view.overlayContext;
    const { z, live, pinnedId, hovered, posterior } = store.get();
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, size.width, size.height);
    if (selected && selected.key === plane.key) trace(context, selected.polygon, true);
    if (travel) return;
    const pinned = placeOf(z, pinnedId);
    if (pinned) {
      if (data.ellipses && points.byId.has(pinnedId)) {
        drawEllipse(context, pinned, sigmaOf(points, points.byId.get(pinnedId)));
      }
      crosshair(context, ...geometry.toScreen(camera, size, ...pinned));
    }
    if (posterior && plane.covariance && posterior.mu.length === points.latentDim) {
      const sigma = posterior.logvar.map((logvar) => Math.exp(logvar / 2));
      const mean = plane.project(posterior.mu);
      drawEllipse(context, mean, sigma);
      // An ellipse of a few pixels would be overlooked.
      if (smallOnScreen(sigma)) ring(context, ...geometry.toScreen(camera, size, ...mean), 11);
    }
    const example = hovered === null ? undefined : points.byId.get(hovered);
    if (example !== undefined) {
      const place = [plane.x[example], plane.y[example]];
      if (cursor && !plane.lift) join(context, cursor, place);
      if (data.ellipses && plane.covariance) drawEllipse(context, place, sigmaOf(points, example));
      ring(context, ...geometry.toScreen(camera, size, ...place), 7);
    }
    if (live && !mine) {
      const place = placeOf(live, null);
      if (place) ring(context, ...geometry.toScreen(camera, size, ...place), 5);
    }
    if (cursor && mine && plane.lift && view.overlay.matches(":focus-visible")) {
      ring(context, ...geometry.toScreen(camera, size, cursor.x, cursor.y), 4);
    }
    if (outline) trace(context, outline.path, false);
  }

  /** A line that shows on any ground: the theme's paper under its ink. */
  function stroke(context, colour, width = 1.5) {
    context.strokeStyle = theme.paper;
    context.lineWidth = width + 2;
    context.stroke();
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke();
    context.lineWidth = 1;
  }

  function crosshair(context, x, y) {
    context.save();
    context.globalAlpha = 0.55;
    context.strokeStyle = theme.accent;
    context.setLineDash([3, 4]);
    context.beginPath();
    context.moveTo(Math.round(x) + 0.5, 0);
    context.lineTo(Math.round(x) + 0.5, size.height);
    context.moveTo(0, Math.round(y) + 0.5);
    context.lineTo(size.width, Math.round(y) + 0.5);
    context.stroke();
    context.restore();
    context.beginPath();
    context.arc(x, y, 6, 0, 2 * Math.PI);
    stroke(context, theme.accent, 2.5);
  }

  function ring(context, x, y, radius) {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    stroke(context, theme.ink);
  }

  function join(context, from, to) {
    context.beginPath();
    context.moveTo(...geometry.toScreen(camera, size, from.x, from.y));
    context.lineTo(...geometry.toScreen(camera, size, ...to));
    stroke(context, theme.faint, 1);
  }

  function drawEllipse(context, place, sigma) {
    if (!plane.covariance) return;
    const { long, short, angle } = geometry.ellipse(...plane.covariance(sigma));
    const scale = size.height / camera.height;
    const [x, y] = geometry.toScreen(camera, size, ...place);
    context.beginPath();
    context.ellipse(x, y, long * scale, short * scale, -angle, 0, 2 * Math.PI);
    stroke(context, theme.accent, 1.5);
  }

  function smallOnScreen(sigma) {
    return (geometry.ellipse(...plane.covariance(sigma)).long * size.height) / camera.height < 7;
  }

  function trace(context, path, closed) {
    context.beginPath();
    for (const corner of path) context.lineTo(...geometry.toScreen(camera, size, ...corner));
    if (closed) context.closePath();
    context.save();
    if (closed) context.setLineDash([6, 4]);
    stroke(context, theme.ink, 1);
    context.restore();
  }

  // --- what people do ----------------------------------------------------------------------------

  function keyStep(dx, dy, shift) {
    if (!ready()) return;
    const { z, pinnedId } = store.get();
    const from = cursor ?? pointOf(placeOf(z, pinnedId));
    if (!from) return;
    const step = camera.height / (shift ? 12 : 80);
    let to = { x: from.x + dx * step, y: from.y + dy * step };
    if (!plane.lift) to = nextExample(from, dx, dy) ?? from;
    keepInSight(to);
    const [x, y] = geometry.toScreen(camera, size, to.x, to.y);
    hoverAt(x, y);
    cursor = to;
  }

  function keepInSight({ x, y }) {
    const edge = 24;
    const [px, py] = geometry.toScreen(camera, size, x, y);
    const dx = geometry.clamp(px, edge, size.width - edge) - px;
    const dy = geometry.clamp(py, edge, size.height - edge) - py;
    if (dx !== 0 || dy !== 0) panBy(dx, dy);
  }

  function pointOf(place) {
    return place && { x: place[0], y: place[1] };
  }

  /** The nearest example in a direction, for maps on which places between them mean nothing. */
  function nextExample(from, dx, dy) {
    let best = null;
    let least = Infinity;
    for (let n = 0; n < points.count; n++) {
      if (layer[n] === HIDDEN) continue;
      const ahead = (plane.x[n] - from.x) * dx + (plane.y[n] - from.y) * dy;
      const aside = Math.abs((plane.x[n] - from.x) * dy) + Math.abs((plane.y[n] - from.y) * dx);
      if (ahead <= camera.height / 1000 || aside > ahead) continue;
      if (ahead + aside < least) {
        least = ahead + aside;
        best = { x: plane.x[n], y: plane.y[n] };
      }
    }
    return best;
  }

  function pinLive() {
    const { live, hovered } = store.get();
    if (!live || !points) return;
    // Where the plane has an inverse, the picture that was seen is the one that stays.
    if (plane.lift) pin(emit, live, { origin: self, store });
    else if (points.byId.has(hovered)) pinExample(points.byId.get(hovered));
  }

  function escape() {
    const wasLive = store.get().live !== null && mine;
    card.hide();
    leave();
    return clearSelection() || wasLive;
  }

  const middle = () => [size.width / 2, size.height / 2];
  const KEYS = {
    ArrowLeft: (shift) => keyStep(-1, 0, shift),
    ArrowRight: (shift) => keyStep(1, 0, shift),
    ArrowUp: (shift) => keyStep(0, 1, shift),
    ArrowDown: (shift) => keyStep(0, -1, shift),
    Enter: pinLive,
    "+": () => zoomAt(...middle(), 1.3),
    "=": () => zoomAt(...middle(), 1.3),
    "-": () => zoomAt(...middle(), 1 / 1.3),
    _: () => zoomAt(...middle(), 1 / 1.3),
    0: fitAgain,
  };

  const detach = attach(view.overlay, {
    tool: () => tool,
    hover: (x, y) => hoverAt(x, y),
    leave,
    tap: (x, y, touch) => pinAt(x, y, touch ? TOUCH_REACH : REACH),
    pan: (dx, dy) => {
      card.hide();
      panBy(dx, dy);
    },
    zoom: (x, y, factor) => {
      card.hide();
      zoomAt(x, y, factor);
    },
    settled: sendCamera,
    follow: (x, y) => hoverAt(x, y, TOUCH_REACH),
    followed: (kept) => {
      if (kept) pinLive();
      card.hide();
      leave();
    },
    outlineStart: (kind, x, y) => {
      if (!camera) return;
      card.hide();
      const corner = geometry.toData(camera, size, x, y);
      outline = { kind, start: corner, path: [corner] };
    },
    outlineMove: (x, y) => {
      if (!outline) return;
      const corner = geometry.toData(camera, size, x, y);
      if (outline.kind === "box") {
        const corners = geometry.box(outline.start, corner);
        outline.path = [...corners, corners[0]];
      } else {
        outline.path.push(corner);
      }
      schedule(drawOver);
    },
    outlineEnd: (kept) => {
      const path = outline?.path ?? [];
      const closed = outline?.kind === "box" ? path.slice(0, -1) : path;
      outline = null;
      const pixel = camera ? camera.height / size.height : 0;
      const polygon = geometry.simplify(closed, pixel);
      if (kept && points && polygon.length >= 3) sendSelection(polygon);
      schedule(drawOver);
    },
    key: (key, shift) => {
      if (key === "Escape") return escape();
      if (!Object.hasOwn(KEYS, key)) return false;
      KEYS[key](shift);
      return true;
    },
    blur: leave,
  });

  view.onTool((name) => {
    tool = name;
  });
  view.onZoom((factor) => {
    zoomAt(...middle(), factor);
    sendCamera();
  });
  view.onFit(fitAgain);
  view.onClear(clearSelection);
  view.onFade((value) => {
    opacity = value;
    schedule(drawBehind);
  });
  view.onFaded(() => {
    sentOpacity = opacity;
    emit.state("manifold", opacity);
  });

  // --- changes from outside ----------------------------------------------------------------------

  function notice(text) {
    view.notice.textContent = text ?? "";
    view.notice.hidden = text === null;
  }

  /** Tells whether the points are still to come, or on their way: a click means nothing until then. */
  function busy(is) {
    if (view.stage.ariaBusy !== String(is)) view.stage.ariaBusy = String(is);
  }

  function resize() {
    const width = view.stage.clientWidth;
    const height = view.stage.clientHeight;
    ratio = window.devicePixelRatio || 1;
    const wide = Math.round(width * ratio);
    const high = Math.round(height * ratio);
    if (width === 0 || (view.points.width === wide && view.points.height === high)) return;
    size = { width, height };
    // The stylesheet may arrive after the panel: its colours come with the size that it gives.
    adoptTheme();
    for (const canvas of [view.manifold, view.ground, view.points, view.overlay]) {
      canvas.width = wide;
      canvas.height = high;
    }
    if (plane) {
      if (fitted) fitCamera();
      adoptCamera();
    }
    // A cleared canvas is filled again before it is painted, or the map would blink.
    drawBehind();
    if (plane) drawPoints(performance.now());
    drawOver();
  }

  /** Reads the theme again. @returns {boolean} whether dark has become light, or light dark */
  function adoptTheme() {
    const wasDark = theme.dark;
    theme = readTheme(element);
    if (wasDark === theme.dark) return false;
    if (points) {
      colourPoints();
      showLegend();
    }
    return true;
  }

  const observer = new ResizeObserver(resize);
  observer.observe(view.stage);
  const stop = store.subscribe((state, changed, by) => {
    if (changed.has("selected") && by !== self) mark(state.selected);
    if (["z", "live", "pinnedId", "hovered", "posterior"].some((key) => changed.has(key))) {
      schedule(drawOver);
    }
    if (changed.has("network") || changed.has("y") || (changed.has("z") && plane && plane.key !== "pca" && opacity > 0)) {
      schedule(drawBehind);
    }
    if (changed.has("live") && state.live === null) mine = false;
  });

  load();

  return {
    update(next) {
      const before = data;
      data = next;
      const turned = adoptTheme();
      view.configure(data);
      // While a model stays, the person's own switching is ahead of what Python knows of it.
      if (before.model.hash !== data.model.hash) hidden = new Set(data.hidden ?? []);
      // A rerun brings what Python knew; only a strength that was not sent from here is news.
      if (before.manifold !== data.manifold && data.manifold !== sentOpacity) {
        opacity = data.manifold ?? 0;
        sentOpacity = opacity;
        view.setFade(opacity);
      }
      if (loaded.set === setKey() && points) {
        if (planeKey() !== plane.key) {
          change(points);
        } else {
          adoptCamera();
          adoptSelection();
          if (before.colour !== data.colour && !turned) {
            colourPoints();
            showLegend();
          }
          redraw();
        }
      }
      load();
    },
    destroy() {
      destroyed = true;
      leave();
      // The next page's map may have made a selection of its own by now.
      if (selected && store.get().selected === selected.ids) store.set({ selected: null }, self);
      stop();
      detach();
      observer.disconnect();
      card.destroy();
      manifold.destroy();
      speaker.stop();
      for (const fn of [drawBehind, drawPoints, drawOver]) unschedule(fn);
      element.replaceChildren();
    },
  };
}

/** CSS pixels: fewer points are larger, and all grow a little as one comes closer. */
function radiusOf(count, magnification) {
  const base = count > 30000 ? 1.3 : count > 3000 ? 1.8 : count > 800 ? 2.6 : 3.6;
  return base * geometry.clamp(magnification ** 0.3, 1, 2.2);
}

const ink = new WeakMap();

/** Bright strokes on black look like ink when they are inverted; photographs do not. */
function looksLikeInk(network) {
  if (!ink.has(network)) {
    ink.set(network, isDark(decode(network, new Float32Array(network.latentDim))));
  }
  return ink.get(network);
}

function whenIdle(fn) {
  if (typeof requestIdleCallback === "function") requestIdleCallback(fn, { timeout: 2000 });
  else setTimeout(fn, 300);
}
