/**
 * The map panel: an encoded set in a plane, and the code under the pointer.
 *
 * Data flows one way: Python, the store and the user change the state (map/state.js), each change
 * schedules layers, and the layers draw the state without changing it.
 *
 * Data besides the page's (app/components/latent_map.py): `codes`, `positions`, `sprite`,
 * `columns`, `classes`, `projection`, `colour`, `manifold`, `ellipses`, `camera`, `selection`, `filter` and
 * `search` (these with versions, the last two with one), `hidden`, `height`, `tools`, `filters` (whether
 * the filter can be changed), `decodes` (false for codes without a model). Sends `pin`, `selection`,
 * `camera`, `hidden`, `manifold`, `filter` and `search`.
 */
import { createCard } from "../map/card.js";
import { colourPoints } from "../map/colouring.js";
import { columnsOf, missingOf } from "../map/columns.js";
import { keeping, keptBy } from "../map/filter.js";
import { createFilters } from "../map/filters.js";
import { createFrame } from "../map/frame.js";
import { Gestures } from "../map/gestures.js";
import { hintOf } from "../map/hint.js";
import { Keyboard } from "../map/keyboard.js";
import { createKeys } from "../map/keys.js";
import { Layers } from "../map/layers.js";
import { createLegend } from "../map/legend.js";
import { SetLoader } from "../map/loader.js";
import { planeKey } from "../map/planes.js";
import { Pointer } from "../map/pointer.js";
import { readingOf } from "../map/reading.js";
import { EncodedSet } from "../map/set.js";
import { createState } from "../map/state.js";
import { storeOf } from "../state/store.js";
import { theme } from "../ui/colours.js";
import { announcer, prefersReducedMotion } from "../ui/dom.js";

/**
 * @param {HTMLElement} element
 * @param {any} data
 * @param {import("../panel.js").Emit} emit
 * @returns {import("../panel.js").Panel}
 */
export function mount(element, data, emit) {
  return new LatentMap(element, data, emit);
}

class LatentMap {
  constructor(element, data, emit) {
    this.element = element;
    this.links = { store: storeOf(data.side), emit, origin: Symbol("latent_map") };
    this.reading = null;
    this.looks = 0; // of a teacher, each with a camera of its own
    this.state = createState(data, theme(element), this.links, {
      moved: () => this.layers.redraw(),
      selected: () => this.#showSelection(),
      filtered: () => this.#showFilter(),
      searched: () => this.state.set && this.#colour(),
    });
    this.keys = createKeys();
    this.frame = createFrame(element, data, this.#toolbarHandlers());
    this.card = createCard(this.frame.stage);
    this.legend = createLegend((hidden) => this.#hide(hidden), {
      category: (key, members) => this.#toggleCategories(key, members),
      search: (text, final) => this.state.filter.find(text, final),
    });
    this.filters = createFilters(this.state.filter);
    this.speaker = announcer();
    element.append(this.legend.element, this.speaker.element, this.keys.element);
    this.layers = new Layers(this.frame, this.state, this.links.store);
    const outputs = { card: this.card, speaker: this.speaker, redraw: this.layers.redrawOverlay };
    this.pointer = new Pointer(this.state, this.links, outputs);
    this.keyboard = new Keyboard(this.state, this.pointer, this.links.store);
    this.gestures = new Gestures(this.frame.overlay, {
      ...this.pointer.handlers(),
      key: (key, shift) => this.#press(key, shift),
    });
    this.loader = new SetLoader({
      request: () => this.state.set === null && this.frame.showNotice("Loading the map …"),
      points: (points) => this.#show(points),
      sprite: (sprite) => (this.state.sprite = sprite),
      error: (error) => this.frame.showFailure(`The map could not be loaded. ${error.message}`),
    });
    this.stops = [
      this.frame.insert(this.filters.element),
      this.frame.watchSize((size, ratio) => this.#resize(size, ratio)),
      this.links.store.subscribe((shared, changed, origin) => this.#follow(shared, changed, origin)),
    ];
    this.filters.allow(Boolean(data.filters));
    this.loader.request(data);
  }

  #press(key, shift) {
    if (key !== "?") return this.keyboard.press(key, shift);
    this.keys.show();
    return true;
  }

  #toolbarHandlers() {
    const { camera, selection, opacity, pointer } = this.state;
    return {
      tool: (name) => (pointer.tool = name),
      zoom: (factor) => camera.zoomCentreAndSend(factor),
      fit: () => camera.reset(),
      clear: () => selection.clear(),
      keys: () => this.keys.show(),
      fade: (value) => {
        opacity.value = value;
        this.layers.redrawBackdrop();
        this.layers.redrawPoints();
      },
      faded: () => opacity.send(),
    };
  }

  update(data) {
    const { state } = this;
    const before = state.data;
    state.data = data;
    const coloured = this.#readTheme();
    this.frame.configure(data);
    // For the same model, the classes hidden here are newer than those that Python knows.
    if (before.model.hash !== data.model.hash) state.selection.hidden = new Set(data.hidden);
    if (state.opacity.adopt(before.manifold, data.manifold)) this.frame.setFade(state.opacity.value);
    if (state.set && this.loader.hasLoaded(data)) {
      if (planeKey(data.projection, data.dims) !== state.set.plane.key) {
        this.#show(state.set.points);
      } else {
        this.#adoptVersions();
        if (Boolean(before.filters) !== Boolean(data.filters)) this.filters.allow(Boolean(data.filters));
        if (before.colour !== data.colour && !coloured) this.#colour();
        this.layers.redraw();
      }
    }
    this.loader.request(data);
  }

