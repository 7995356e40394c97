import assert from "node:assert/strict";
import test from "node:test";

import { open } from "../../../browser/page.js";
import { store } from "../../../browser/state/store.js";

const UPLOAD = { mu: [1, 2], logvar: [0, -1] };

/** What a panel's rerun brings; the network never arrives here, and is not what is looked at. */
async function rerun(more, hash = "a") {
  const page = { model: { hash, decoder: "asset:nowhere" }, z: [0, 0], z_version: 1 };
  await open({ ...page, ...more }).catch(() => {});
}

test("an upload's posterior is removed when a map's data has none", async () => {
  await rerun({ posterior: UPLOAD });
  assert.deepEqual([...store.get().posterior.mu], [1, 2]);
  await rerun({});
  assert.notEqual(store.get().posterior, null, "a panel that knows nothing of it changes nothing");
  await rerun({ posterior: null });
  assert.equal(store.get().posterior, null);
});

test("a rerun does not undo a later drawing", async () => {
  await rerun({ posterior: UPLOAD });
  const drawn = { mu: Float32Array.of(3, 4), logvar: Float32Array.of(0, 0) };
  store.set({ posterior: drawn });
  await rerun({ posterior: UPLOAD });
  await rerun({ posterior: null });
  assert.equal(store.get().posterior, drawn);
});
