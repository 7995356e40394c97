import assert from "node:assert/strict";
import { test } from "node:test";
import { PLACES, placeAfter } from "../../../../browser/ui/floating.js";

test("the picture goes through all places and comes back", () => {
  let place;
  const seen = PLACES.map(() => (place = placeAfter(place)));
  assert.deepEqual(new Set(seen), new Set(PLACES));
  assert.equal(place, PLACES[0], "where it is before the button was pressed");
});
