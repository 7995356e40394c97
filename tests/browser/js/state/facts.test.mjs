import assert from "node:assert/strict";
import { test } from "node:test";

import { onPublished, publish, published, withdraw } from "../../../../browser/state/facts.js";

test("a panel's numbers are read by name, and go with it", () => {
  let calls = 0;
  const stop = onPublished(() => (calls += 1));
  publish("training", { rate: 4.5, epoch: 3, elbo: NaN });
  assert.deepEqual([published("training.rate"), published("training.epoch")], [4.5, 3]);
  assert.equal(published("training.elbo"), null, "what is no number is not published");
  publish("training", { rate: 4.5 });
  assert.equal(calls, 1, "the same number is no change");
  withdraw("training");
  assert.equal(published("training.rate"), null);
  assert.equal(calls, 2);
  stop();
  publish("training", { rate: 1 });
  assert.equal(calls, 2);
});
