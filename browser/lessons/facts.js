/**
 * Facts about the page that the conditions of a lesson's task compare. No DOM.
 *
 * `vae_core/lessons.py` lists and explains them under the same names. A fact that the page cannot
 * tell (no map, no drawing, no training) is null, and no condition holds for it.
 *
 * @typedef {object} Page  what facts are computed from
 * @property {import("../state/store.js").ExplorerState} state
 * @property {import("../map/points.js").Points|null} points  the encoded set, null until it is there
 * @property {string[]} classes  names of the labels 0, 1, …
 * @property {string[]} conditions  names of the labels that the decoder takes
 * @property {Float32Array} shown  the code that pictures show
 * @property {number|null} label  the label that it is decoded with
 * @property {History} history
 */
import { muOf } from "../map/points.js";

/** Neighbours that vote. */
export const VOTERS = 10;
/** Votes that make a place one of a class. */
const MAJORITY = 6;

const TRAINING = "training.";

/** What happened since a step began. */
export class History {
  /** @param {Float32Array|null} [start]  the code of the step @param {number|null} [pinnedId]  its example */
  constructor(start = null, pinnedId = null) {
    this.start = start;
    this.moved = 0;
    this.classes = new Set();
    this.labels = new Set();
    /** The drawing that was there when the step began; undefined before. */
    this.posterior = undefined;
    this.pinnedId = pinnedId;
  }

  /** Take the page as it is now. @param {Page} page */
  add(page) {
    const { shown, state, points } = page;
    if (this.posterior === undefined) this.posterior = state.posterior;
    if (shown.length === 0) return;
    if (page.label !== null) this.labels.add(page.label);
    if (this.start?.length !== shown.length) {
      this.start = Float32Array.from(state.z);
      this.pinnedId = state.pinnedId;
    }
    this.moved = Math.max(this.moved, distance(this.start, shown));
    if (this.moved > 0 && points?.labels && points.latentDim === shown.length) {
      const votes = votesAt(points, shown);
      for (const [label, count] of votes) if (count >= MAJORITY) this.classes.add(label);
    }
  }
}

/** Functions of the page and, for names that end in a dot, of what follows the dot. */
export const FACTS = {
  "votes.": (page, name) => of(page, nearby(page), name),
  agreement: (page) => most(nearby(page)),
  visited: ({ history }) => history.classes.size,
  distance: ({ points, shown }) => (fits(points, shown) ? nearest(points, shown, 1)[0]?.distance ?? null : null),
  norm: ({ shown }) => (shown.length ? Math.hypot(...shown) : null),
  "z.": ({ shown }, name) => shown[Number(name) - 1] ?? null,
  moved: ({ history }) => history.moved,
  pinned: ({ state, history }) => Number(state.pinnedId !== null && state.pinnedId !== history.pinnedId),
  "label.": (page, name) => {
    const at = pinnedIndex(page);
    return at === null || !page.points.labels ? 0 : Number(page.classes[page.points.labels[at]] === name);
  },
  rate: (page) => metric(page, "rate"),
  distortion: (page) => metric(page, "distortion"),
  selected: ({ state }) => state.selected?.size ?? 0,
  purity,
  drawn: ({ state, history }) => Number(state.posterior !== null && state.posterior !== history.posterior),
  "reads.": (page, name) => of(page, drawing(page), name),
  "drawing.agreement": (page) => most(drawing(page)),
  "drawing.rate": ({ state: { posterior } }) => posterior && rateOf(posterior),
  "given.": ({ label, conditions }, name) => (label === null ? null : Number(conditions[label] === name)),
  labels: ({ history }) => history.labels.size,
};

/** Return a fact's value. @param {Page} page @param {{fact: string, of: string|null}} named @returns {number|null} */
export function valueOf(page, { fact, of: name }) {
  if (fact.startsWith(TRAINING)) return trainingFact(page.state.training ?? null, fact.slice(TRAINING.length));
  return FACTS[fact](page, name) ?? null;
}

/** Return a number of the training inside the page, or of its settings at this step. */
function trainingFact(training, name) {
  if (training === null) return null;
  const value = training[name] ?? training.settings?.[name] ?? null;
  return value === null ? null : Number(value);
}

const COMPARISONS = {
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  "=": (a, b) => a === b,
  ">=": (a, b) => a >= b,
  ">": (a, b) => a > b,
};

/** Return whether all conditions of a task hold. @param {Page} page @param {any[]} conditions */
export function holds(page, conditions) {
  return conditions.every((condition) => {
    const value = valueOf(page, condition);
    return value !== null && COMPARISONS[condition.operator](value, condition.value);
  });
}

function fits(points, z) {
  return points !== null && z.length > 0 && points.latentDim === z.length;
}

function distance(a, b) {
  let squared = 0;
  for (let k = 0; k < a.length; k++) squared += (a[k] - b[k]) ** 2;
  return Math.sqrt(squared);
}

/** Return the nearest codes, nearest first, as [{index, distance}]. */
export function nearest(points, z, count) {
  const found = [];
  for (let i = 0; i < points.count; i++) {
    const away = distance(muOf(points, i), z);
    if (found.length === count && away >= found[count - 1].distance) continue;
    let at = found.length;
    while (at > 0 && found[at - 1].distance > away) at--;
    found.splice(at, 0, { index: i, distance: away });
    if (found.length > count) found.pop();
  }
  return found;
}

/** Return how many of the nearest codes are of each label. @returns {Map<number, number>} */
export function votesAt(points, z) {
  const votes = new Map();
  for (const { index } of nearest(points, z, VOTERS)) {
    const label = points.labels[index];
    votes.set(label, (votes.get(label) ?? 0) + 1);
  }
  return votes;
}

function nearby({ points, shown }) {
  return fits(points, shown) && points.labels ? votesAt(points, shown) : null;
}

function drawing({ points, state: { posterior } }) {
  return posterior && fits(points, posterior.mu) && points.labels ? votesAt(points, posterior.mu) : null;
}

function of({ classes }, votes, name) {
  return votes && (votes.get(classes.indexOf(name)) ?? 0);
}

function most(votes) {
  return votes && Math.max(...votes.values());
}

function pinnedIndex({ points, state }) {
  return points?.byId.get(state.pinnedId) ?? null;
}

function metric(page, name) {
  const at = pinnedIndex(page);
  return at === null || !page.points[name] ? null : page.points[name][at];
}

function purity({ points, state }) {
  if (!points?.labels || !state.selected?.size) return null;
  const counts = new Map();
  for (const id of state.selected) {
    const at = points.byId.get(id);
    if (at !== undefined) counts.set(points.labels[at], (counts.get(points.labels[at]) ?? 0) + 1);
  }
  return (100 * Math.max(...counts.values())) / state.selected.size;
}

function rateOf({ mu, logvar }) {
  let nats = 0;
  for (let k = 0; k < mu.length; k++) nats += 0.5 * (mu[k] ** 2 + Math.exp(logvar[k]) - 1 - logvar[k]);
  return nats;
}
