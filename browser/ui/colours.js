/**
 * Colours of classes, of metrics, and of the theme. Only `theme` uses the DOM.
 *
 * Colour is never the only sign of a class: legend and cards also name it.
 */

/**
 * Ten colours that stand out 3 to 1 from the ground of either theme (WCAG 2.2, criterion 1.4.11) and
 * are distinct under colour blindness: the hues of Petroff (2021, arXiv 2107.02270) without his grey,
 * moved until both held. The smallest CIE 1976 difference between two of them is 30, and 16 under
 * deutan and protan vision (Machado, Oliveira & Fernandes 2009).
 */
const CLASSES = [
  "#1e87ff", "#cb844b", "#be2042", "#1da19b", "#9933cb",
  "#875369", "#dc4b12", "#84836c", "#db61cd", "#35759a",
];

/** Classes with a colour of their own. */
export const SEVERAL = CLASSES.length;

/** Stands out from both grounds. */
const GREY = "#7b7b7b";

/** Of classes without a colour, and of examples without a value. */
export const OTHERS = GREY;

/** Evenly spaced stops of cividis (Nuñez, Anderton & Renslow 2018), which is safe under colour blindness. */
const SEQUENTIAL = [
  "#00224e", "#123570", "#3b496c", "#575d6d", "#707173",
  "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838",
];

/** Convert to the byte order of an image's pixels. @param {string} hex  "#rrggbb" @returns {number} 0xBBGGRR */
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

/**
 * Return the colour of a class. From the eleventh class on, colours repeat, greyer each time.
 *
 * @param {number} label
 * @returns {string} "#rrggbb"
 */
export function classColour(label) {
  const base = CLASSES[((label % 10) + 10) % 10];
  const round = Math.floor(label / 10);
  return round <= 0 ? base : mixed(base, GREY, Math.min(0.6, 0.3 * round));
}

/** The part of the scale that stands out 3 to 1 from a dark background, and from a light one. */
const VISIBLE = { dark: [0.38, 1], light: [0, 0.6] };

/**
 * Return a colour of the sequential scale.
 *
 * @param {number} t  0 to 1
 * @param {boolean} dark  whether the background is dark
 * @returns {string} "#rrggbb"
 */
export function sequentialColour(t, dark) {
  const [low, high] = dark ? VISIBLE.dark : VISIBLE.light;
  const place = (low + (high - low) * Math.min(1, Math.max(0, t))) * (SEQUENTIAL.length - 1);
  const first = Math.min(SEQUENTIAL.length - 2, Math.floor(place));
  return mixed(SEQUENTIAL[first], SEQUENTIAL[first + 1], place - first);
}

/** Return the sequential scale as a CSS gradient. @param {boolean} dark  whether the background is dark */
export function sequentialGradient(dark) {
  const stops = Array.from({ length: 12 }, (_, i) => sequentialColour(i / 11, dark));
  return `linear-gradient(90deg, ${stops.join(", ")})`;
}

/**
 * Colour points by label.
 *
 * @param {ArrayLike<number>|null} labels  (count), below 0 for none
 * @param {number} count
 * @param {string} unlabelled  "#rrggbb" of points without a label
 * @returns {Uint32Array} (count) 0xBBGGRR
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
 * Colour points by a number, from its 1st to its 99th percentile, so that extreme values do not make
 * all others look alike.
 *
 * @param {ArrayLike<number>} values  (n), NaN for none
 * @param {boolean} dark  whether the background is dark
 * @returns {{colours: Uint32Array, low: number, high: number}} (n) 0xBBGGRR; the percentiles
 */
export function colourByValue(values, dark) {
  const sorted = Float64Array.from(values).filter((value) => !Number.isNaN(value)).sort();
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  const low = at(0.01);
  const high = at(0.99);
  const table = Uint32Array.from({ length: 256 }, (_, i) => packed(sequentialColour(i / 255, dark)));
  const span = high - low || 1;
  const colours = Uint32Array.from(values, (value) => {
    if (Number.isNaN(value)) return packed(OTHERS);
    return table[Math.round(255 * Math.min(1, Math.max(0, (value - low) / span)))];
  });
  return { colours, low, high };
}

/** Parse a computed CSS colour. @param {string} colour  "rgb(…)" @returns {number[]} red, green, blue, 0 to 255 */
export function rgb(colour) {
  return (colour.match(/[\d.]+/g) ?? [255, 255, 255]).map(Number);
}

/**
 * Read the theme's colours at an element, for drawing on a canvas.
 *
 * @param {Element} element  inside `.lx`
 * @returns {{ink: string, paper: string, accent: string, faint: string, line: string,
 *   dark: boolean}} CSS colours, and whether the background (paper) is dark
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
