import assert from "node:assert/strict";
import test from "node:test";

import { connect } from "../../../../browser/classroom/connection.js";

/** A connection whose sockets and time the test holds. */
function start({ greeting } = {}) {
  const sockets = [];
  const statuses = [];
  const messages = [];
  const timers = [];
  const open = (url) => {
    const socket = { url, readyState: 1, sent: [], send: (text) => socket.sent.push(text), close: () => socket.onclose({ code: 1000 }) };
    sockets.push(socket);
    return socket;
  };
  const later = (fn, after) => timers.push({ fn, after }) - 1;
  const connection = connect(() => `ws://here/${sockets.length}`, {
    message: (message) => messages.push(message), status: (status) => statuses.push(status), greeting,
  }, { open, later, cancel: () => {}, random: () => 0.5 });
  return { connection, sockets, statuses, messages, timers, last: () => sockets.at(-1) };
}

test("messages are passed on, and the first says that the connection stands", () => {
  const { sockets, statuses, messages } = start({ greeting: () => ({ token: "t" }) });
  sockets[0].onopen();
  sockets[0].onmessage({ data: '{"page":"decode"}' });
  assert.deepEqual(statuses, ["joining", "open"]);
  assert.deepEqual(messages, [{ page: "decode" }]);
  assert.deepEqual(sockets[0].sent, ['{"token":"t"}']);
});

test("a lost connection is tried again, later each time, and at once when the page is seen", () => {
  const { connection, sockets, statuses, timers, last } = start();
  last().onmessage({ data: "{}" });
  for (let n = 0; n < 9; n++) {
    last().onclose({ code: 1006 });
    timers.at(-1).fn();
  }
  assert.deepEqual(timers.map(({ after }) => after), [500, 1000, 2000, 4000, 8000, 15000, 15000, 15000, 15000]);
  last().onmessage({ data: "{}" });
  assert.equal(statuses.at(-1), "open");
  last().onclose({ code: 1006 });
  assert.equal(timers.at(-1).after, 500, "from the start again");
  const before = sockets.length;
  connection.hurry();
  assert.equal(sockets.length, before + 1);
  connection.hurry();
  assert.equal(sockets.length, before + 1, "one try at a time");
});

test("a room that is not there is final; one that was there has ended", () => {
  const never = start();
  never.last().onclose({ code: 4404 });
  assert.deepEqual(never.statuses, ["joining", "missing"]);
  assert.equal(never.timers.length, 0);
  const before = start();
  before.last().onmessage({ data: "{}" });
  before.last().onclose({ code: 1012 });
  before.timers[0].fn();
  before.last().onclose({ code: 4404 });
  assert.deepEqual(before.statuses, ["joining", "open", "lost", "ended"]);
});

test("too many wrong codes are waited for, and a closed connection stays closed", () => {
  const { connection, sockets, statuses, timers } = start();
  sockets[0].onclose({ code: 4429 });
  assert.equal(timers[0].after, 30_000);
  timers[0].fn();
  connection.close();
  assert.equal(sockets.length, 2);
  assert.equal(timers.length, 1);
  assert.deepEqual(statuses, ["joining", "limited"]);
});
