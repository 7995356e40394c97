/**
 * Geometry of the map: cameras, polygons, nearest points, ellipses. No DOM.
 *
 * @typedef {{x: number, y: number, height: number}} Camera  centre and height of the part of the plane
 *   that is shown, in data units
 * @typedef {{left: number, right: number, bottom: number, top: number}} Bounds
 * @typedef {{width: number, height: number}} Size  of the drawing, CSS pixels
 * @typedef {[number, number]} Point
 */

/** Limit a value to a range. @param {number} value @param {number} low @param {number} high */
export function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

/** Ease in and out (cubic). @param {number} t  0 to 1 @returns {number} 0 to 1 */
export function ease(t) {
  return t < 0.5 ? 4 * t * t * t : 1 - (2 - 2 * t) ** 3 / 2;
}

/**
 * Return the bounds of points.
 *
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} y
 * @returns {Bounds} a square around the origin for no points
 */
export function boundsOf(x, y) {
  if (x.length === 0) return { left: -3, right: 3, bottom: -3, top: 3 };
  const bounds = { left: Infinity, right: -Infinity, bottom: Infinity, top: -Infinity };
  for (let i = 0; i < x.length; i++) {
    if (x[i] < bounds.left) bounds.left = x[i];
    if (x[i] > bounds.right) bounds.right = x[i];
    if (y[i] < bounds.bottom) bounds.bottom = y[i];
    if (y[i] > bounds.top) bounds.top = y[i];
  }
  return bounds;
}

/** Margin around the points of a fitted camera, as a share of the height. */
const MARGIN = 0.06;

/**
 * Return the closest camera that shows all of `bounds`.
 *
 * @param {Bounds} bounds
 * @param {Size} size
 * @returns {Camera}
 */
export function fit(bounds, size) {
  const width = bounds.right - bounds.left;
  const height = bounds.top - bounds.bottom;
  const needed = Math.max(height, (width * size.height) / Math.max(1, size.width));
  return {
    x: (bounds.left + bounds.right) / 2,
    y: (bounds.bottom + bounds.top) / 2,
    height: Math.max(needed, 1e-6) * (1 + 2 * MARGIN),
  };
}

/**
 * Zoom around a point of the plane, which keeps its position on the screen.
 *
 * @param {Camera} camera
 * @param {number} factor  above 1 zooms in
 * @param {Point} anchor  in data units
 * @param {{least: number, most: number}} limits  of the height
 * @returns {Camera}
 */
export function zoom(camera, factor, [x, y], limits) {
  const height = clamp(camera.height / factor, limits.least, limits.most);
  const ratio = height / camera.height;
  return { x: x + (camera.x - x) * ratio, y: y + (camera.y - y) * ratio, height };
}

/** Convert data units to CSS pixels from the top left corner. @returns {Point} */
export function toScreen(camera, size, x, y) {
  const scale = size.height / camera.height;
  return [size.width / 2 + (x - camera.x) * scale, size.height / 2 - (y - camera.y) * scale];
}

/** Convert CSS pixels from the top left corner to data units. @returns {Point} */
export function toData(camera, size, px, py) {
  const scale = camera.height / size.height;
  return [camera.x + (px - size.width / 2) * scale, camera.y - (py - size.height / 2) * scale];
}

/** Return the part of the plane that a camera shows. @param {Camera} camera @param {Size} size @returns {Bounds} */
export function seen(camera, size) {
  const half = (camera.height * size.width) / Math.max(1, size.height) / 2;
  return {
    left: camera.x - half,
    right: camera.x + half,
    bottom: camera.y - camera.height / 2,
    top: camera.y + camera.height / 2,
  };
}

/**
 * Return whether a point lies inside a polygon, by the even-odd rule.
 *
 * A point on an edge belongs to the polygon on its right or above, so that adjacent polygons share no
 * point.
 *
 * @param {Point[]} polygon
 * @param {number} x
 * @param {number} y
 */
export function inside(polygon, x, y) {
  let within = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [xi, yi] = polygon[i];
    const [xj, yj] = polygon[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) within = !within;
  }
  return within;
}

/** Return the corners of the box between two points. @param {Point} a @param {Point} b @returns {Point[]} */
export function box([ax, ay], [bx, by]) {
  return [
    [Math.min(ax, bx), Math.min(ay, by)],
    [Math.max(ax, bx), Math.min(ay, by)],
    [Math.max(ax, bx), Math.max(ay, by)],
    [Math.min(ax, bx), Math.max(ay, by)],
  ];
}

/**
 * Simplify a path (Douglas & Peucker 1973).
 *
 * @param {Point[]} path
 * @param {number} tolerance  the largest distance of a dropped corner from the simplified path
 * @returns {Point[]}
 */
