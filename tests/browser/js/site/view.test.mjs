import assert from "node:assert/strict";
import test from "node:test";

import { describe as describeCode } from "../../../../browser/site/description.js";
import { morphData, stylesData } from "../../../../browser/site/panels.js";
import { describe as describeRate } from "../../../../browser/site/rate.js";
import { readView, stepOf } from "../../../../browser/site/view.js";

/** Six codes of two dimensions: two of class 0 and four of class 1. */
const mu = Float32Array.of(0, 0, 4, 0, 1, 1, 1, 2, 1, 3, 1, 8);
const ids = Int32Array.of(10, 11, 12, 13, 14, 15);
const POINTS = {
  count: 6, latentDim: 2, ids, mu, byId: new Map(Array.from(ids, (id, i) => [id, i])),
  labels: Int16Array.of(0, 0, 1, 1, 1, 1), rate: Float32Array.of(1, 2, 3, 4, 5, 6), distortion: null,
};
const FACTS = {
  name: "m", latent_dim: 2, classes: ["a", "b"], given: [], projections: ["raw"], start: [0.5, 0.5], dims: [0, 1],
};
const MODEL = { facts: FACTS, points: POINTS, codes: new Uint8Array() };

test("a view is the model's own where a step names nothing", () => {
  assert.deepEqual(readView({}, MODEL), {
    z: [0.5, 0.5], pinnedId: null, y: null, projection: "raw", dims: [0, 1], colour: "label",
    manifold: 0, n: 20, seed: 0, training: null,
  });
});

test("a view has the code of an example, unless the step has one of its own", () => {
  const pinned = readView({ id: "12" }, MODEL);
  assert.deepEqual([pinned.z, pinned.pinnedId], [[1, 1], 12]);
  const own = readView({ id: "12", z: "3,-1" }, MODEL);
  assert.deepEqual([own.z, own.pinnedId], [[3, -1], null]);
  assert.deepEqual(readView({ id: "99" }, MODEL).pinnedId, null);
});

test("the app's words for maps and planes are those of the panel", () => {
  const facts = { ...FACTS, projections: ["pca", "tsne", "raw"], given: ["a", "b"] };
  const view = readView({ map: "axes", axes: "2,1", y: "1", colour: "rate", n: "12", behind: "0.5" }, { ...MODEL, facts });
  assert.deepEqual([view.projection, view.dims, view.y, view.colour, view.n, view.manifold], ["raw", [1, 0], 1, "rate", 12, 0.5]);
  assert.equal(readView({ map: "3d" }, { ...MODEL, facts }).projection, "pca", "a site has no map in three dimensions");
  assert.equal(readView({ id: "12" }, { ...MODEL, facts }).y, 1, "an example has its own label");
});

test("the address names a step of the lesson", () => {
  const read = ["", "#step=3", "#step=0", "#step=99", "#step=x", "#step=1.5"].map((hash) => stepOf(hash, 4));
  assert.deepEqual(read, [1, 3, 1, 4, 1, 1]);
});

test("paths begin with the typical codes of the first classes", () => {
  const { morph, morph_version: version } = morphData(MODEL, 7);
  assert.deepEqual(morph.cards.map(({ label, z }) => [label, z]), [["a", [0, 0]], ["b", [1, 3]]]);
  assert.equal(version, 7);
  const conditional = morphData({ ...MODEL, facts: { ...FACTS, given: ["a", "b"] } }, 1);
  assert.deepEqual(conditional.morph.cards.map(({ label }) => label), ["#10", "#11"], "of one label, by their ids");
});

test("styles are drawn from the prior, the same for the same seed", () => {
  const drawn = (seed) => stylesData({ facts: { ...FACTS, given: ["a"] } }, { seed }).draws;
  assert.deepEqual(drawn(3), drawn(3));
  assert.notDeepEqual(drawn(3), drawn(4));
  assert.deepEqual(drawn(0).map((z) => z.length), [2, 2, 2, 2]);
});

test("a description names the example, or the nearest one and how far it is", () => {
  const data = { points: POINTS, classes: ["a", "b"] };
  const say = (state, z) => describeCode(data, { hovered: null, live: null, pinnedId: null, ...state }, Float32Array.from(z));
  assert.equal(say({ pinnedId: 12 }, [1, 1]), "Test image #12, class b; rate 3.0 nats.");
  assert.equal(say({}, [4, 1]), "Nearest test image: #11, class a (distance 1.00).");
  assert.equal(say({ hovered: 10, live: Float32Array.of(9, 9) }, [9, 9]), "Test image #10, class a; rate 1.0 nats.");
});

test("the rate of a model is the mean of its codes'", () => {
  assert.equal(describeRate(POINTS), "Rate (average KL to the prior): 3.5 nats per test image.");
  assert.equal(describeRate({ ...POINTS, rate: null }), "This model's codes have no rate.");
});
