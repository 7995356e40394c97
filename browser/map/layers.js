/**
 * The layers of the map: decoded plane, grid, points and overlay, a canvas each.
 *
 * A layer is drawn in the frame after `redraw…` was called. The pointer only redraws the overlay.
 */
import { schedule, unschedule } from "../state/store.js";
import { DecodedPlane, drawGrid, drawLabels, originOf } from "./backdrop.js";
import { drawnLayer } from "./colouring.js";
import { className } from "./example.js";
import { clamp } from "./geometry.js";
import { drawOverlay } from "./overlay.js";
import { GREYED, SHOWN } from "./selection.js";
import { splat } from "./splat.js";

/** Opacity of grey points, relative to the others. */
const GREYED_OPACITY = 0.45;
/** Keys of the store that the overlay draws. */
const OVERLAY_KEYS = ["z", "live", "pinnedId", "hovered", "posterior"];

/**
 * Return the size and the opacity of points: the fewer, the larger and the more opaque. Zooming in
 * enlarges them a little; the decoded plane below makes them more transparent, so that it is seen.
 *
 * @param {number} count
 * @param {number} magnification  1 with all points in view
 * @param {number} [plane]  opacity of the decoded plane, 0 to 1
 * @returns {{radius: number, opacity: number}} radius in CSS pixels, opacity 0 to 1
 */
export function pointStyle(count, magnification, plane = 0) {
  const radius = count > 30000 ? 1.3 : count > 3000 ? 1.8 : count > 800 ? 2.6 : 3.6;
  const opacity = count > 30000 ? 0.42 : count > 3000 ? 0.62 : 0.85;
  return { radius: radius * clamp(magnification ** 0.3, 1, 2.2), opacity: opacity * (1 - 0.75 * plane) };
}

export class Layers {
  /**
   * @param {ReturnType<typeof import("./frame.js").createFrame>} frame
   * @param {import("./state.js").MapState} state
   * @param {ReturnType<typeof import("../state/store.js").createStore>} store
   */
  constructor(frame, state, store) {
    this.frame = frame;
    this.state = state;
    this.store = store;
    this.decoded = new DecodedPlane(frame.decoded, () => this.redrawBackdrop());
    this.grid = frame.grid.getContext("2d");
    this.points = frame.points.getContext("2d");
    this.overlay = frame.overlay.getContext("2d");
    this.image = null;
  }

  /** Whether there is anything to draw. */
  get ready() {
    return this.state.set !== null && this.state.camera.position !== null;
  }

  redrawBackdrop = () => schedule(this.#drawBackdrop);

  redrawPoints = () => schedule(this.#drawPoints);

  redrawOverlay = () => schedule(this.#drawOverlay);

  redraw() {
    this.redrawBackdrop();
    this.redrawPoints();
    this.redrawOverlay();
  }

  /** Redraw the layers that draw these keys of the store. @param {Set<string>} changed */
  redrawFor(changed) {
    const { set, opacity } = this.state;
    if (OVERLAY_KEYS.some((key) => changed.has(key))) this.redrawOverlay();
    const held = changed.has("z") && set !== null && set.plane.key !== "pca" && opacity.value > 0;
    if (changed.has("network") || changed.has("y") || held) this.redrawBackdrop();
  }

  /** Resize the canvases to the camera's size, and draw at once so that they are not shown empty. */
  resize() {
    const { size, ratio } = this.state.camera;
    const [width, height] = [Math.round(size.width * ratio), Math.round(size.height * ratio)];
    for (const canvas of [this.frame.decoded, this.frame.grid, this.frame.points, this.frame.overlay]) {
      canvas.width = width;
      canvas.height = height;
    }
    this.unschedule();
    this.#drawBackdrop();
    this.#drawPoints(performance.now());
    this.#drawOverlay();
  }

  unschedule() {
    for (const draw of [this.#drawBackdrop, this.#drawPoints, this.#drawOverlay]) unschedule(draw);
  }

  destroy() {
    this.unschedule();
    this.decoded.destroy();
  }

  #drawBackdrop = () => {
    if (!this.ready) return;
    const { data, set, camera, theme } = this.state;
    const { axes, lift } = set.plane;
    const { size, ratio } = camera;
    this.grid.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.grid.clearRect(0, 0, size.width, size.height);
    if (axes) drawGrid(this.grid, { axes, camera: camera.position, size, theme });
    this.frame.showFade(lift !== null && data.tools && data.decodes !== false);
    this.#drawDecoded();
  };

  #drawDecoded() {
    const { data, set, camera, theme, opacity: { value: opacity } } = this.state;
    const { network, z, y } = this.store.get();
    const { plane } = set;
    if (!plane.lift || !network?.decoder || z.length !== set.points.latentDim || opacity === 0) {
      this.decoded.clear();
      return;
    }
    this.frame.decoded.style.opacity = String(opacity);
    const held = plane.key === "pca" ? "" : Array.from(z, (value, k) => (data.dims.includes(k) ? "" : value));
    const inverted = !theme.dark && originOf(network).isDark;
    this.decoded.draw({
      network, plane, inverted, camera: camera.position, size: camera.size, ratio: camera.ratio, held: z, label: y,
      key: `${network.hash}|${plane.key}|${held}|${y}|${inverted}`,
    });
  }

  #drawPoints = (now) => {
    if (!this.ready) return;
    const { set, camera, selection, colouring, opacity: { value: plane } } = this.state;
    const { width, height } = this.frame.points;
    if (this.image?.width !== width || this.image?.height !== height) this.image = new ImageData(width, height);
    const pixels = new Uint32Array(this.image.data.buffer);
    pixels.fill(0);
    const scale = camera.ratio / camera.unit;
    const { x, y } = camera.position;
    const view = { scale, left: width / 2 - x * scale, top: height / 2 + y * scale };
    const { radius, opacity } = pointStyle(set.points.count, camera.magnification, set.plane.lift ? plane : 0);
    const enlarged = this.frame.scale();
    const wasMoving = set.moving;
    const positions = set.positions(now);
    const layer = drawnLayer(selection.layer, colouring.marked, { SHOWN, GREYED });
    const passes = [
      { wanted: GREYED, colours: colouring.greys, opacity: opacity * GREYED_OPACITY },
      { wanted: SHOWN, colours: colouring.colours, opacity },
    ];
    for (const pass of passes) {
      const style = { ...pass, radius: radius * camera.ratio * enlarged, layer };
      splat(pixels, { width, height }, positions, view, style);
    }
    this.points.putImageData(this.image, 0, 0);
    this.#drawLabels();
    if (set.moving) this.redrawPoints();
    else if (wasMoving) this.redrawOverlay();
    this.frame.showBusy(set.moving);
  };

  /** Write the axes' numbers and names over the points. */
  #drawLabels() {
    const { data, set, camera, theme } = this.state;
    const { axes, rows } = set.plane;
    if (!axes) return;
    const { size, ratio } = camera;
    this.points.setTransform(ratio, 0, 0, ratio, 0, 0);
    const named = rows?.map(({ label, y }) => ({ name: className(data.classes, label), y }));
    drawLabels(this.points, {
      axes, rows: named, camera: camera.position, size, theme, font: this.frame.font(), scale: this.frame.scale(),
    });
  }

  #drawOverlay = () => {
    if (this.ready) drawOverlay(this.overlay, this.state, this.store.get());
  };
}
