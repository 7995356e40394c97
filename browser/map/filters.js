/**
 * The controls of a map's filter: a list to filter by, a row for each column that is filtered, and how
 * many examples are shown.
 */
import { make } from "../ui/dom.js";
import { measured } from "../ui/words.js";
import { countsOf, extentOf, middleOf, missingOf } from "./columns.js";
import { keeping, keptBy, MOST_NAMED } from "./filter.js";
import { clamp } from "./geometry.js";

/** Places of a slider. */
const STEPS = 400;
/** Categories up to which all are listed without a search, and that are listed at once. */
const FEW = 12;
const LISTED = 200;
/** Milliseconds after the last letter of a text before Python is told. */
const PAUSE = 500;

/**
 * @typedef {object} Row  the control of one column
 * @property {HTMLElement} element
 * @property {() => void} focus
 * @property {(condition: import("./filter.js").Condition|null) => void} show
 * @property {() => void} [stop]
 */

/** Create the controls. @param {import("./filter.js").Filter} filter */
export function createFilters(filter) {
  /** Rows by the keys of their columns, in the order in which they were added. @type {Map<string, Row>} */
  const rows = new Map();
  let columns = null;
  let editable = true;
  const list = make("select", { "aria-label": "Filter by", change: () => add(list.value) });
  const count = make("span", { class: "lx-number", role: "status" });
  const reset = make("button", { type: "button", class: "lx-plain", click: clear }, "Reset filter");
  const head = make("div", { class: "lx-filters-head" }, list, count, reset);
  const body = make("div", { class: "lx-filters-rows" });
  const element = make("div", { class: "lx-filters", hidden: true, role: "group", "aria-label": "Filter" }, head, body);

  function add(key) {
    if (!key) return;
    createRow(key);
    fillList();
    rows.get(key).focus();
  }

  function createRow(key) {
    const column = filter.columns.get(key);
    const on = (condition, final = true) => filter.change(key, condition, final);
    const control = CONTROLS[column.kind](column, filter.points.count, on);
    const name = make("span", { class: "lx-filter-name", title: column.name }, column.name);
    const remove = make("button", { type: "button", "aria-label": `Remove the filter by ${column.name}`, click: () => drop(key) }, "×");
    const element = make("div", { class: "lx-filter", role: "group", "aria-label": `Filter by ${column.name}` }, name, control.element, remove);
    rows.set(key, { ...control, element });
    control.show(filter.conditionOn(key));
    body.append(element);
  }

  function discard(key) {
    rows.get(key).stop?.();
    rows.get(key).element.remove();
    rows.delete(key);
  }

  function drop(key) {
    discard(key);
    if (filter.conditionOn(key)) filter.change(key, null);
    fillList();
    list.focus();
  }

  function clear() {
    for (const key of [...rows.keys()]) discard(key);
    filter.reset();
    fillList();
    show();
    list.focus();
  }

  /** Offer the columns that are not filtered yet. */
  function fillList() {
    const free = [...filter.columns.values()].filter(({ key }) => !rows.has(key));
    list.replaceChildren(make("option", { value: "" }, "Filter by …"),
      ...free.map(({ key, name }) => make("option", { value: key }, name)));
    list.hidden = !editable || free.length === 0;
  }

  /** Show the filter as it is. */
  function show() {
    if (columns !== filter.columns) {
      for (const key of [...rows.keys()]) discard(key);
      columns = filter.columns;
    }
    const { conditions } = filter;
    for (const { column } of conditions) if (editable && filter.columns.has(column) && !rows.has(column)) createRow(column);
    for (const [key, row] of rows) row.show(filter.conditionOn(key));
    fillList();
    const { shown, all } = filter.counts;
    count.textContent = filter.mask ? `${shown.toLocaleString("en")} of ${all.toLocaleString("en")} shown` : "";
    reset.hidden = !editable || (rows.size === 0 && filter.mask === null);
    element.hidden = filter.columns.size === 0 || (!editable && filter.mask === null);
  }

  /** Set whether the filter can be changed here, or is only said. @param {boolean} can */
  function allow(can) {
    editable = can;
    if (!can) for (const key of [...rows.keys()]) discard(key);
    show();
  }

  const destroy = () => rows.forEach((row) => row.stop?.());
  return { element, show, allow, destroy };
}

/** Say how many examples have no value and are left out. */
function missingNote(column, count) {
  const missing = missingOf(column, count);
  return make("span", { class: "lx-quiet" }, missing ? `leaves out ${missing.toLocaleString("en")} without` : "");
}

/**
 * A range: two thumbs on one track, and two numbers to type. The track goes from the 1st to the 99th
 * percentile, so that extreme values leave room for the others; a thumb at an end is no bound.
 *
 * @returns {Row}
 */
