import assert from "node:assert/strict";
import { test } from "node:test";
import { SetLoader } from "../../../../browser/map/loader.js";

/** Write a bundle of float32 and int32 arrays, as vae_core.formats.bundles.bundle does. */
function bundle(meta, arrays) {
  let offset = 0;
  const listed = Object.entries(arrays).map(([name, values]) => {
    const dtype = values instanceof Int32Array ? "int32" : "float32";
    const entry = { name, dtype, shape: [values.length], offset };
    offset += 8 * Math.ceil(values.byteLength / 8);
    return entry;
  });
  const header = new TextEncoder().encode(JSON.stringify({ meta, arrays: listed }));
  const start = 8 * Math.ceil((4 + header.length) / 8);
  const bytes = new Uint8Array(start + offset);
  new DataView(bytes.buffer).setUint32(0, header.length, true);
  bytes.set(header, 4);
  for (const { name, offset: at } of listed) bytes.set(new Uint8Array(arrays[name].buffer), start + at);
  return bytes;
}

const codes = (id) => bundle({ latent_dim: 2 }, {
  ids: Int32Array.of(id), mu: Float32Array.of(id, 0), sigma: Float32Array.of(1, 1),
});

function loading() {
  const heard = [];
  const loader = new SetLoader({
    request: () => heard.push("request"),
    points: (set) => heard.push(set),
    sprite: (sprite) => heard.push(sprite),
    error: (error) => heard.push(error.message),
  });
  return { loader, heard, settled: () => new Promise((done) => setTimeout(done, 5)) };
}

test("a set is loaded once, with the positions that replace its t-SNE map", async () => {
  const { loader, heard, settled } = loading();
  const positions = bundle({}, { ids: Int32Array.of(5), positions: Float32Array.of(3, 4) });
  const data = { codes: codes(5), positions, sprite: null };
  loader.request(data);
  assert.equal(loader.hasLoaded(data), false);
  loader.request(data);
  await settled();
  assert.equal(heard.length, 2);
  assert.equal(heard[0], "request");
  assert.deepEqual([...heard[1].projections.tsne], [3, 4]);
  assert.equal(loader.hasLoaded(data), true);
  assert.equal(loader.hasLoaded({ ...data, positions: null }), false);
  loader.request({ ...data, positions: null });
  await settled();
  assert.equal(heard[3].projections.tsne, undefined);
});

test("responses to earlier requests, and after stop, are dropped", async () => {
  const { loader, heard, settled } = loading();
  loader.request({ codes: codes(1), sprite: null });
  loader.request({ codes: codes(2), sprite: null });
  await settled();
  const ids = () => heard.filter((item) => item.ids).map(({ ids }) => ids[0]);
  assert.deepEqual(ids(), [2]);
  loader.request({ codes: codes(3), sprite: null });
  loader.stop();
  await settled();
  assert.deepEqual(ids(), [2]);
});

test("a set that cannot be read is an error", async () => {
  const { loader, heard, settled } = loading();
  const data = { codes: bundle({}, {}), sprite: null };
  loader.request(data);
  await settled();
  assert.equal(heard.length, 2);
  assert.match(heard[1], /length/);
});
