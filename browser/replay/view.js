/** The replay on screen: drawings and texts of one moment. */
import { schedule, unschedule } from "../state/store.js";
import { theme as readTheme } from "../ui/colours.js";
import { createTiles } from "../ui/tiles.js";
import { number } from "../ui/words.js";
import { ReplayCamera } from "./camera.js";
import { drawMap } from "./drawing.js";
import { build } from "./elements.js";
import { arrangeSamples, sceneOf } from "./scene.js";
import { crossfade, meanDistance, momentText } from "./timeline.js";

/** Below this width samples come in several rows, CSS pixels. */
const NARROW = 520;

/**
 * @param {HTMLElement} element
 * @param {import("./playback.js").Playback} playback
 * @param {() => boolean} reducedMotion
 * @param {Omit<import("./elements.js").Handlers, "hide">} handlers
 */
export function createView(element, playback, reducedMotion, handlers) {
  const parts = build(element, { ...handlers, hide });
  const context = parts.map.getContext("2d");
  const grid = createFadingTiles(parts.grid, "grid");
  const samples = createFadingTiles(parts.samples, "samples");
  const camera = new ReplayCamera();
  let data = null;
  let moments = [];
  let frames = [];
  let scene = null;
  let size = { width: 0, height: 0 };
  let theme = null;
  let hidden = new Set();
  let named = "";

  function hide(labels) {
    hidden = labels;
    parts.legend.showClasses(data.classes, hidden);
    schedule(draw);
  }

  /** Take over other data of the same frames. @param {import("../panels/replay.js").ReplayData} next */
  function update(next) {
    data = next;
    theme = readTheme(element);
    const wanted = data.labels ? data.classes.join("\n") : "";
    if (wanted !== named) {
      named = wanted;
      if (wanted === "") parts.legend.clear();
      else parts.legend.showClasses(data.classes, hidden);
    }
    schedule(draw);
  }

  /** Take over other frames and their data. */
  function take(next, found) {
    frames = found;
    moments = next.frames;
    scene = sceneOf(next, frames);
    if (size.width > 0) camera.fit(scene.bounds, size, !reducedMotion());
    parts.root.hidden = false;
    parts.gridFigure.hidden = scene.side === null;
    parts.root.classList.toggle("lx-replay-flat", scene.side !== null);
    parts.bar.hidden = frames.length < 2;
    parts.slider.max = frames.length - 1;
    parts.curve.element.hidden = moments.every(({ elbo }) => elbo === null);
    parts.note.textContent = noteOf(next);
    update(next);
  }

  function draw(now = performance.now()) {
    if (scene === null) return;
    const { position, tail } = playback;
    if (size.width > 0) {
      const font = getComputedStyle(parts.stage).fontFamily;
      const ratio = devicePixelRatio;
      drawMap(context, { scene, size, ratio, camera: camera.at(now), theme, font, position, tail, hidden, names: data.classes });
      if (camera.moving) schedule(draw);
    }
    const { side, hairlines } = scene;
    if (side !== null) grid.show(frames, position, { columns: side, rows: side, hairlines });
    samples.show(frames, position, { ...arrangeSamples(scene, parts.root.clientWidth < NARROW), hairlines });
    showMoment();
  }

  function showMoment() {
    const { position, last, atEnd, held } = playback;
    const moment = moments[Math.round(position)];
    const text = momentText(moment, data.epochs);
    const bound = moment.elbo === null ? "" : `, ELBO ${number(moment.elbo, 1)} nats`;
    const count = scene.tracks.x[0].length;
    showPlaying();
    parts.moment.textContent = text[0].toUpperCase() + text.slice(1);
    parts.live.hidden = !(data.live && atEnd);
    if (!held) parts.slider.value = position;
    parts.slider.setAttribute("aria-valuetext", text + bound);
    if (!parts.curve.element.hidden) {
      parts.curve.show(moments.map(({ elbo }) => elbo ?? NaN), {
        at: position / Math.max(1, last), value: moment.elbo ?? NaN, said: ` of these ${count} test images`,
      });
    }
    parts.map.setAttribute("aria-label", `Codes of ${count} test images, ${text}${bound}`);
    parts.grid.setAttribute("aria-label", `The manifold, ${text}`);
    parts.samples.setAttribute("aria-label", `Samples, ${text}`);
  }

  function showPlaying() {
    const word = playback.playing ? "Pause" : "Play";
    if (parts.play.textContent !== word) parts.play.textContent = word;
  }

  const observer = new ResizeObserver(() => {
    const { width, height } = parts.stage.getBoundingClientRect();
    if (width === 0) return;
    size = { width, height };
    parts.map.width = Math.round(width * devicePixelRatio);
    parts.map.height = Math.round(height * devicePixelRatio);
    if (scene) camera.fit(scene.bounds, size, false);
    schedule(draw);
  });
  observer.observe(parts.stage);

  return {
    update, take, draw, showPlaying,
    isPlayButton: (target) => target === parts.play,
    notify: (text) => (parts.notice.textContent = text),
    /** Mean distance that codes go from a frame to the next, in heights of the map. */
    motion: (frame) => meanDistance(scene.tracks, frame) / camera.camera.height,
    destroy() {
      observer.disconnect();
      unschedule(draw);
      element.replaceChildren();
    },
  };
}

/** How to read the drawings, in sentences. */
function noteOf({ prior, plane }) {
  return [
    "Each point is a test image, placed at its encoded mean; the scale is that of the whole training. Rings at the edge lie outside the map.",
    prior && "Dashed: one and two standard deviations of the prior.",
    plane && "The plane is that of the two principal components of the last codes.",
    "Logarithmic time scale: each frame has a quarter more steps than the one before. Space plays, arrow keys go frame by frame.",
  ].filter(Boolean).join(" ");
}

/** Pictures that fade from frame to frame. @param {HTMLCanvasElement} canvas @param {"grid" | "samples"} part */
function createFadingTiles(canvas, part) {
  const tiles = createTiles(canvas);
  const drawn = { frames: null, position: NaN };

  /** Draw the pictures at a position, counted in frames; `layout` is one of `createTiles`. */
  function show(frames, position, layout) {
    const { shape } = frames[0];
    const fresh = tiles.layOut({ ...layout, shape });
    if (!fresh && drawn.frames === frames && drawn.position === position) return;
    Object.assign(drawn, { frames, position });
    const first = Math.floor(position);
    const next = Math.min(frames.length - 1, first + 1);
    const means = crossfade(frames[first][part], frames[next][part], position - first);
    const pixels = shape[0] * shape[1] * shape[2];
    for (let i = 0; i < means.length / pixels; i += 1) tiles.picture(i, means.subarray(i * pixels, (i + 1) * pixels));
  }

  return { show };
}
