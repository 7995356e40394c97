import assert from "node:assert/strict";
import { test } from "node:test";
import { colourPoints, drawnLayer } from "../../../../browser/map/colouring.js";
import { columnsOf, countsOf, extentOf, middleOf, missingOf, readColumns, valueOf } from "../../../../browser/map/columns.js";
import { describe } from "../../../../browser/map/example.js";
import { Filter, keeping, keptBy, maskOf, MOST_NAMED, withCondition } from "../../../../browser/map/filter.js";
import { GREYED, HIDDEN, Selection, SHOWN } from "../../../../browser/map/selection.js";
import { createStore } from "../../../../browser/state/store.js";
import { classColour, OTHERS, packed } from "../../../../browser/ui/colours.js";
import { measured } from "../../../../browser/ui/words.js";
import { points, square } from "./fixtures.mjs";

const AGE = { key: "column.age", name: "age", kind: "number", values: Float64Array.of(1, 2.5, NaN, 40), categories: [], texts: [] };
const KIND = { key: "column.kind", name: "kind", kind: "category", values: Int16Array.of(1, 0, -1, 1), categories: ["a, b", "犬"], texts: [] };
const NOTE = { key: "column.note", name: "note", kind: "text", values: null, categories: [], texts: ["Straße", "", "RAIN", "rain "] };
const columned = () => square({ columns: [AGE, KIND, NOTE], rate: Float32Array.of(1, 2, 3, 4) });

const range = (low, high) => ({ column: AGE.key, test: "range", arguments: [low, high] });
const kinds = (test, ...names) => ({ column: KIND.key, test, arguments: names });
const has = (text) => ({ column: NOTE.key, test: "has", arguments: [text] });

test("columns are read by id, and an example that they lack has no values", () => {
  const meta = { columns: [
    { key: "column.n", name: "n", kind: "number" }, { key: "column.c", name: "c", kind: "category", categories: ["x"] },
    { key: "column.t", name: "t", kind: "text", texts: ["one", "two"] },
  ] };
  const arrays = { ids: Int32Array.of(13, 10), 0: Float64Array.of(0.1, 7), 1: Int16Array.of(0, -1) };
  const dtypes = { Int32Array: "int32", Float64Array: "float64", Int16Array: "int16" };
  let offset = 0;
  const listed = Object.entries(arrays).map(([name, values]) => {
    const one = { name, dtype: dtypes[values.constructor.name], shape: [values.length], offset };
    offset += 8 * Math.ceil(values.byteLength / 8);
    return one;
  });
  const header = new TextEncoder().encode(JSON.stringify({ meta, arrays: listed }));
  const start = 8 * Math.ceil((4 + header.length) / 8);
  const bytes = new Uint8Array(start + offset);
  new DataView(bytes.buffer).setUint32(0, header.length, true);
  bytes.set(header, 4);
  for (const { name, offset: at } of listed) bytes.set(new Uint8Array(arrays[name].buffer), start + at);
  const [n, c, t] = readColumns(square(), bytes);
  assert.deepEqual([0, 1, 3].map((example) => valueOf(n, example)), ["7", "", "0.1"]);
  assert.deepEqual([0, 1, 3].map((example) => valueOf(c, example)), ["", "", "x"]);
  assert.deepEqual([0, 1, 3].map((example) => valueOf(t, example)), ["two", "", "one"]);
  assert.ok(n.values instanceof Float64Array);
});

test("label, rate and distortion are columns where there are others", () => {
  assert.equal(columnsOf(square(), ["nought"]).size, 0);
  const columns = columnsOf(columned(), ["nought"]);
  assert.deepEqual([...columns.keys()], ["label", "rate", "column.age", "column.kind", "column.note"]);
  assert.deepEqual(columns.get("label").categories, ["nought", "1"]);
});

test("what a column holds is counted", () => {
  assert.deepEqual(extentOf(AGE), [1, 40]);
  assert.deepEqual(middleOf(AGE), [1, 40]);
  assert.deepEqual([...countsOf(KIND).counts, countsOf(KIND).missing], [1, 2, 1]);
  assert.deepEqual([AGE, KIND, NOTE].map((column) => missingOf(column, 4)), [1, 1, 1]);
});

