/** What a model makes of a drawing: its neighbours' classes, its costs, and for a conditional model those of each label. */
import { crossEntropy } from "../learn/figures.js";
import { readingOf } from "../map/reading.js";
import { decode, encode } from "../model/network.js";
import { kl } from "../model/prior.js";
import { store } from "../state/store.js";
import { number } from "../ui/words.js";
import { createLine } from "./line.js";

/** Labels that are listed, the cheapest first. */
const LISTED = 3;

/**
 * @param {HTMLElement} element
 * @param {{points: import("../map/points.js").Points, classes: string[], given: string[], hasPixelTerms: boolean,
 *   drawing: () => Float32Array | null}} data  `drawing` is what the model sees, in [0, 1]
 * @returns {import("../panel.js").Panel}
 */
export function mount(element, data) {
  return createLine(element, data, (known) => {
    const { network, posterior, y } = store.get();
    const x = known.drawing();
    if (!network?.encoder || !posterior || !x) return "Draw, and this line says what it costs.";
    return describe(known, { network, posterior, y, x });
  }, { role: "status" });
}

/** Describe a drawing. @returns {string} */
export function describe({ points, classes, given, hasPixelTerms }, { network, posterior, y, x }) {
  const found = given.length > 0 ? null : readingOf(points, classes).read(posterior.mu);
  const reads = found ? `Reads as ${found.name}: ${found.votes} of the ${found.of} nearest codes. ` : "";
  const rate = kl(posterior, network.prior, y);
  if (!hasPixelTerms) return `${reads}Rate ${number(rate, 1)} nats.`;
  const distortion = crossEntropy(x, decode(network, posterior.mu, y));
  const costs = `Rate ${number(rate, 1)} nats, distortion at the mean code ${number(distortion, 1)} nats. `;
  if (given.length === 0) return reads + costs;
  const labels = given.map((name, label) => ({ name, nats: costOf(network, x, label) })).sort((a, b) => a.nats - b.nats);
  return `${costs}Cheapest labels: ${labels.slice(0, LISTED).map(({ name, nats }) => `${name} (${number(nats, 1)} nats)`).join(", ")}.`;
}

function costOf(network, x, label) {
  const posterior = encode(network, x, label);
  return kl(posterior, network.prior, label) + crossEntropy(x, decode(network, posterior.mu, label));
}
