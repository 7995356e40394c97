/**
 * The filter of a map: conditions on columns, and the examples that fulfil all of them. No DOM.
 *
 * app/resources/filtering.py decides in the same way.
 *
 * @typedef {object} Condition  as Python sends and receives it
 * @property {string} column  its key
 * @property {"range"|"only"|"not"|"has"} test
 * @property {(number|null)[]|string[]} arguments  smallest and largest number, null for no bound; names
 *   of categories, "" for the missing one; or a text
 */
import { containing } from "./columns.js";

/** Most categories that a condition names, as app/conditions.py allows. */
export const MOST_NAMED = 64;

/**
 * Return which examples fulfil all conditions.
 *
 * @param {Map<string, import("./columns.js").Column>} columns
 * @param {Condition[]} conditions  those on unknown columns are passed over
 * @param {number} count  n
 * @returns {Uint8Array|null} (n) 1 for those that do; null without conditions
 */
export function maskOf(columns, conditions, count) {
  const known = conditions.filter(({ column }) => columns.has(column));
  if (known.length === 0) return null;
  const mask = new Uint8Array(count).fill(1);
  for (const condition of known) {
    const holds = testOf(columns.get(condition.column), condition);
    for (let n = 0; n < count; n++) if (mask[n] && !holds(n)) mask[n] = 0;
  }
  return mask;
}

function testOf(column, { test, arguments: given }) {
  const { values } = column;
  if (test === "range") {
    const [low, high] = [given[0] ?? -Infinity, given[1] ?? Infinity];
    return (n) => values[n] >= low && values[n] <= high;
  }
  if (test === "has") {
    const found = containing(column, given[0]);
    return (n) => found[n] === 1;
  }
  const kept = keptBy(column, { test, arguments: given });
  return (n) => kept.has(column.categories[values[n]] ?? "");
}

/**
 * Return the names of the categories that a condition keeps; "" is the missing one.
 *
 * @param {import("./columns.js").Column} column
 * @param {Condition|null} condition
 * @returns {Set<string>}
 */
export function keptBy(column, condition) {
  const all = [...column.categories, ""];
  if (!condition) return new Set(all);
  const named = new Set(condition.arguments);
  return new Set(all.filter((name) => named.has(name) === (condition.test === "only")));
}

/**
 * Return the condition that keeps some categories, by the fewest names.
 *
 * @param {import("./columns.js").Column} column
 * @param {Set<string>} kept
 * @param {boolean} hasMissing  whether examples lack a category
 * @returns {Condition|null|undefined} null if all are kept; undefined if too many names were needed
 */
export function keeping(column, kept, hasMissing) {
  const all = hasMissing ? [...column.categories, ""] : column.categories;
  const dropped = all.filter((name) => !kept.has(name));
  const rest = all.filter((name) => kept.has(name));
  if (dropped.length === 0) return null;
  const [test, names] = dropped.length < rest.length ? ["not", dropped] : ["only", rest];
  return names.length > MOST_NAMED ? undefined : { column: column.key, test, arguments: names };
}

/** Return conditions with another one on a column, or none. @param {Condition[]} conditions @param {string} key @param {Condition|null} condition */
export function withCondition(conditions, key, condition) {
  const place = conditions.findIndex(({ column }) => column === key);
  if (place < 0) return condition ? [...conditions, condition] : conditions;
  const next = [...conditions];
  next.splice(place, 1, ...(condition ? [condition] : []));
  return next;
}

/** Stands in addresses for the missing category, and for no name, since names escape it. */
const MISSING = "%";

/** Write conditions for an address, as app/conditions.py does. @param {Condition[]} conditions @returns {string} */
export function writeConditions(conditions) {
  return conditions.map(({ column, test, arguments: given }) => {
    const parts = test === "range" ? given.map((bound) => bound ?? "") : given.map((name) => encodeURIComponent(name) || MISSING);
    return `${column}:${test}:${parts.join(",")}`;
  }).join(";");
}

/**
 * Read conditions of an address.
 *
 * @param {string} text
 * @param {string[]} columns  keys of those that there are
 * @returns {Condition[]|null} null for what is none
 */
