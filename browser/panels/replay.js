/**
 * The replay of a training: map, manifold and samples at every moment of it.
 *
 * Time is counted in frames, whose steps grow by a constant ratio. Between frames codes travel and
 * pictures fade, except where reduced motion is preferred. At its end the replay follows a running
 * training.
 *
 * @typedef {object} ReplayData
 * @property {(import("../replay/timeline.js").Moment & {source?: import("../files/assets.js").Source})[]} frames
 * @property {import("../replay/frames.js").Frame[]} [read]  the frames themselves, instead of sources
 * @property {number[] | null} labels  of the codes
 * @property {string[]} classes  names of the labels
 * @property {import("../replay/timeline.js").Plane | null} plane  from codes of more than two
 *   dimensions to the map
 * @property {number[] | null} heights  vertical places of codes of one dimension
 * @property {[string, string | null]} axes
 * @property {[number, number] | null} prior  the mean of a standard normal prior
 * @property {number} epochs  of the whole training
 * @property {boolean} live  whether the training is running
 */
import { createFrameReader } from "../replay/frames.js";
import { Playback } from "../replay/playback.js";
import { frameAfterKey } from "../replay/timeline.js";
import { createView } from "../replay/view.js";
import { schedule, unschedule } from "../state/store.js";
import { prefersReducedMotion as reducedMotion } from "../ui/dom.js";

/** Milliseconds from a frame to the next: least where codes stay, most where they go this far on average. */
const [LEAST_TIME, MOST_TIME, FAR] = [80, 400, 0.06];

/**
 * @param {HTMLElement} element
 * @param {ReplayData} data
 * @returns {import("../panel.js").Panel}
 */
export function mount(element, data) {
  const readFrames = createFrameReader();
  const playback = new Playback({
    frameTime: (frame) => LEAST_TIME + (MOST_TIME - LEAST_TIME) * Math.min(1, view.motion(frame) / FAR),
    reducedMotion,
  });
  const view = createView(element, playback, reducedMotion, {
    toggle, key: onKey,
    scrub: (position) => run(() => playback.hold(position)),
    release: () => run(() => playback.release()),
  });
  let loaded = false;
  let loading = "";

  /** Read the frames that are new, then show all. */
  async function load() {
    const wanted = data;
    const sources = wanted.frames.map(({ source }) => source);
    const key = wanted.read ? "read" : sources.join();
    if (key === loading) return;
    loading = key;
    if (!loaded) view.notify("Loading the replay …");
    try {
      const frames = wanted.read ?? (await readFrames(sources));
      if (loading !== key) return;
      view.notify("");
      take(wanted, frames);
    } catch (error) {
      if (loading === key) loading = "";
      if (!loaded) view.notify(`The replay could not be loaded. ${error.message}`);
      console.warn(error);
    }
  }

  function take(wanted, frames) {
    const follow = loaded && playback.following;
    playback.resize(frames.length, loaded ? playback.position : frames.length - 1);
    loaded = true;
    view.take(wanted, frames);
    if (follow) run(() => playback.goTo(playback.last));
  }

  /** Change the playback, and draw until it is at rest. */
  function run(change) {
    change();
    view.showPlaying();
    schedule(tick);
  }

  function tick(now) {
    const moving = playback.advance(now);
    view.draw(now);
    if (moving) schedule(tick);
  }

  function toggle() {
    run(() => (playback.playing ? playback.settle() : playback.play(performance.now())));
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || playback.last < 1) return;
    const onButton = event.target instanceof HTMLButtonElement;
    const moves = !onButton || view.isPlayButton(event.target);
    const to = moves ? frameAfterKey(event.key, playback.target, playback.last) : null;
    if (to !== null) run(() => playback.goTo(to));
    else if (event.key === " " && !onButton) toggle();
    else return;
    event.preventDefault();
    // Streamlit's page has shortcuts of its own.
    event.stopPropagation();
  }

  load();

  return {
    update(next) {
      data = next;
      view.update(next);
      load();
    },
    destroy() {
      loading = null;
      unschedule(tick);
      view.destroy();
    },
  };
}
