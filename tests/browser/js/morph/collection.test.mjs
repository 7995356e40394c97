import assert from "node:assert/strict";
import test from "node:test";

import * as morphs from "../../../../browser/morph/collection.js";

const z = (...values) => Float32Array.from(values);

function three() {
  let morph = morphs.emptyMorph();
  for (const [label, code] of [["a", z(1, 0)], ["b", z(0, 2)], ["c", z(3, 3)]]) {
    morph = morphs.addCard(morph, label, code);
  }
  return morph;
}

test("new codes become ends of the path while there is a place", () => {
  let morph = three();
  assert.deepEqual(morph.path, [1, 2, 3, null]);
  morph = morphs.addCard(morphs.addCard(morph, "d", z(0, 0)), "e", z(1, 1));
  assert.deepEqual(morph.path, [1, 2, 3, 4]);
  assert.equal(morph.cards.length, 5);
});

test("empty places are left out of the path", () => {
  const morph = morphs.place(three(), "path", 1, null);
  assert.deepEqual(morphs.pathEnds(morph), [z(1, 0), z(3, 3)]);
});

test("a removed code leaves all its places, and its id is not given to another at once", () => {
  let morph = morphs.place(three(), "terms", 0, 2);
  morph = morphs.removeCard(morph, 2);
  assert.deepEqual(morph.path, [1, null, 3, null]);
  assert.deepEqual(morph.terms, [null, null, null]);
  assert.equal(morphs.addCard(morph, "d", z(0, 0)).cards.at(-1).id, 4);
});

test("A - B + C needs all three", () => {
  let morph = morphs.place(morphs.place(three(), "terms", 0, 1), "terms", 1, 2);
  assert.equal(morphs.sum(morph), null);
  morph = morphs.place(morph, "terms", 2, 3);
  assert.deepEqual(morphs.sum(morph), z(4, 1));
});

test("the direction that is kept leads from B to C", () => {
  let morph = three();
  assert.equal(morphs.saveDirection(morph), morph);
  morph = morphs.place(morphs.place(morph, "terms", 1, 2), "terms", 2, 3);
  morph = morphs.saveDirection(morph);
  assert.deepEqual(morph.directions, [{ name: "b → c", z: z(3, 1) }]);
  assert.deepEqual(morphs.removeDirection(morph, 0).directions, []);
});

test("at most twelve directions are kept", () => {
  let morph = morphs.place(morphs.place(three(), "terms", 1, 2), "terms", 2, 3);
  for (let i = 0; i < 12; i += 1) morph = morphs.saveDirection(morph);
  assert.equal(morphs.canSaveDirection(morph), false);
  assert.equal(morphs.saveDirection(morph), morph);
});

test("a code moves along each direction as far as its strength says", () => {
  const directions = [{ name: "a", z: z(1, 0) }, { name: "b", z: z(2, 4) }];
  assert.deepEqual(morphs.moveAlong(z(1, 1), directions, [3, -0.5]), z(3, -1));
  assert.deepEqual(morphs.moveAlong(z(1, 1), [], []), z(1, 1));
});

test("what is written is read back, through JSON and with new ids", () => {
  let morph = morphs.removeCard(morphs.addCard(three(), "d", z(-1, 0.5)), 1);
  morph = { ...morphs.place(morphs.place(morph, "terms", 1, 3), "terms", 2, 4), kind: "linear" };
  morph = morphs.saveDirection(morph);
  const again = morphs.read(JSON.parse(JSON.stringify(morphs.write(morph))), 2);
  assert.deepEqual(morphs.pathEnds(again), morphs.pathEnds(morph));
  assert.deepEqual(again.terms.map((id) => morphs.cardOf(again, id)?.label), [undefined, "c", "d"]);
  assert.deepEqual([again.kind, again.directions], [morph.kind, morph.directions]);
});

test("codes of another model, broken numbers and nothing at all are left out", () => {
  const cards = [{ label: "x", z: [1, 2, 3] }, { label: "y", z: [1, NaN] }, { label: "ok", z: [1, 2] }];
  assert.deepEqual(morphs.read({ cards }, 2).cards.map((card) => card.label), ["ok"]);
  for (const nothing of [null, undefined, {}, { cards: [] }]) {
    assert.deepEqual(morphs.read(nothing, 2), morphs.emptyMorph());
  }
});
