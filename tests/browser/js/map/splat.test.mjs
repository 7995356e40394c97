import assert from "node:assert/strict";
import { test } from "node:test";
import { splat } from "../../../../browser/map/splat.js";

test("overlapping points are more opaque, and points outside the image are not drawn", () => {
  const image = { width: 40, height: 30 };
  const draw = (copies) => {
    const pixels = new Uint32Array(image.width * image.height);
    const style = {
      radius: 2, opacity: 0.5, colours: new Uint32Array(copies + 1).fill(0x0000ff),
      layer: new Uint8Array(copies + 1).fill(1), wanted: 1,
    };
    const x = new Float32Array(copies + 1).fill(20);
    const y = new Float32Array(copies + 1).fill(-15);
    x[copies] = -1e6;
    splat(pixels, image, { x, y }, { scale: 1, left: 0, top: 0 }, style);
    return pixels[15 * image.width + 20];
  };
  const [once, thrice] = [draw(1), draw(3)];
  assert.ok(thrice >>> 24 > once >>> 24);
  assert.equal(once & 0xffffff, 0x0000ff);
});