function createRange(column, count, on) {
  const [least, most] = extentOf(column);
  const [first, last] = middleOf(column);
  const toNumber = (step) => first + ((last - first) * step) / STEPS;
  const toStep = (value) => clamp(last > first ? (STEPS * (value - first)) / (last - first) : 0, 1, STEPS - 1);
  const rounded = (value) => Number(value.toPrecision(4));
  const make_ = (what, type, more) => make("input", { type, "aria-label": `${what} ${column.name}`, ...more });
  const slider = (what) => make_(what, "range", { min: 0, max: STEPS, step: 1, input: () => slide(false), change: () => slide(true) });
  const field = (what) => make_(what, "number", { step: "any", placeholder: measured(what === "Smallest" ? least : most), change: type });
  const [low, high] = [slider("Smallest"), slider("Largest")];
  const [from, to] = [field("Smallest"), field("Largest")];
  let bounds = [null, null];

  function set(next, final) {
    bounds = next;
    on(next[0] === null && next[1] === null ? null : { column: column.key, test: "range", arguments: next }, final);
  }

  function slide(final) {
    // A thumb that passes the other takes it along.
    const [a, b] = [Number(low.value), Number(high.value)];
    const [from, to] = a <= b ? [a, b] : low.matches(":focus, :active") ? [a, a] : [b, b];
    set([from > 0 ? rounded(toNumber(from)) : null, to < STEPS ? rounded(toNumber(to)) : null], final);
  }

  function type() {
    const read = (input) => (input.value === "" || !Number.isFinite(input.valueAsNumber) ? null : input.valueAsNumber);
    const [a, b] = [read(from), read(to)];
    set(a !== null && b !== null && a > b ? [b, a] : [a, b], true);
  }

  function show(condition) {
    bounds = condition?.arguments ?? [null, null];
    const [a, b] = bounds;
    low.value = a === null ? 0 : Math.round(toStep(a));
    high.value = b === null ? STEPS : Math.round(toStep(b));
    low.setAttribute("aria-valuetext", measured(a ?? least));
    high.setAttribute("aria-valuetext", measured(b ?? most));
    if (!from.matches(":focus")) from.value = a ?? "";
    if (!to.matches(":focus")) to.value = b ?? "";
    track.style.setProperty("--from", `${(100 * low.value) / STEPS}%`);
    track.style.setProperty("--to", `${(100 * high.value) / STEPS}%`);
    // Of two thumbs at the upper end, the lower one can be moved.
    low.style.zIndex = Number(low.value) > STEPS / 2 ? "1" : "0";
  }

  const track = make("div", { class: "lx-range" }, low, high);
  const element = make("div", { class: "lx-filter-control" }, from, track, to, missingNote(column, count));
  return { element, show, focus: () => low.focus() };
}

/** Categories to tick, the most frequent first. @returns {Row} */
function createCategories(column, count, on) {
  const { counts, missing } = countsOf(column);
  const names = column.categories.map((name, place) => ({ name, count: counts[place] })).filter((one) => one.count > 0);
  const many = names.length > FEW;
  if (many) names.sort((a, b) => b.count - a.count);
  if (missing > 0) names.push({ name: "", count: missing });
  let condition = null;
  const boxes = make("div", { class: "lx-ticks" });
  const said = make("span", { class: "lx-quiet", role: "status" });
  const find = make("input", { type: "search", placeholder: "Find", "aria-label": `Find in ${column.name}`, hidden: !many, input: fill });

  function change(kept) {
    const next = keeping(column, kept, missing > 0);
    if (next === undefined) {
      said.textContent = `At most ${MOST_NAMED} can be chosen, or left out.`;
      fill();
      return;
    }
    said.textContent = "";
    on(next);
  }

  function tick(name) {
    const kept = keptBy(column, condition);
    if (!kept.delete(name)) kept.add(name);
    change(kept);
  }

  function fill() {
    const kept = keptBy(column, condition);
    const wanted = find.value.toLowerCase();
    const listed = names.filter(({ name }) => name.toLowerCase().includes(wanted));
    const focused = [...boxes.children].findIndex((one) => one.firstChild === one.getRootNode().activeElement);
    boxes.replaceChildren(...listed.slice(0, LISTED).map(({ name, count: n }) => {
      const box = make("input", { type: "checkbox", change: () => tick(name) });
      box.checked = kept.has(name);
      const text = make("span", { class: "lx-legend-name" }, name === "" ? "missing" : name);
      return make("label", { class: "lx-tick", title: name }, box, text, make("span", { class: "lx-quiet lx-number" }, n.toLocaleString("en")));
    }));
    boxes.children[focused]?.firstChild.focus();
    if (listed.length > LISTED) said.textContent = `${(listed.length - LISTED).toLocaleString("en")} more; type to find them.`;
  }

  function show(next) {
    condition = next;
    fill();
  }

  const all = make("button", { type: "button", class: "lx-plain", click: () => change(new Set(names.map(({ name }) => name))) }, "All");
  const none = make("button", { type: "button", class: "lx-plain", click: () => change(new Set()) }, "None");
  const element = make("div", { class: `lx-filter-control lx-filter-ticks${many ? " lx-many" : ""}` },
    boxes, make("div", { class: "lx-filter-find" }, find, all, none, said));
  return { element, show, focus: () => (many ? find : boxes.querySelector("input"))?.focus() };
}

/** A text that is contained. @returns {Row} */
function createText(column, count, on) {
  let timer = 0;
  const told = (final) => {
    clearTimeout(timer);
    const text = input.value;
    on(text === "" ? null : { column: column.key, test: "has", arguments: [text] }, final);
    if (!final) timer = setTimeout(() => told(true), PAUSE);
  };
  const input = make("input", {
    type: "search", maxlength: 100, placeholder: "contains …", "aria-label": `${column.name} contains`,
    input: () => told(false), change: () => told(true),
  });
  const element = make("div", { class: "lx-filter-control" }, input, missingNote(column, count));
  return {
    element,
    show(condition) {
      if (!input.matches(":focus")) input.value = condition?.arguments[0] ?? "";
    },
    focus: () => input.focus(),
    stop: () => clearTimeout(timer),
  };
}

const CONTROLS = { number: createRange, category: createCategories, text: createText };
