import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { FACTS, History, holds, nearest, valueOf } from "../../../../browser/lessons/facts.js";

/** Twelve codes on a line: six 4s from 0 to 5, six 9s from 6 to 11. */
const mu = Float32Array.from({ length: 24 }, (_, i) => (i % 2 ? 0 : i / 2));
const ids = Int32Array.from({ length: 12 }, (_, i) => 100 + i);
const POINTS = {
  count: 12, latentDim: 2, ids, mu, byId: new Map(Array.from(ids, (id, i) => [id, i])),
  labels: Int16Array.from({ length: 12 }, (_, i) => (i < 6 ? 0 : 1)),
  rate: Float32Array.from({ length: 12 }, (_, i) => i), distortion: null,
};

function page(shown = [0, 0], more = {}, state = {}) {
  return {
    state: { z: Float32Array.from(shown), pinnedId: null, selected: null, posterior: null, modelHash: "m", ...state },
    points: POINTS, classes: ["4", "9"], conditions: [], label: null, history: new History(),
    shown: Float32Array.from(shown), ...more,
  };
}
const value = (at, name) => {
  const [fact, of] = name.split(".");
  return valueOf(at, name in FACTS ? { fact: name, of: null } : { fact: `${fact}.`, of });
};
const condition = (name, operator, bound) => {
  const [fact, of] = name.split(".");
  return { fact: of === undefined ? fact : `${fact}.`, of: of ?? null, operator, value: bound };
};

test("the ten nearest codes vote, nearest first", () => {
  assert.deepEqual(nearest(POINTS, Float32Array.of(5, 0), 3).map(({ index }) => index).sort(), [4, 5, 6]);
  assert.deepEqual(["votes.4", "votes.9", "agreement"].map((name) => value(page([0, 0]), name)), [6, 4, 6]);
  assert.equal(value(page([5.5, 0]), "agreement"), 5);
  assert.equal(value(page([3, 4]), "distance"), 4);
  assert.equal(value(page([3, 4]), "norm"), 5);
  assert.equal(value(page([3, 4]), "z.2"), 4);
});

test("a pinned example has its class, rate and distortion; a free code has none", () => {
  const pinned = page([3, 0], {}, { pinnedId: 103 });
  assert.deepEqual(["pinned", "label.4", "label.9", "rate"].map((name) => value(pinned, name)), [1, 1, 0, 3]);
  assert.equal(value(pinned, "distortion"), null, "it was not measured");
  assert.deepEqual(["pinned", "label.4", "rate"].map((name) => value(page(), name)), [0, 0, null]);
});

test("a selection has a size and a purity", () => {
  const selected = page([0, 0], {}, { selected: new Set([100, 101, 102, 111]) });
  assert.deepEqual(["selected", "purity"].map((name) => value(selected, name)), [4, 75]);
  assert.equal(value(page(), "purity"), null);
});

test("a drawing reads as its nearest codes, and has the KL of its posterior", () => {
  const posterior = { mu: Float32Array.of(11, 0), logvar: Float32Array.of(0, 0) };
  const history = new History();
  history.add(page([0, 0], { history }));
  const drawn = page([0, 0], { history }, { posterior });
  assert.deepEqual(["drawn", "reads.9", "drawing.agreement"].map((name) => value(drawn, name)), [1, 6, 6]);
  assert.equal(value(drawn, "drawing.rate"), 0.5 * 121);
  assert.equal(value(page(), "drawing.rate"), null);
  const next = new History();
  next.add(page([0, 0], { history: next }, { posterior }));
  assert.equal(value(page([0, 0], { history: next }, { posterior }), "drawn"), 0, "it was there before the step");
});

test("the history counts classes, labels and the way from where the step began", () => {
  const history = new History(Float32Array.of(0, 0), 101);
  const visit = (shown, label = null) => history.add(page(shown, { history, label }));
  visit([0, 0], 2);
  assert.equal(history.classes.size, 0, "where the step began does not count");
  visit([0.5, 0], 3);
  visit([11, 0], 3);
  visit([2, 0], 3);
  const at = page([2, 0], { history });
  assert.deepEqual(["visited", "labels", "moved"].map((name) => value(at, name)), [2, 2, 11]);
});

test("a task is done when all conditions hold, and an unknown number never holds", () => {
  const at = page([5.5, 0], {}, { training: { rate: 4, settings: { beta: 2, kl: false } } });
  assert.ok(holds(at, [condition("votes.4", ">=", 3), condition("votes.9", ">=", 3)]));
  assert.ok(!holds(at, [condition("votes.4", ">=", 3), condition("votes.9", ">", 5)]));
  assert.ok(holds(at, [{ fact: "training.rate", of: null, operator: "<", value: 5 }]));
  assert.ok(holds(at, [{ fact: "training.beta", of: null, operator: "=", value: 2 }]));
  assert.ok(holds(at, [{ fact: "training.kl", of: null, operator: "=", value: 0 }]));
  assert.ok(!holds(at, [{ fact: "training.epoch", of: null, operator: "<", value: 5 }]));
  assert.ok(!holds(page(), [{ fact: "training.rate", of: null, operator: "<", value: 5 }]));
  assert.ok(!holds(page([1], {}), [condition("votes.4", ">=", 0)]), "a code of another model");
  assert.ok(!holds(page([0, 0], { points: null }), [condition("votes.4", ">=", 0)]));
});

test("the facts are those that lessons may name", () => {
  const source = readFileSync(new URL("../../../../vae_core/lessons.py", import.meta.url), "utf8");
  const table = source.slice(source.indexOf("FACTS: Mapping"), source.indexOf("\n}\n"));
  const names = [...table.matchAll(/^ {4}"([a-z.]+)":/gm)].map((match) => match[1]);
  assert.ok(names.length > 20);
  const own = names.filter((name) => !name.startsWith("training."));
  assert.deepEqual(Object.keys(FACTS).sort(), own.sort());
});
