import assert from "node:assert/strict";
import { test } from "node:test";
import { arrangeSamples, sceneOf } from "../../../../browser/replay/scene.js";

const data = { axes: ["z₁", "z₂"], prior: null, labels: [1, 0], plane: null, heights: null };

/** A frame of two codes, with samples and perhaps a grid of images of 3 × 3 pixels. */
function frame({ code = 0, samples = 12, side = null, level = () => 0 } = {}) {
  const pictures = (count) => Uint8Array.from({ length: 9 * count }, (_, i) => level(Math.floor(i / 9), i % 9));
  return {
    codes: Float32Array.of(code, 1, 2, 3),
    samples: pictures(samples),
    grid: side && pictures(side * side),
    shape: [1, 3, 3],
  };
}

test("places of all frames, classes and pictures are found once for all drawings", () => {
  const scene = sceneOf(data, [frame({ side: 4 }), frame({ code: 5, side: 4 })]);
  assert.deepEqual(scene.tracks.x.map(([x]) => x), [0, 5]);
  assert.deepEqual(scene.groups.map(({ label }) => label), [0, 1]);
  assert.deepEqual([scene.side, scene.samples, scene.named], [4, 12, true]);
});

test("classes without labels, or along a line, are not named", () => {
  assert.equal(sceneOf({ ...data, labels: null }, [frame()]).named, false);
  assert.equal(sceneOf({ ...data, heights: [0, 1, 2, 3] }, [frame()]).named, false);
});

test("the middle picture of the last manifold decides on lines between pictures", () => {
  const middle = (level) => (picture, pixel) => (picture === 4 ? level(pixel) : 255);
  const inked = frame({ side: 3, level: middle((pixel) => (pixel === 4 ? 255 : 0)) });
  const grey = frame({ side: 3, level: middle(() => 128) });
  assert.equal(sceneOf(data, [grey, inked]).hairlines, null);
  assert.equal(sceneOf(data, [inked, grey]).hairlines, "transparent");
});

test("samples are one row below a manifold, rows of eight where that is narrow, else a square", () => {
  assert.deepEqual(arrangeSamples({ side: 4, samples: 12 }, false), { columns: 12, rows: 1 });
  assert.deepEqual(arrangeSamples({ side: 4, samples: 12 }, true), { columns: 8, rows: 2 });
  assert.deepEqual(arrangeSamples({ side: 4, samples: 3 }, true), { columns: 3, rows: 1 });
  assert.deepEqual(arrangeSamples({ side: null, samples: 10 }, true), { columns: 4, rows: 3 });
});
