/** Codes on the map of a training: places, camera, and the code under a pointer. No DOM. */
import { boundsOf, fit } from "../map/geometry.js";

/** Standard deviations of the prior that the map always shows. */
const PRIOR_SHOWN = 2.5;
/** Share of the codes at each end that the map may leave out. */
const OUTSIDE = 0.01;
/** How far the camera goes to its aim in a frame, and differences of height that it leaves, as a share. */
const SPEED = 0.15;
const NEAR = 0.01;
/** How far codes of one dimension are spread. */
const SPREAD = 2;
/** Fractions of the golden ratio are spread evenly. */
const GOLDEN = 0.618033988749895;

/**
 * The places of codes. Those of one dimension are spread upwards, which means nothing.
 *
 * @param {Float32Array} mu  (n, d)
 * @param {number} d
 * @param {[number, number]} dims  the plane
 * @returns {import("../replay/timeline.js").Places}
 */
export function placesOf(mu, d, [across, up]) {
  const n = mu.length / d;
  const x = new Float32Array(n);
  const y = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    x[i] = mu[i * d + (d === 1 ? 0 : across)];
    y[i] = d === 1 ? SPREAD * (2 * ((i * GOLDEN) % 1) - 1) : mu[i * d + up];
  }
  return { x, y };
}

/** The code at a place; dimensions outside the plane are 0. @returns {Float32Array} (d) */
export function codeAt([x, y], d, [across, up]) {
  const z = new Float32Array(d);
  z[d === 1 ? 0 : across] = x;
  if (d > 1) z[up] = y;
  return z;
}

/** The place of a code. @returns {[number, number]} */
export function placeOf(z, [across, up]) {
  return z.length === 1 ? [z[0], 0] : [z[across], z[up]];
}

function inner(values) {
  const cut = Math.floor(OUTSIDE * values.length);
  return Float32Array.from(values).sort().subarray(cut, values.length - cut);
}

/** The camera that shows nearly all codes, and the prior. */
export function aimOf({ x, y }, size) {
  const bounds = boundsOf(inner(x), inner(y));
  return fit({
    left: Math.min(bounds.left, -PRIOR_SHOWN), right: Math.max(bounds.right, PRIOR_SHOWN),
    bottom: Math.min(bounds.bottom, -PRIOR_SHOWN), top: Math.max(bounds.top, PRIOR_SHOWN),
  }, size);
}

/** The next camera on the way to its aim. @param {import("../map/geometry.js").Camera | null} camera  null at the start */
export function approach(camera, aim) {
  if (camera === null) return aim;
  const far = Math.max(Math.abs(aim.height - camera.height), Math.abs(aim.x - camera.x), Math.abs(aim.y - camera.y));
  if (far < NEAR * aim.height) return camera;
  const mix = (key) => camera[key] + (aim[key] - camera[key]) * SPEED;
  return { x: mix("x"), y: mix("y"), height: mix("height") };
}

/** The nearest code within a distance. @returns {number} its row, -1 for none */
export function nearest({ x, y }, [px, py], most) {
  let best = -1;
  let least = most * most;
  for (let i = 0; i < x.length; i++) {
    const far = (x[i] - px) ** 2 + (y[i] - py) ** 2;
    if (far < least) [best, least] = [i, far];
  }
  return best;
}
