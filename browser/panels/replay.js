/**
 * How a latent space came to be: map, manifold and samples of a training, scrubbed through in time.
 *
 * Time runs from frame to frame, which is by ratios of steps. What rests is a frame; between two of
 * them codes travel and pictures fade, but for those who want no motion. At its end the replay
 * follows a training that goes on.
 *
 * @typedef {object} ReplayData  (app/components/replays.py)
 * @property {(import("../replay/timeline.js").Moment & {source?: import("../files/assets.js").Source})[]} frames
 * @property {import("../replay/timeline.js").Frame[]} [read]  the same frames, where they need no fetching
 * @property {number[]|null} labels  of the codes
 * @property {string[]} classes  names of the labels
 * @property {import("../replay/timeline.js").Plane|null} plane  from codes to the map, above two dimensions
 * @property {number[]|null} heights  where codes of one dimension lie upwards
 * @property {[string, string|null]} axes
 * @property {[number, number]|null} prior  the mean of a standard normal one
 * @property {number} epochs  of the whole training
 * @property {boolean} live  whether the training goes on
 */
import { fetchBytes } from "../files/assets.js";
import { drawGrid } from "../map/backdrop.js";
import { classColour, theme as readTheme } from "../ui/colours.js";
import { make } from "../ui/dom.js";
import * as geometry from "../map/geometry.js";
import { createLegend } from "../map/legend.js";
import { hasMargin, isDark } from "../ui/pixels.js";
import { sparkline } from "../ui/sparkline.js";
import { schedule, unschedule } from "../state/store.js";
import { createTiles } from "../ui/tiles.js";
import {
  between, boundsOfAll, faded, frameAfterKey, meanMove, middles, momentText, placesOf, readFrame,
} from "../replay/timeline.js";
import { number } from "../ui/words.js";

/**
 * Milliseconds from frame to frame while it plays: the more moves, the longer, from the least at rest
 * to the most where codes go so far on average, in heights of the map. By steps, where motion is unwelcome.
 */
const [LEAST_TIME, MOST_TIME, FAR] = [80, 400, 0.06];
const STEP_TIME = 700;
const GLIDE_TIME = 320;
/** A point draws a tail to where it was some milliseconds ago, at most so many frames. */
const TAIL_TIME = 260;
const TAIL_FRAMES = 1.5;
const TAIL_PIECES = 6;
const RADIUS = 3;
/** CSS pixels from the edge at which codes are held that lie beyond it. */
const RIM = 6;
/** CSS pixels between the middles of classes, from which on their names appear, and are plain. */
const NAMED = [16, 40];
/** Lines between pictures that run to their edges. */
const GREY = "#8a9694";
const CLEAR = "transparent";

const reducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/**
 * @param {HTMLElement} element
 * @param {ReplayData} data
 * @returns {import("../panel.js").Panel}
 */
