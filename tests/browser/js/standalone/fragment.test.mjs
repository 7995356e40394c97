import assert from "node:assert/strict";
import test from "node:test";

import { readFragment, writeFragment } from "../../../../browser/standalone/fragment.js";

const MODEL = { latentDim: 3, projections: ["pca", "tsne", "raw"], labels: 10 };
const NOTHING = { z: null, y: null, projection: null, dims: null };

test("what is written is read back, the code to four decimals", () => {
  const view = { z: Float32Array.of(0.12345678, -2, 0), y: 0, projection: "tsne", dims: [2, 0] };
  const text = writeFragment(view);
  assert.equal(text, "z=0.1235,-2,0&y=0&map=tsne&axes=3,1");
  assert.deepEqual(readFragment(`#${text}`, MODEL), {
    view: { z: [0.1235, -2, 0], y: 0, projection: "tsne", dims: [2, 0] },
    ignored: [],
  });
});

test("colour, search and filter are kept where there are columns, and named where not", () => {
  const model = { ...MODEL, colours: ["label", "column.größe-cm", "column.art"] };
  const view = {
    ...NOTHING, colour: "column.art", search: "a & b",
    filter: [
      { column: "column.größe-cm", test: "range", arguments: [-1.5, null] },
      { column: "column.art", test: "not", arguments: ["Katze, schwarz", "", "100 %;:"] },
    ],
  };
  const text = writeFragment(view);
  assert.deepEqual(readFragment(`#${text}`, model), { view, ignored: [] });
  const { ignored } = readFragment(`#${text}`, MODEL);
  assert.deepEqual(ignored.map((one) => one.split("=")[0]), ["colour", "search", "filter"]);
  for (const bad of [
    "column.gone:has:x", "column.art:has:", "column.art:above:1", "column.art", "column.art:only:%E4",
    "column.größe-cm:range:1", "column.größe-cm:range:a,b", "column.art:has:a;column.art:has:b", "column.art:has:a:b",
  ]) {
    assert.equal(readFragment(`#filter=${encodeURIComponent(bad)}`, model).ignored.length, 1, bad);
  }
});

test("an address without a view says nothing, and nothing is ignored", () => {
  for (const text of ["", "#"]) assert.deepEqual(readFragment(text, MODEL), { view: NOTHING, ignored: [] });
  assert.equal(writeFragment(NOTHING), "");
});

test("each value that does not fit is named, and the others are taken", () => {
  for (const bad of [
    "z=1,2", "z=1,2,x", "z=1,,2", "z=1,2,Infinity", "z=1,2,51", "y=10", "y=-1", "y=1.5", "y=", "map=umap", "map=constructor",
    "axes=1,4", "axes=0,1", "axes=1,1", "axes=1,1.5", "axes=1", "toString=1", "__proto__=1",
  ]) {
    assert.deepEqual(readFragment(`#${bad}`, MODEL), { view: NOTHING, ignored: [bad] }, bad);
    const { view, ignored } = readFragment(`#${bad}&map=pca`, MODEL);
    assert.equal(view.projection, "pca");
    assert.deepEqual(ignored, [bad]);
  }
});
