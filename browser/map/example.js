/** Describe an example: its class, and the content of its card. No DOM. */
import { decodeEach } from "../model/decoding.js";
import { paint } from "../ui/pixels.js";
import { dimension, number } from "../ui/words.js";
import { valueOf } from "./columns.js";
import { muOf, sigmaOf } from "./points.js";

/** Columns that a card lists. */
const LISTED = 6;

/** Name a label. @param {string[]|undefined} classes @param {number} label @returns {string} */
export function className(classes, label) {
  return classes?.[label] ?? String(label);
}

/** Name the class of an example. @returns {string|null} null for a set without labels */
export function classOf(points, example, classes) {
  return points.labels ? className(classes, points.labels[example]) : null;
}

/**
 * Return the content of an example's card.
 *
 * @param {import("./points.js").Points} points
 * @param {number} example
 * @param {object} page
 * @param {string[]} [page.classes]
 * @param {[number, number]} page.dims  the dimensions that are listed if there are more than 3
 * @param {import("./sprite.js").Sprite|null} page.sprite
 * @param {import("../model/network.js").Network|null} page.network
 * @param {number|null} page.y  label that a conditional model decodes with
 * @param {string[]} [page.first]  keys of columns that are listed before the others
 * @returns {Omit<import("./card.js").Content, "position">}
 */
export function describe(points, example, { classes, dims, sprite, network, y, first = [] }) {
  const id = points.ids[example];
  const name = classOf(points, example, classes);
  const pictures = [];
  if (sprite?.has(id)) {
    pictures.push({ caption: "Original", ...sprite.size, paint: (context) => sprite.draw(context, id) });
  }
  if (network?.decoder) pictures.push(reconstruction(network, muOf(points, example), y));
  return {
    title: name === null ? `Example ${id}` : `${name} · example ${id}`,
    pictures,
    rows: [...columnRows(points.columns ?? [], example, first), ...posteriorRows(points, example, dims)],
  };
}

/** Name the columns of an example, a few of many. @returns {[string, string][]} */
function columnRows(columns, example, first) {
  const rows = listedFirst(columns, first).slice(0, LISTED).map((column) => [column.name, valueOf(column, example) || "–"]);
  const more = columns.length - LISTED;
  return more > 0 ? [...rows, [`${more} more`, "…"]] : rows;
}

/** Return columns with some of them before the others. @param {import("./columns.js").Column[]} columns @param {string[]} first  keys */
export function listedFirst(columns, first) {
  const chosen = columns.filter(({ key }) => first.includes(key));
  return [...chosen, ...columns.filter(({ key }) => !first.includes(key))];
}

function reconstruction(network, z, y) {
  const [, height, width] = network.imageShape;
  const show = (context) => {
    const image = context.createImageData(width, height);
    decodeEach(network, Float32Array.from(z), y, (_, mean) => {
      paint(mean, network.imageShape, image);
      context.putImageData(image, 0, 0);
    });
  };
  return { caption: "Reconstruction", width, height, paint: show };
}

function posteriorRows(points, example, dims) {
  const mu = muOf(points, example);
  const sigma = sigmaOf(points, example);
  const listed = points.latentDim <= 3 ? [...mu.keys()] : [...new Set(dims)];
  const spread = (dim) => (sigma ? ` ± ${number(sigma[dim])}` : "");
  const rows = listed.map((dim) => [dimension(dim), number(mu[dim]) + spread(dim)]);
  if (listed.length < points.latentDim) rows.push(["‖mu‖", number(Math.hypot(...mu))]);
  for (const metric of ["rate", "distortion"]) {
    if (points[metric]) rows.push([metric, `${number(points[metric][example], 1)} nats`]);
  }
  return rows;
}
