import assert from "node:assert/strict";
import { test } from "node:test";
import { pagesOf } from "../../../../browser/gallery/pages.js";

test("every id is on one page, and the ends have no further page", () => {
  const pages = pagesOf(Int32Array.from({ length: 70 }, (_, i) => 100 + i), 32);
  const seen = [...pages.ids()];
  assert.equal(pages.extent(), "1–32 of 70");
  assert.deepEqual([pages.has(-1), pages.has(1)], [false, true]);
  while (pages.has(1)) {
    pages.turn(1);
    seen.push(...pages.ids());
  }
  assert.deepEqual(seen, Array.from({ length: 70 }, (_, i) => 100 + i));
  assert.equal(pages.extent(), "65–70 of 70");
  pages.turn(1);
  assert.equal(pages.extent(), "65–70 of 70");
});

test("no ids are one empty page", () => {
  const pages = pagesOf([], 32);
  assert.deepEqual([pages.ids(), pages.extent(), pages.has(1)], [[], "0–0 of 0", false]);
});