export function readConditions(text, columns) {
  try {
    const conditions = text.split(";").map((part) => readCondition(part, columns));
    const different = new Set(conditions.map(({ column }) => column)).size === conditions.length;
    return different ? conditions : null;
  } catch (error) {
    if (error instanceof RangeError || error instanceof URIError) return null;
    throw error;
  }
}

function readCondition(text, columns) {
  const [column, test, listed, ...more] = text.split(":");
  if (!columns.includes(column) || listed === undefined || more.length > 0) throw new RangeError(text);
  const parts = listed === "" ? [] : listed.split(",");
  if (test === "range") {
    const bounds = parts.map((part) => (part === "" ? null : Number(part)));
    if (bounds.length !== 2 || bounds.some((bound) => bound !== null && !Number.isFinite(bound))) throw new RangeError(text);
    return { column, test, arguments: bounds };
  }
  const names = parts.map((part) => (part === MISSING ? "" : decodeURIComponent(part)));
  const fits = test === "has" ? names.length === 1 && names[0] !== "" : ["only", "not"].includes(test) && names.length <= MOST_NAMED;
  if (!fits) throw new RangeError(text);
  return { column, test, arguments: names };
}

/** The conditions and the search of a map, which the user and Python set. */
export class Filter {
  /**
   * @param {import("./state.js").Links} links
   * @param {() => void} changed  called after each change of the conditions
   * @param {() => void} searched  called after each change of the search
   */
  constructor({ store, emit, origin }, changed, searched) {
    Object.assign(this, { store, emit, origin, changed, searched });
    /** @type {Condition[]} */
    this.conditions = [];
    this.search = "";
    /** @type {Map<string, import("./columns.js").Column>} */
    this.columns = new Map();
    this.points = null;
    /** @type {Uint8Array|null} */
    this.mask = null;
    this.version = undefined;
  }

  /** Number of examples that are shown, and of all. */
  get counts() {
    const all = this.points?.count ?? 0;
    return { shown: this.mask ? this.mask.reduce((sum, one) => sum + one, 0) : all, all };
  }

  /** The condition on a column, or null. @param {string} key */
  conditionOn(key) {
    return this.conditions.find(({ column }) => column === key) ?? null;
  }

  /** Set the points. @param {import("./points.js").Points} points @param {Filter["columns"]} columns */
  setPoints(points, columns) {
    this.points = points;
    this.columns = columns;
    this.#apply();
  }

  /** Apply Python's conditions and search, once for each version. */
  adopt(conditions = [], search = "", version = 0) {
    if (version === this.version) return;
    this.version = version;
    if (search !== this.search) {
      this.search = search;
      this.searched();
    }
    this.#set(conditions);
  }

  /** Set or remove the condition on a column. @param {string} key @param {Condition|null} condition @param {boolean} [final] whether Python is told */
  change(key, condition, final = true) {
    this.#set(withCondition(this.conditions, key, condition));
    if (final) this.send();
  }

  reset() {
    this.#set([]);
    this.send();
  }

  /** Send the conditions to Python. */
  send() {
    this.emit.state("filter", this.conditions);
  }

  /** Look for a text. @param {string} text @param {boolean} final  whether Python is told */
  find(text, final) {
    if (text !== this.search) {
      this.search = text;
      this.searched();
    }
    if (final) this.emit.state("search", text);
  }

  /** Forget the ids in the store. */
  release() {
    this.store.set({ filtered: null }, this.origin);
  }

  #set(conditions) {
    if (JSON.stringify(conditions) === JSON.stringify(this.conditions)) return;
    this.conditions = conditions;
    this.#apply();
  }

  #apply() {
    if (this.points === null) return;
    this.mask = maskOf(this.columns, this.conditions, this.points.count);
    const ids = this.mask && new Set(this.points.ids.filter((_, n) => this.mask[n]));
    if (ids !== null || this.store.get().filtered !== null) this.store.set({ filtered: ids }, this.origin);
    this.changed();
  }
}
