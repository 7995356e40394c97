import assert from "node:assert/strict";
import { test } from "node:test";
import { GLIDE_TIME, Playback } from "../../../../browser/replay/playback.js";

const FRAMES = 11;

function playback({ frameTime = () => 100, reduced = false } = {}) {
  const made = new Playback({ frameTime, reducedMotion: () => reduced });
  made.resize(FRAMES);
  return made;
}

/** Advances in steps from one time to another; returns the positions. */
function advance(one, start, end, step = 10) {
  const positions = [];
  for (let now = start; now <= end; now += step) {
    one.advance(now);
    positions.push(one.position);
  }
  return positions;
}

test("it plays from frame to frame as fast as each frame says, and stops at its end", () => {
  const one = playback({ frameTime: (frame) => (frame < 5 ? 50 : 100) });
  one.play(0);
  advance(one, 0, 250);
  assert.ok(Math.abs(one.position - 5) < 1e-9);
  assert.equal(one.playing, true);
  assert.ok(Math.abs(advance(one, 260, 800).at(-1) - 10) < 1e-6);
  assert.equal(one.playing, false);
  assert.equal(one.atEnd, true);
});

test("played at its end it begins anew", () => {
  const one = playback();
  one.moveTo(10);
  one.play(0);
  assert.deepEqual([one.position, one.tail], [0, 0]);
});

test("a page that was hidden for long does not skip frames", () => {
  const one = playback();
  one.play(0);
  one.advance(0);
  one.advance(60_000);
  assert.ok(Math.abs(one.position - 1) < 1e-9);
});

test("it glides to a frame, rests exactly there, and says so", () => {
  const one = playback();
  one.goTo(4);
  assert.equal(one.target, 4);
  const positions = advance(one, 0, GLIDE_TIME + 10);
  assert.ok(positions.every((at, i) => i === 0 || at >= positions[i - 1]));
  assert.equal(one.position, 4);
  assert.equal(one.target, 4);
});

test("a tail follows, at most a frame and a half behind, and comes to rest", () => {
  const one = playback();
  one.moveTo(8);
  one.advance(0);
  assert.equal(one.tail, 6.5);
  assert.equal(one.advance(10), true);
  let moving = true;
  for (let now = 20; moving && now < 5000; now += 16) moving = one.advance(now);
  assert.deepEqual([moving, one.tail], [false, 8]);
});

test("with reduced motion it goes in steps, at once and without tails", () => {
  const one = playback({ reduced: true });
  one.goTo(3);
  assert.equal(one.position, 3);
  one.play(0);
  const positions = advance(one, 0, 1500, 100);
  assert.deepEqual([...new Set(positions)], [3, 4, 5]);
  assert.equal(one.tail, one.position);
  one.hold(7.4);
  assert.equal(one.position, 7);
});

test("what is held stays where it is held, then settles on the nearest frame", () => {
  const one = playback();
  one.play(0);
  one.hold(3.4);
  assert.deepEqual([one.playing, one.position, one.following], [false, 3.4, false]);
  one.release();
  assert.equal(one.target, 3);
  one.goTo(5);
  one.release();
  assert.equal(one.target, 5);
});

test("at its end it follows new frames; elsewhere, or playing, it does not", () => {
  const one = playback();
  assert.equal(one.following, false);
  one.goTo(10);
  assert.equal(one.following, true);
  one.resize(8);
  assert.deepEqual([one.target, one.position], [0, 0]);
  one.resize(5, 9);
  assert.deepEqual([one.position, one.tail, one.following], [4, 4, true]);
  one.play(0);
  assert.equal(one.following, false);
});

test("positions beyond the ends are the ends", () => {
  const one = playback();
  one.moveTo(-3);
  assert.equal(one.position, 0);
  one.moveTo(99);
  assert.equal(one.position, 10);
});
