import assert from "node:assert/strict";
import { test } from "node:test";
import { createFrameReader } from "../../../../browser/replay/frames.js";

/** The bundle of a frame with one code and one picture of one pixel. */
function bundle(level) {
  const arrays = [
    { name: "codes", dtype: "float32", shape: [1, 2], offset: 0 },
    { name: "samples", dtype: "uint8", shape: [1, 1, 1, 1], offset: 8 },
  ];
  const header = new TextEncoder().encode(JSON.stringify({ meta: {}, arrays }));
  const start = 8 * Math.ceil((4 + header.length) / 8);
  const bytes = new Uint8Array(start + 16);
  new DataView(bytes.buffer).setUint32(0, header.length, true);
  bytes.set(header, 4);
  bytes[start + 8] = level;
  return bytes;
}

test("each frame is fetched and read once, however many come after it", async () => {
  const fetched = [];
  const read = createFrameReader(async (source) => {
    fetched.push(source);
    return bundle(source.length);
  });
  const [first] = await read(["a"]);
  const both = await read(["a", "bb"]);
  assert.equal(both[0], first);
  assert.deepEqual(both.map(({ samples }) => samples[0]), [1, 2]);
  assert.deepEqual(both[0].shape, [1, 1, 1]);
  assert.equal(both[0].grid, null);
  assert.deepEqual(fetched, ["a", "bb"]);
});

test("a frame that could not be fetched is fetched again", async () => {
  let down = true;
  const read = createFrameReader(async () => {
    if (down) throw new Error("down");
    return bundle(3);
  });
  await assert.rejects(read(["a"]), /down/);
  down = false;
  assert.equal((await read(["a"]))[0].samples[0], 3);
});