export function simplify(path, tolerance) {
  if (path.length < 4) return path;
  const kept = new Uint8Array(path.length);
  kept[0] = 1;
  kept[path.length - 1] = 1;
  const spans = [[0, path.length - 1]];
  while (spans.length > 0) {
    const [first, last] = spans.pop();
    let farthest = -1;
    let distance = tolerance;
    for (let i = first + 1; i < last; i++) {
      const d = distanceToSegment(path[i], path[first], path[last]);
      if (d > distance) {
        distance = d;
        farthest = i;
      }
    }
    if (farthest > 0) {
      kept[farthest] = 1;
      spans.push([first, farthest], [farthest, last]);
    }
  }
  return path.filter((_, i) => kept[i]);
}

function distanceToSegment([px, py], [ax, ay], [bx, by]) {
  const dx = bx - ax;
  const dy = by - ay;
  const squared = dx * dx + dy * dy;
  const t = squared > 0 ? clamp(((px - ax) * dx + (py - ay) * dy) / squared, 0, 1) : 0;
  return Math.hypot(px - ax - t * dx, py - ay - t * dy);
}

/** An index of points in square cells, for searches of the nearest point. */
export class GridIndex {
  /**
   * @param {ArrayLike<number>} x
   * @param {ArrayLike<number>} y
   */
  constructor(x, y) {
    this.x = x;
    this.y = y;
    this.bounds = boundsOf(x, y);
    const width = Math.max(this.bounds.right - this.bounds.left, 1e-9);
    const height = Math.max(this.bounds.top - this.bounds.bottom, 1e-9);
    // About two points in each cell.
    const cells = Math.max(1, x.length / 2);
    this.cell = Math.max(Math.sqrt((width * height) / cells), Math.max(width, height) / 512);
    this.columns = Math.floor(width / this.cell) + 1;
    this.rows = Math.floor(height / this.cell) + 1;
    this.starts = new Int32Array(this.columns * this.rows + 1);
    const home = new Int32Array(x.length);
    for (let i = 0; i < x.length; i++) {
      home[i] = this.row(y[i]) * this.columns + this.column(x[i]);
      this.starts[home[i] + 1] += 1;
    }
    for (let c = 0; c < this.columns * this.rows; c++) this.starts[c + 1] += this.starts[c];
    const next = this.starts.slice();
    this.order = new Int32Array(x.length);
    for (let i = 0; i < x.length; i++) this.order[next[home[i]]++] = i;
  }

  column(x) {
    return clamp(Math.floor((x - this.bounds.left) / this.cell), 0, this.columns - 1);
  }

  row(y) {
    return clamp(Math.floor((y - this.bounds.bottom) / this.cell), 0, this.rows - 1);
  }

  /**
   * Return the nearest point within a radius.
   *
   * @param {number} x
   * @param {number} y
   * @param {number} radius  data units
   * @param {(index: number) => boolean} [accepts]  which points count
   * @returns {number} index of the point, -1 for none
   */
  nearest(x, y, radius, accepts = () => true) {
    let best = -1;
    let least = radius * radius;
    for (let row = this.row(y - radius); row <= this.row(y + radius); row++) {
      for (let column = this.column(x - radius); column <= this.column(x + radius); column++) {
        const cell = row * this.columns + column;
        for (let k = this.starts[cell]; k < this.starts[cell + 1]; k++) {
          const i = this.order[k];
          const squared = (this.x[i] - x) ** 2 + (this.y[i] - y) ** 2;
          if (squared <= least && accepts(i)) {
            least = squared;
            best = i;
          }
        }
      }
    }
    return best;
  }

  /** Return the nearest point at any distance, by searching in growing radii. */
  nearestAnywhere(x, y, accepts = () => true) {
    const { left, right, bottom, top } = this.bounds;
    const farthest = Math.hypot(
      Math.max(Math.abs(x - left), Math.abs(x - right)),
      Math.max(Math.abs(y - bottom), Math.abs(y - top)),
    );
    for (let radius = 2 * this.cell; ; radius *= 2) {
      const found = this.nearest(x, y, radius, accepts);
      if (found >= 0 || !(radius < farthest)) return found;
    }
  }
}

/**
 * Return the ellipse of one standard deviation of a 2 × 2 covariance.
 *
 * @param {number} xx
 * @param {number} xy
 * @param {number} yy
 * @returns {{long: number, short: number, angle: number}} semi-axes; angle of the long one, radians
 */
export function ellipse(xx, xy, yy) {
  const middle = (xx + yy) / 2;
  const spread = Math.hypot((xx - yy) / 2, xy);
  return {
    long: Math.sqrt(Math.max(0, middle + spread)),
    short: Math.sqrt(Math.max(0, middle - spread)),
    angle: Math.atan2(2 * xy, xx - yy) / 2,
  };
}

/**
 * Return a step for grid lines: 1, 2 or 5 times a power of ten.
 *
 * @param {number} span  length to divide
 * @param {number} most  largest number of steps
 */
export function niceStep(span, most) {
  const rough = span / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 5, 10].find((step) => step * power >= rough);
}
