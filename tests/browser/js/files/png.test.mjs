import assert from "node:assert/strict";
import test from "node:test";

import { withResolution } from "../../../../browser/files/png.js";
import { fileName } from "../../../../browser/files/save.js";

// One grey pixel.
const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==",
  "base64",
);

test("the resolution is written after the header in pixels per metre, with a checksum", () => {
  const png = Buffer.from(withResolution(new Uint8Array(PIXEL), 300));
  assert.equal(png.length, PIXEL.length + 21);
  assert.deepEqual(png.subarray(0, 33), PIXEL.subarray(0, 33));
  assert.equal(png.toString("latin1", 37, 41), "pHYs");
  assert.equal(png.readUInt32BE(41), 11811);
  assert.equal(png.readUInt32BE(45), 11811);
  assert.equal(png[49], 1);
  // zlib.crc32(b"pHYs" + (11811).to_bytes(4) * 2 + b"\1")
  assert.equal(png.readUInt32BE(50), 0x78a53f76);
  assert.deepEqual(png.subarray(54), PIXEL.subarray(33));
});

test("file names have no separators", () => {
  assert.equal(fileName(["manifold", "my model/2", 20], "png"), "manifold-my-model-2-20.png");
});
