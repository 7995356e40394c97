import assert from "node:assert/strict";
import test from "node:test";

import { encodeAnimation } from "../../../../browser/morph/animation.js";

/** Width, height and number of frames that a GIF states. */
function describe(gif) {
  const view = new DataView(gif.buffer, gif.byteOffset);
  const frames = gif.reduce((count, byte, i) => count + (byte === 0x21 && gif[i + 1] === 0xf9 && gif[i + 2] === 4 ? 1 : 0), 0);
  return { width: view.getUint16(6, true), height: view.getUint16(8, true), frames };
}

test("an animation goes there and back, without its ends twice, enlarged by a whole number", () => {
  const means = Array.from({ length: 4 }, (_, i) => new Float32Array(28 * 20).fill(i / 3));
  assert.deepEqual(describe(encodeAnimation(means, [1, 28, 20])), { width: 140, height: 196, frames: 6 });
});

test("pictures in colour take the palette of colours", () => {
  const grey = encodeAnimation([new Float32Array(4)], [1, 2, 2]);
  const colour = encodeAnimation([new Float32Array(12)], [3, 2, 2]);
  assert.deepEqual(describe(colour), { width: 196, height: 196, frames: 1 });
  assert.notDeepEqual(colour.subarray(13, 13 + 768), grey.subarray(13, 13 + 768));
});

test("large pictures are not enlarged", () => {
  const { width } = describe(encodeAnimation([new Float32Array(300 * 300)], [1, 300, 300]));
  assert.equal(width, 300);
});
