import assert from "node:assert/strict";
import test from "node:test";

import { Session } from "../../../../browser/training/session.js";

const DATA = {
  name: "squares", title: "Squares", shape: [1, 4, 4], classes: ["a"], trainSize: null,
  images: Uint8Array.from({ length: 100 * 16 }, (_, i) => (i * 37) % 251), shown: Uint8Array.from({ length: 8 * 16 }, (_, i) => (i * 53) % 251),
  labels: new Int16Array(8), ids: Int32Array.from({ length: 8 }, (_, i) => i),
};
const REQUEST = { cells: Float32Array.of(-1, -1, 1, 1), codes: Float32Array.of(0, 0), rows: [3], moment: null };

/** A session whose work is done when it is called for. */
function opened(text = "digits_w8") {
  const answers = [];
  let work = null;
  let time = 0;
  const clock = () => (time += 0.25);
  const session = new Session((answer) => answers.push(answer), (step) => (work = step), clock);
  const run = (slices = 1) => {
    for (let i = 0; i < slices && work !== null; i++) if (work()) work = null;
  };
  session.handle({ open: text, data: DATA, number: 7 });
  run();
  return { session, answers, run, frame: (request = {}) => {
    session.handle({ frame: { ...REQUEST, ...request } });
    run();
    return answers.at(-1).frame;
  } };
}

test("a frame has the codes, the manifold, further pictures, and the number of its training", () => {
  const { frame, answers } = opened();
  const { step, mu, cells, pictures, bound } = frame();
  assert.equal(answers.at(-1).number, 7);
  assert.deepEqual([step, mu.length, cells.length, pictures.length], [0, 16, 32, 32]);
  assert.ok(Math.abs(bound.elbo + bound.rate + bound.distortion) < 1e-9);
});

test("at a pace it takes so many steps for each frame, and none once paused", () => {
  const { session, frame, run } = opened();
  session.handle({ play: 5 });
  run();
  assert.deepEqual([frame().step, frame().step], [5, 10]);
  session.handle({ pause: true });
  assert.deepEqual([frame().step, frame().step], [10, 10]);
  session.handle({ steps: 1 });
  assert.equal(frame().step, 11);
});

test("without a pace it trains while nobody asks for a frame", () => {
  const { session, frame, run } = opened();
  session.handle({ play: null });
  run(3);
  session.handle({ pause: true });
  assert.ok(frame().step > 3);
});

test("a moment of the past is shown with its own step, and the present goes on from where it was", () => {
  const { session, frame } = opened();
  session.handle({ steps: 40 });
  const { past } = frame();
  const earlier = frame({ moment: 2 });
  assert.deepEqual([earlier.step, earlier.moment], [past.step[2], 2]);
  assert.equal(earlier.bound.rate, past.rate[2]);
  session.handle({ steps: 1 });
  assert.equal(frame().step, 41);
});

test("a change is in the settings of the next frame, with its step", () => {
  const { session, frame } = opened();
  session.handle({ steps: 12 });
  session.handle({ change: ["kl", false] });
  assert.equal(frame().settings, "digits_w8_12~nokl");
});

test("a training that diverges says so and stops", () => {
  const { session, answers, run, frame } = opened("digits_w8_r0.1_gaussian_b1000");
  session.trainer.network.arrays.weights.fill(NaN);
  session.handle({ play: 5 });
  session.handle({ frame: REQUEST });
  run();
  assert.match(answers.at(-1).error, /diverged/);
  assert.ok(frame().step > 0);
});