export function mount(element, data) {
  let moments = [];
  let frames = [];
  const known = new Map();
  let places = { x: [], y: [] };
  let bounds = null;
  let camera = null;
  let cameraFrom = null;
  let size = { width: 0, height: 0 };
  let width = 0;
  let theme = null;
  let hidden = new Set();
  let byClass = [];
  let now = { x: new Float32Array(0), y: new Float32Array(0) };
  let means = null;
  let hairlines = null;
  let loading = "";
  let named = "";
  /** What the pictures were drawn of. */
  const shown = { grid: "", samples: "" };
  let destroyed = false;
  // Time, in frames.
  let at = 0;
  let tail = 0;
  let playing = false;
  let glide = null;
  let clock = null;
  let held = false;

  const map = make("canvas", { role: "img" });
  const stage = make("div", { class: "lx-stage lx-replay-stage" }, map);
  const legend = createLegend((next) => {
    hidden = next;
    legend.showClasses(data.classes, hidden);
    schedule(draw);
  });
  const grid = make("canvas", { class: "lx-tiles", role: "img" });
  const across = make("span", { class: "lx-axis" });
  const up = make("span", { class: "lx-axis lx-axis-up" });
  const gridFigure = make("figure", { class: "lx-replay-grid" },
    make("div", { class: "lx-replay-plane" }, up, make("div", {}, grid), across));
  const samples = make("canvas", { class: "lx-tiles", role: "img" });
  const samplesFigure = make("figure", { class: "lx-replay-samples" },
    make("figcaption", { class: "lx-quiet" }, "Samples: the same draws from the prior, decoded at each moment"), samples);
  const play = make("button", { type: "button", class: "lx-first", click: toggle }, "Play");
  const scrub = make("input", {
    type: "range", min: 0, step: "any", "aria-label": "Time of the training",
    input: () => {
      held = true;
      pause();
      moveTo(reducedMotion() ? Math.round(Number(scrub.value)) : Number(scrub.value));
    },
    // A drag that ends where it began is no change.
    pointerup: letGo, pointercancel: letGo, change: letGo,
  });
  const curve = sparkline("ELBO", "nats", "over the training");
  const moment = make("span", { class: "lx-number" });
  const live = make("span", { class: "lx-live" }, "live");
  const notice = make("p", { class: "lx-quiet lx-replay-notice", role: "status" });
  const bar = make("div", { class: "lx-replay-bar" },
    play,
    make("div", { class: "lx-replay-time" }, curve.element, scrub),
    make("p", { class: "lx-replay-moment" }, moment, live));
  const root = make("div", { class: "lx-replay", role: "group", "aria-label": "Replay of the training", keydown: onKey },
    make("figure", { class: "lx-replay-map" }, stage, legend.element), gridFigure, bar, samplesFigure);
  const note = make("p", { class: "lx-quiet lx-replay-note" });
  element.classList.add("lx-replay-frame");
  element.append(notice, root, note);
  root.hidden = true;
  const context = map.getContext("2d");
  const gridTiles = createTiles(grid);
  const sampleTiles = createTiles(samples);

  const last = () => frames.length - 1;
  const atEnd = () => at >= last() - 1e-6;
  /** Where it will rest. */
  const goal = () => glide?.to ?? at;

  // --- the frames --------------------------------------------------------------------------------

  /** Fetches what is new; all of them are taken over together. */
  async function load() {
    const wanted = data;
    const key = wanted.read ? "read" : wanted.frames.map(({ source }) => source).join();
    if (key === loading) return;
    loading = key;
    if (frames.length === 0) notice.textContent = "Loading the replay …";
    try {
      const found = wanted.read ?? (await Promise.all(wanted.frames.map(({ source }) => frameAt(source))));
      if (destroyed || loading !== key) return;
      notice.textContent = "";
      take(wanted, found);
    } catch (error) {
      if (loading === key) loading = "";
      if (frames.length === 0) notice.textContent = `The replay could not be loaded. ${error.message}`;
      console.warn(error);
    }
  }

  /** A frame is fetched and read once, however many come after it. */
  function frameAt(source) {
    if (!known.has(source)) {
      const reading = fetchBytes(source).then(readFrame);
      reading.catch(() => known.delete(source));
      known.set(source, reading);
    }
    return known.get(source);
  }

  function take(next, found) {
    const first = frames.length === 0;
    const following = !first && !held && !playing && goal() >= last() - 1e-6;
    moments = next.frames;
    frames = found;
    const all = frames.map((frame) => placesOf(frame, next));
    places = { x: all.map(({ x }) => x), y: all.map(({ y }) => y) };
    const count = all[0].x.length;
    now = { x: new Float32Array(count), y: new Float32Array(count) };
    means = { grid: new Float32Array(frames[0].grid?.length ?? 0), samples: new Float32Array(frames[0].samples.length) };
    byClass = classes(next.labels, count);
    cameraFrom = camera === null || reducedMotion() ? null : { ...camera, start: null };
    bounds = boundsOfAll(all, next.prior);
    if (size.width > 0) camera = geometry.fit(bounds, size);
    describe(next);
    scrub.max = last();
    at = first ? last() : Math.min(at, last());
    tail = at;
    if (glide && glide.to > last()) glide = null;
    root.hidden = false;
    if (following) goTo(last());
    theme = readTheme(element);
    schedule(draw);
  }

  /** The codes of each class, those without one last. */
  function classes(labels, count) {
    if (labels === null) return [{ label: -1, rows: Array.from({ length: count }, (_, i) => i) }];
    const rows = new Map();
    labels.forEach((label, i) => {
      if (!rows.has(label)) rows.set(label, []);
      rows.get(label).push(i);
    });
    return [...rows].sort(([a], [b]) => a - b).map(([label, of]) => ({ label, rows: of }));
  }

  /** Everything that stays the same while it plays. */
  function describe(next) {
    const [first] = frames;
    gridFigure.hidden = first.grid === null;
    root.classList.toggle("lx-replay-flat", first.grid !== null);
    [across.textContent, up.textContent] = ["z₁ →", "z₂ →"];
    nameClasses(next);
    const middle = middleOf(frames[last()]);
    hairlines = hasMargin(middle, first.shape) ? null : isDark(middle) ? GREY : CLEAR;
    bar.hidden = frames.length < 2;
    note.textContent = [
      "Each point is the mean code of one test picture; scale and axes hold for the whole training. Rings at the rim lie beyond it.",
      next.prior && "Dashed: one and two standard deviations of the prior.",
      next.plane && "The plane is that of the last codes' two principal components.",
      "Time runs by ratios, since most happens early: from frame to frame the steps grow by a quarter. Space plays, arrow keys go frame by frame.",
    ].filter(Boolean).join(" ");
    curve.element.hidden = moments.every(({ elbo }) => elbo === null);
  }

  /** Names may come after the first frames. */
  function nameClasses({ labels, classes: names }) {
    const wanted = labels ? names.join("\n") : "";
    if (wanted === named) return;
    named = wanted;
    if (wanted === "") legend.clear();
    else legend.showClasses(names, hidden);
  }

  function middleOf({ grid: cells, samples: drawn, shape }) {
    const pixels = shape[0] * shape[1] * shape[2];
    const from = cells ? Math.floor(cells.length / pixels / 2) * pixels : 0;
    return Float32Array.from((cells ?? drawn).subarray(from, from + pixels), (value) => value / 255);
  }

  // --- time --------------------------------------------------------------------------------------

  function run() {
    clock = null;
    schedule(tick);
  }

  function tick(time) {
    const passed = clock === null ? 0 : Math.min(100, time - clock);
    clock = time;
    if (glide) {
      glide.start ??= time;
      const share = Math.min(1, (time - glide.start) / GLIDE_TIME);
      at = glide.from + (glide.to - glide.from) * geometry.ease(share);
      if (share === 1) glide = null;
    } else if (playing) {
      at = reducedMotion() ? stepped(time) : Math.min(last(), at + passed / frameTime());
      if (atEnd()) pause();
    }
    tail = reducedMotion() ? at : tail + (at - tail) * (1 - Math.exp(-passed / TAIL_TIME));
    tail = Math.min(at + TAIL_FRAMES, Math.max(at - TAIL_FRAMES, tail));
    if (Math.abs(at - tail) < 0.01) tail = at;
    draw(time);
    if (playing || glide || tail !== at) schedule(tick);
  }

  /** How long the frame that is being left lasts. */
  function frameTime() {
    const i = Math.min(Math.floor(at), last() - 1);
    const share = Math.min(1, meanMove(places, i) / (FAR * camera.height));
    return LEAST_TIME + (MOST_TIME - LEAST_TIME) * share;
  }

  let stepAt = 0;
  function stepped(time) {
    if (time < stepAt) return at;
    stepAt = time + STEP_TIME;
    return Math.min(last(), Math.floor(at) + 1);
  }

  function moveTo(time) {
    at = Math.min(last(), Math.max(0, time));
    glide = null;
    run();
  }

  function goTo(frame) {
    pause();
    if (reducedMotion()) moveTo(frame);
    else {
      glide = { from: at, to: frame, start: null };
      run();
    }
  }

  /** What rests is a frame. */
  function letGo() {
    if (!held) return;
    held = false;
    goTo(Math.round(at));
  }

  function toggle() {
    if (playing) {
      goTo(Math.round(at));
      return;
    }
    if (atEnd()) tail = at = 0;
    playing = true;
    glide = null;
    stepAt = performance.now() + STEP_TIME;
    play.textContent = "Pause";
    run();
  }

  function pause() {
    playing = false;
    play.textContent = "Play";
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || frames.length < 2) return;
    const onButton = event.target instanceof HTMLButtonElement;
    const to = onButton && event.target !== play ? null : frameAfterKey(event.key, goal(), last());
    if (to !== null) goTo(to);
    else if (event.key === " " && !onButton) toggle();
    else return;
    event.preventDefault();
    // The page around has shortcuts of its own.
    event.stopPropagation();
  }

  // --- drawing -----------------------------------------------------------------------------------

  function draw(time = performance.now()) {
    if (frames.length === 0) return;
    if (size.width > 0) drawMap(time);
    drawPictures();
    tell();
  }

  function seenThrough(time) {
    if (cameraFrom === null) return camera;
    cameraFrom.start ??= time;
    const share = geometry.ease(Math.min(1, (time - cameraFrom.start) / GLIDE_TIME));
    if (share === 1) {
      cameraFrom = null;
      return camera;
    }
    schedule(draw);
    const mix = (key) => cameraFrom[key] + (camera[key] - cameraFrom[key]) * share;
    return { x: mix("x"), y: mix("y"), height: mix("height") };
  }

  function drawMap(time) {
    const ratio = devicePixelRatio;
    const view = seenThrough(time);
    const scale = size.height / view.height;
    const toX = (x) => size.width / 2 + (x - view.x) * scale;
    const toY = (y) => size.height / 2 - (y - view.y) * scale;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, size.width, size.height);
    const font = getComputedStyle(stage).fontFamily;
    drawGrid(context, { axes: data.axes, camera: view, size, theme, font });
    if (data.prior) drawPrior(toX, toY, scale);
    if (tail !== at) drawTails(toX, toY);
    between(places.x, at, now.x);
    between(places.y, at, now.y);
    context.globalAlpha = theme.dark ? 0.92 : 0.85;
    for (const { label, rows } of byClass) {
      if (hidden.has(label)) continue;
      context.fillStyle = colourOf(label);
      context.beginPath();
      for (const i of rows) {
        const [x, y] = [toX(now.x[i]), toY(now.y[i])];
        context.moveTo(x + RADIUS, y);
        context.arc(x, y, RADIUS, 0, 2 * Math.PI);
      }
      context.fill();
    }
    drawOutside(toX, toY);
    context.globalAlpha = 1;
    if (data.labels && data.heights === null) drawNames(toX, toY, scale, font);
  }

  /** Codes beyond the map wait at its rim, as rings. */
  function drawOutside(toX, toY) {
    const [right, bottom] = [size.width - RIM, size.height - RIM];
    context.lineWidth = 1.5;
    for (const { label, rows } of byClass) {
      if (hidden.has(label)) continue;
      context.strokeStyle = colourOf(label);
      for (const i of rows) {
        const [x, y] = [toX(now.x[i]), toY(now.y[i])];
        if (x > -RADIUS && y > -RADIUS && x < size.width + RADIUS && y < size.height + RADIUS) continue;
        context.beginPath();
        context.arc(geometry.clamp(x, RIM, right), geometry.clamp(y, RIM, bottom), RADIUS, 0, 2 * Math.PI);
        context.stroke();
      }
    }
  }

  function colourOf(label) {
    return label < 0 ? (theme.dark ? "#7dd3c8" : "#0f766e") : classColour(label);
  }

  /** One and two standard deviations of the prior. */
  function drawPrior(toX, toY, scale) {
    context.strokeStyle = theme.faint;
    context.lineWidth = 1;
    context.setLineDash([4, 5]);
    for (const deviations of [1, 2]) {
      context.beginPath();
      context.arc(toX(data.prior[0]), toY(data.prior[1]), deviations * scale, 0, 2 * Math.PI);
      context.stroke();
    }
    context.setLineDash([]);
  }

  /** Where the points were, the older the fainter. */
  function drawTails(toX, toY) {
    const [x, y] = [new Float32Array(now.x.length), new Float32Array(now.x.length)];
    let before = null;
    for (let piece = 0; piece <= TAIL_PIECES; piece += 1) {
      const when = tail + ((at - tail) * piece) / TAIL_PIECES;
      between(places.x, when, x);
      between(places.y, when, y);
      const here = { x: Float32Array.from(x, toX), y: Float32Array.from(y, toY) };
      if (before) {
        context.globalAlpha = (0.4 * piece) / TAIL_PIECES;
        context.lineWidth = 0.5 + (1.5 * piece) / TAIL_PIECES;
        for (const { label, rows } of byClass) {
          if (hidden.has(label)) continue;
          context.strokeStyle = colourOf(label);
          context.beginPath();
          for (const i of rows) {
            context.moveTo(before.x[i], before.y[i]);
            context.lineTo(here.x[i], here.y[i]);
          }
          context.stroke();
        }
      }
      before = here;
    }
    context.globalAlpha = 1;
  }

  /** The names of classes appear as the classes part. */
  function drawNames(toX, toY, scale, font) {
    context.font = `600 15px ${font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    context.lineWidth = 4;
    for (const { label, x, y, apart } of middles(now, data.labels)) {
      const name = data.classes[label];
      if (name === undefined || hidden.has(label)) continue;
      const share = (apart * scale - NAMED[0]) / (NAMED[1] - NAMED[0]);
      context.globalAlpha = geometry.clamp(share, 0, 1);
      context.strokeStyle = theme.paper;
      context.fillStyle = theme.ink;
      context.strokeText(name, toX(x), toY(y));
      context.fillText(name, toX(x), toY(y));
    }
    context.globalAlpha = 1;
  }

  function drawPictures() {
    const first = Math.min(last(), Math.floor(at));
    const next = Math.min(last(), first + 1);
    const share = at - first;
    const { shape } = frames[0];
    const pixels = shape[0] * shape[1] * shape[2];
    const put = (tiles, name, columns, rows) => {
      const fresh = tiles.layOut({ columns, rows, shape, hairlines, gap: 0 });
      const wanted = `${loading} ${at}`;
      if (!fresh && shown[name] === wanted) return;
      shown[name] = wanted;
      faded(frames[first][name], frames[next][name], share, means[name]);
      for (let i = 0; i < means[name].length / pixels; i += 1) {
        tiles.picture(i, means[name].subarray(i * pixels, (i + 1) * pixels));
      }
    };
    if (frames[0].grid !== null) {
      const side = Math.round(Math.sqrt(frames[0].grid.length / pixels));
      put(gridTiles, "grid", side, side);
    }
    const count = frames[0].samples.length / pixels;
    const columns = frames[0].grid === null ? Math.ceil(Math.sqrt(count)) : width < 520 ? Math.min(count, 8) : count;
    put(sampleTiles, "samples", columns, Math.ceil(count / columns));
  }

  /** Says which moment it is. */
  function tell() {
    const nearest = Math.round(at);
    const { elbo } = moments[nearest];
    const words = momentText(moments[nearest], data.epochs);
    const bound = elbo === null ? "" : `, ELBO ${number(elbo, 1)} nats`;
    moment.textContent = words[0].toUpperCase() + words.slice(1);
    live.hidden = !(data.live && atEnd());
    if (!held) scrub.value = at;
    scrub.setAttribute("aria-valuetext", words + bound);
    if (!curve.element.hidden) {
      curve.show(moments.map((one) => one.elbo ?? NaN), {
        at: at / Math.max(1, last()), value: elbo ?? NaN, said: ` of these ${now.x.length} test pictures`,
      });
    }
    map.setAttribute("aria-label", `Codes of ${now.x.length} test pictures, ${words}${bound}`);
    grid.setAttribute("aria-label", `The manifold, ${words}`);
    samples.setAttribute("aria-label", `Samples, ${words}`);
  }

  function resize() {
    const box = stage.getBoundingClientRect();
    if (box.width === 0) return;
    size = { width: box.width, height: box.height };
    width = root.clientWidth;
    map.width = Math.round(size.width * devicePixelRatio);
    map.height = Math.round(size.height * devicePixelRatio);
    if (bounds) camera = geometry.fit(bounds, size);
    cameraFrom = null;
    schedule(draw);
  }

  const observer = new ResizeObserver(resize);
  observer.observe(stage);
  load();

  return {
    update(next) {
      data = next;
      theme = readTheme(element);
      nameClasses(next);
      load();
      schedule(draw);
    },
    destroy() {
      destroyed = true;
      observer.disconnect();
      unschedule(draw);
      unschedule(tick);
      notice.remove();
      note.remove();
      root.remove();
    },
  };
}