test("conditions hold all at once; without a value an example is in no range", () => {
  const columns = columnsOf(columned());
  const kept = (...conditions) => [...(maskOf(columns, conditions, 4) ?? "all")].join("");
  assert.equal(kept(), "all");
  assert.equal(kept({ column: "column.gone", test: "has", arguments: ["x"] }), "all");
  assert.equal(kept(range(2.5, null)), "0101");
  assert.equal(kept(range(null, null)), "1101");
  assert.equal(kept(kinds("not", "犬")), "0110");
  assert.equal(kept(kinds("only", "")), "0010");
  assert.equal(kept(kinds("only")), "0000");
  assert.equal(kept(has("rain")), "0011");
  assert.equal(kept(has("rain"), range(2.5, 100), kinds("only", "犬")), "0001");
});

test("a condition names the fewest categories, and none of more than 64", () => {
  const all = keptBy(KIND, null);
  assert.equal(keeping(KIND, all, true), null);
  assert.deepEqual(keeping(KIND, new Set(["犬", ""]), true), kinds("not", "a, b"));
  assert.deepEqual(keeping(KIND, new Set(["犬"]), true), kinds("only", "犬"));
  assert.deepEqual(keeping(KIND, new Set(), false), kinds("only"));
  assert.deepEqual([...keptBy(KIND, kinds("not", "a, b"))], ["犬", ""]);
  const many = { ...KIND, categories: Array.from({ length: 2 * MOST_NAMED + 2 }, (_, i) => `${i}`) };
  assert.equal(keeping(many, new Set(many.categories.slice(MOST_NAMED + 1)), false), undefined);
  assert.equal(keeping(many, new Set(many.categories.slice(MOST_NAMED)), false).arguments.length, MOST_NAMED);
});

test("a column has one condition, which keeps its place", () => {
  const conditions = [range(1, 2), has("x")];
  assert.deepEqual(withCondition(conditions, AGE.key, range(0, 9)), [range(0, 9), has("x")]);
  assert.deepEqual(withCondition(conditions, AGE.key, null), [has("x")]);
  assert.deepEqual(withCondition(conditions, KIND.key, kinds("only")), [...conditions, kinds("only")]);
  assert.equal(withCondition(conditions, KIND.key, null), conditions);
});

function filtered() {
  const sent = [];
  const store = createStore();
  const links = { store, origin: "this map", emit: { state: (name, value) => sent.push([name, value]) } };
  const selection = new Selection(links, [], () => {});
  const filter = new Filter(links, () => selection.filter(filter.mask), () => {});
  const set = columned();
  selection.setPoints(set);
  filter.setPoints(set, columnsOf(set));
  return { filter, selection, store, sent };
}

test("a filter hides examples, tells other panels and, when it is settled, Python", () => {
  const { filter, selection, store, sent } = filtered();
  filter.change(AGE.key, range(2, null), false);
  assert.deepEqual([...selection.layer], [HIDDEN, SHOWN, HIDDEN, SHOWN]);
  assert.deepEqual([...store.get().filtered], [11, 13]);
  assert.deepEqual(filter.counts, { shown: 2, all: 4 });
  assert.deepEqual(sent, []);
  filter.send();
  assert.deepEqual(sent, [["filter", [range(2, null)]]]);
  filter.reset();
  assert.equal(store.get().filtered, null);
  assert.deepEqual(sent[1], ["filter", []]);
});

test("Python's filter is applied once for each version", () => {
  const { filter } = filtered();
  filter.adopt([range(2, null)], "rain", 5);
  assert.deepEqual([filter.conditions.length, filter.search], [1, "rain"]);
  filter.change(AGE.key, null);
  filter.adopt([range(2, null)], "rain", 5);
  assert.deepEqual(filter.conditions, []);
  filter.adopt([range(2, null)], "", 6);
  assert.deepEqual([filter.counts.shown, filter.search], [2, ""]);
});

