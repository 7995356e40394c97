/**
 * Colours of classes and figures, and those of the theme. Only `theme` touches the DOM. Colour is
 * never the only sign: the legend and the cards also write the class.
 */

/**
 * Ten colours that colour-blind eyes can tell apart: those of Petroff (2021, arXiv 2107.02270), but
 * for his two greys, since grey marks what is not selected. The least difference of any two, as
 * normal, deutan and protan eyes see them, is 18 (CIE 1976).
 */
const CLASSES = [
  "#3f90da", "#ffa90e", "#bd1f01", "#00a0a0", "#832db6",
  "#a96b59", "#e76300", "#b9ac70", "#a02060", "#92dadd",
];

/** Evenly spaced stops of cividis (Nuñez, Anderton & Renslow 2018), safe for colour-blind eyes. */
const SEQUENTIAL = [
  "#00224e", "#123570", "#3b496c", "#575d6d", "#707173",
  "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838",
];

/** @param {string} hex  "#rrggbb" @returns {number} 0xBBGGRR, as an image's pixels have it */
export function packed(hex) {
  const rgb = Number.parseInt(hex.slice(1), 16);
  return ((rgb & 255) << 16) | (rgb & 0xff00) | (rgb >> 16);
}

function channels(hex) {
  const rgb = Number.parseInt(hex.slice(1), 16);
  return [rgb >> 16, (rgb >> 8) & 255, rgb & 255];
}

function mixed(a, b, t) {
  const to = channels(b);
  const parts = channels(a).map((from, i) => Math.round(from + (to[i] - from) * t));
  return `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

/** @param {number} label @returns {string} "#rrggbb"; more than ten classes repeat, lightened */
export function classColour(label) {
  const base = CLASSES[((label % 10) + 10) % 10];
  const round = Math.floor(label / 10);
  return round <= 0 ? base : mixed(base, "#ffffff", Math.min(0.6, 0.3 * round));
}

/** The part of the scale that stands out from dark paper, and that from light paper. */
const VISIBLE = { dark: [0.32, 1], light: [0, 0.9] };

/**
 * @param {number} t  0 to 1
 * @param {boolean} dark  the paper
 * @returns {string} "#rrggbb"
 */
export function sequentialColour(t, dark) {
  const [low, high] = dark ? VISIBLE.dark : VISIBLE.light;
  const place = (low + (high - low) * Math.min(1, Math.max(0, t))) * (SEQUENTIAL.length - 1);
  const first = Math.min(SEQUENTIAL.length - 2, Math.floor(place));
  return mixed(SEQUENTIAL[first], SEQUENTIAL[first + 1], place - first);
}

/** The sequential scale as a CSS gradient. @param {boolean} dark */
export function sequentialGradient(dark) {
  const stops = Array.from({ length: 12 }, (_, i) => sequentialColour(i / 11, dark));
  return `linear-gradient(90deg, ${stops.join(", ")})`;
}

/**
 * @param {ArrayLike<number>|null} labels
 * @param {number} count
 * @param {string} unlabelled  "#rrggbb" where there are no labels
 * @returns {Uint32Array} one packed colour for each point
 */
export function colourByLabel(labels, count, unlabelled) {
  const colours = new Uint32Array(count).fill(packed(unlabelled));
  if (labels === null) return colours;
  const table = new Map();
  for (let n = 0; n < count; n++) {
    const label = labels[n];
    if (!table.has(label)) table.set(label, label < 0 ? packed(unlabelled) : packed(classColour(label)));
    colours[n] = table.get(label);
  }
  return colours;
}

/**
 * Colours by a figure, from its 1st to its 99th percentile: a few extreme values would leave the
 * rest all alike.
 *
 * @param {ArrayLike<number>} values
 * @param {boolean} dark  the paper
 * @returns {{colours: Uint32Array, low: number, high: number}}
 */
export function colourByValue(values, dark) {
  const sorted = Float64Array.from(values).sort();
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  const low = at(0.01);
  const high = at(0.99);
  const table = Uint32Array.from({ length: 256 }, (_, i) => packed(sequentialColour(i / 255, dark)));
  const span = high - low || 1;
  const colours = Uint32Array.from(values, (value) => {
    return table[Math.round(255 * Math.min(1, Math.max(0, (value - low) / span)))];
  });
  return { colours, low, high };
}

/** The parts of a colour as the browser writes it. @param {string} colour  "rgb(…)" */
export function rgb(colour) {
  return (colour.match(/[\d.]+/g) ?? [255, 255, 255]).map(Number);
}

/**
 * The theme's colours as the element sees them, for drawing on a canvas.
 *
 * @param {Element} element  inside `.lx`
 * @returns {{ink: string, paper: string, accent: string, faint: string, line: string,
 *   dark: boolean}}
 */
export function theme(element) {
  const probe = document.createElement("span");
  probe.hidden = true;
  element.append(probe);
  const read = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const colours = Object.fromEntries(
    ["ink", "paper", "accent", "faint", "line"].map((name) => [name, read(name)]),
  );
  probe.remove();
  const [red, green, blue] = rgb(colours.paper);
  return { ...colours, dark: 0.299 * red + 0.587 * green + 0.114 * blue < 128 };
}
