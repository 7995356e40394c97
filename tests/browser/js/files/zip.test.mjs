import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";

import { sha256 } from "../../../../browser/files/checksums.js";
import { safetensors } from "../../../../browser/files/zip.js";

test("SHA-256 is node's, for every length around a block", () => {
  for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 31) % 256);
    assert.equal(sha256(bytes), createHash("sha256").update(bytes).digest("hex"));
  }
});

test("a file of tensors states their places, and values begin at a multiple of eight", () => {
  const bytes = safetensors({ a: { values: Float32Array.of(1, 2, 3), shape: [3, 1] }, b: { values: BigInt64Array.of(4n), shape: [1] } });
  const length = new DataView(bytes.buffer).getUint32(0, true);
  assert.equal((8 + length) % 8, 0);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  assert.deepEqual(header, {
    a: { dtype: "F32", shape: [3, 1], data_offsets: [0, 12] }, b: { dtype: "I64", shape: [1], data_offsets: [12, 20] },
  });
  assert.equal(bytes.length, 8 + length + 20);
});