test("a lasso selects what the filter keeps, also when the filter changes after it", () => {
  const { filter, selection, store } = filtered();
  const right = { polygon: [[0, -2], [2, -2], [2, 2], [0, 2]], projection: "raw", dims: [0, 1] };
  filter.change(AGE.key, range(2, null));
  selection.draw(right);
  assert.deepEqual([...store.get().selected], [11]);
  assert.deepEqual([...selection.layer], [HIDDEN, SHOWN, HIDDEN, GREYED]);
  filter.reset();
  assert.deepEqual([...store.get().selected], [11, 12]);
  filter.change(AGE.key, range(100, null));
  assert.equal(selection.count, 0);
});

test("points are coloured by categories, numbers and a search, missing ones grey", () => {
  const byKind = colourPoints(columned(), KIND.key, false);
  assert.deepEqual([...byKind.colours], [packed(classColour(1)), packed(classColour(0)), packed(OTHERS), packed(classColour(1))]);
  assert.deepEqual(byKind.categories.entries.map(({ name, count }) => [name, count]), [["a, b", 1], ["犬", 2], ["missing", 1]]);
  assert.equal(byKind.categories.note, null);
  const byAge = colourPoints(columned(), AGE.key, true);
  assert.deepEqual(byAge.scale, { name: "age", low: 1, high: 40, dark: true, unit: "", clipped: false, missing: 1 });
  assert.equal(byAge.colours[2], packed(OTHERS));
  const found = colourPoints(columned(), NOTE.key, false, "Rain");
  assert.deepEqual([found.search.found, ...found.marked], [2, 0, 0, 1, 1]);
  const layer = Uint8Array.of(SHOWN, HIDDEN, GREYED, SHOWN);
  assert.deepEqual([...drawnLayer(layer, found.marked, { SHOWN, GREYED })], [GREYED, HIDDEN, GREYED, SHOWN]);
  assert.equal(drawnLayer(layer, colourPoints(columned(), NOTE.key, false).marked, { SHOWN, GREYED }), layer);
});

test("of many categories the ten most frequent have a colour, and the others are one entry", () => {
  const values = Int16Array.from({ length: 78 }, (_, n) => Math.floor((Math.sqrt(8 * n + 1) - 1) / 2));
  const categories = Array.from({ length: 12 }, (_, i) => `c${i}`);
  const column = { ...KIND, values, categories };
  const set = points([...values.keys()], new Float32Array(2 * 78), { columns: [column] });
  const { categories: legend, colours } = colourPoints(set, KIND.key, false);
  assert.deepEqual(legend.entries.map(({ name }) => name).slice(0, 2), ["c11", "c10"]);
  assert.deepEqual(legend.entries[10], { name: "2 others", colour: OTHERS, count: 3, members: ["c1", "c0"] });
  assert.equal(legend.note, "the 10 most frequent of 12");
  assert.deepEqual([colours[77], colours[0]], [packed(classColour(0)), packed(OTHERS)]);
});

test("cards list columns, first those that colour or filter the map", () => {
  const page = { classes: ["a", "b"], dims: [0, 1], sprite: null, network: null, y: null };
  const rows = describe(columned(), 2, { ...page, first: [NOTE.key] }).rows;
  assert.deepEqual(rows.slice(0, 3), [["note", "RAIN"], ["age", "–"], ["kind", "–"]]);
  const many = square({ columns: Array.from({ length: 8 }, (_, i) => ({ ...AGE, key: `column.${i}`, name: `n${i}` })) });
  assert.deepEqual(describe(many, 0, { ...page, first: ["column.7"] }).rows[6], ["2 more", "…"]);
  assert.equal(describe(many, 0, { ...page, first: ["column.7"] }).rows[0][0], "n7");
});

test("numbers of any size are short", () => {
  const written = [0, 12, -3.5, 2021, 12345.678, 1234567890, 0.00012345678, 1e-9, -4e20].map(measured);
  assert.deepEqual(written, ["0", "12", "−3.5", "2021", "12,345.7", "1,234,567,890", "0.000123457", "1e−9", "−4e20"]);
});