  destroy() {
    this.loader.stop();
    this.pointer.leave();
    const { store, origin } = this.links;
    if (store.get().reading === this.reading) store.set({ reading: null }, origin);
    this.state.selection.release();
    this.state.filter.release();
    this.legend.destroy();
    this.filters.destroy();
    for (const stop of this.stops) stop();
    this.gestures.destroy();
    this.card.destroy();
    this.speaker.stop();
    this.layers.destroy();
    this.element.replaceChildren();
  }

  /** Show a set in the plane that Python names. Points move there from their current positions. */
  #show(points) {
    const { state } = this;
    const { data, set: before, camera } = state;
    const cameraBefore = camera.position;
    state.set = new EncodedSet(points, data.projection, data.dims);
    this.reading = readingOf(points, data.classes);
    this.links.store.set({ reading: this.reading }, this.links.origin);
    const samePlane = before?.plane.key === state.set.plane.key;
    state.pointer.cursor = null;
    camera.setBounds(state.set.bounds, samePlane);
    state.selection.setPoints(points);
    if (state.filter.points !== points) state.filter.setPoints(points, columnsOf(points, data.classes));
    this.#adoptVersions();
    if (before && !samePlane) this.card.hide();
    if (before && cameraBefore && !prefersReducedMotion()) {
      state.set.moveFrom(before, cameraBefore, camera.position, performance.now());
    }
    this.#colour();
    this.#showHint();
    this.#showFilter();
    this.layers.redraw();
  }

  /** Apply Python's camera and selection if their versions are new. */
  #adoptVersions() {
    const { data, camera, selection, filter } = this.state;
    camera.adopt(data.camera, data.camera_version);
    filter.adopt(data.filter, data.search, data.filter_version);
    selection.adopt(data.selection, data.selection_version);
  }

  /** Update the colours of points, and the legend. */
  #colour() {
    const { data, set, filter, theme: { dark } } = this.state;
    this.state.colouring = colourPoints(set.points, data.colour, dark, filter.search);
    this.#showLegend();
    this.layers.redrawPoints();
  }

  #showLegend() {
    const { data, set, colouring, selection, filter } = this.state;
    const column = filter.columns.get(data.colour);
    const kept = column?.kind === "category" ? keptBy(column, filter.conditionOn(data.colour)) : null;
    const shown = { isKept: (name) => kept?.has(name) ?? true, search: filter.search };
    this.legend.show(colouring, set.points.labels && data.classes, selection.hidden, shown);
  }

  /** Show or hide categories of a column, which is a filter by it. */
  #toggleCategories(key, members) {
    const { filter } = this.state;
    const column = filter.columns.get(key);
    const kept = keptBy(column, filter.conditionOn(key));
    const showing = members.some((name) => kept.has(name));
    for (const name of members) {
      if (showing) kept.delete(name);
      else kept.add(name);
    }
    const condition = keeping(column, kept, missingOf(column, filter.points.count) > 0);
    if (condition !== undefined) filter.change(key, condition);
  }

  /** Show what the filter keeps. */
  #showFilter() {
    const { filter, set, colouring } = this.state;
    this.filters.show();
    if (set === null) return;
    if (colouring) this.#showLegend();
    this.card.hide();
    this.frame.showNotice(filter.counts.shown === 0 && filter.mask ? "No example fulfils the filter." : null);
  }

  #hide(hidden) {
    this.links.emit.state("hidden", [...hidden].sort((a, b) => a - b));
    this.state.selection.hide(hidden);
    this.#showLegend();
  }

  #showSelection() {
    this.frame.showCount(this.state.selection.count);
    this.layers.redrawPoints();
    this.layers.redrawOverlay();
  }

  #showHint() {
    const { set, pointer } = this.state;
    if (set) this.frame.showHint(hintOf(set, { ...this.links.store.get(), hovering: pointer.hovering }));
  }

  /** Apply a change of the store. */
  #follow(shared, changed, origin) {
    const { selection, pointer } = this.state;
    if (changed.has("selected") && origin !== this.links.origin) selection.selectIds(shared.selected);
    if (changed.has("live") && shared.live === null) pointer.hovering = false;
    if (changed.has("look")) this.#adoptLook(shared.look);
    if (["live", "hovered", "pinnedId"].some((key) => changed.has(key))) this.#showHint();
    this.layers.redrawFor(changed);
  }

  /** Draw the page's large map as a teacher's map is drawn. @param {Record<string, unknown>|null} look */
  #adoptLook(look) {
    const { data } = this.state;
    if (look === null || !data.tools || data.side != null) return;
    const version = `look ${(this.looks += 1)}`;
    this.update({ ...data, ...look, camera_version: version, filter_version: version });
  }

  #resize(size, ratio) {
    const { data, camera } = this.state;
    // The stylesheet may load after the panel is mounted: then it changes the size and the colours.
    this.#readTheme();
    camera.resize(size, ratio);
    camera.adopt(data.camera, data.camera_version);
    this.layers.resize();
  }

  /** Read the theme. @returns {boolean} whether it changed between light and dark, and points were coloured */
  #readTheme() {
    const before = this.state.theme;
    this.state.theme = theme(this.element);
    if (before.dark === this.state.theme.dark) return false;
    if (this.state.set) this.#colour();
    return true;
  }
}
