/**
 * The room that a page follows: one connection, which outlives the panels of a page that is left.
 *
 * @typedef {object} Following
 * @property {import("./connection.js").Status} status
 * @property {import("./views.js").View|null} view  the latest
 * @property {import("./views.js").View|null} before  the one before
 * @property {number} count  of views; each has a number
 * @property {(listener: (kind: "status" | "view") => void) => () => void} subscribe
 * @property {(task: string) => void} report
 * @property {() => void} release
 */
import { connect } from "./connection.js";

/** Milliseconds that a connection waits for the panels of the next page. */
const GRACE = 4000;
/** The connection of this page by the room's address. @type {Map<string, any>} */
const held = new Map();
/** Tasks that were done on this page, which a new connection reports again. @type {Set<string>} */
const done = new Set();

function create(address) {
  const listeners = new Set();
  const call = (kind) => [...listeners].forEach((listener) => listener(kind));
  let ticket = "";
  const room = { status: "joining", view: null, before: null, count: 0, users: 0, timer: 0, connection: null };

  function message(content) {
    if (content.ticket !== undefined) {
      ticket = content.ticket;
      for (const task of done) room.connection.send({ done: task });
      return;
    }
    // A connection that came back may bring what is known.
    if (JSON.stringify(content) === JSON.stringify(room.view)) return;
    Object.assign(room, { before: room.view, view: content, count: room.count + 1 });
    call("view");
  }

  function status(value) {
    room.status = value;
    call("status");
  }

  room.connection = connect(() => `${address}?ticket=${ticket}`, { message, status });
  const hurry = () => !document.hidden && room.connection.hurry();
  document.addEventListener("visibilitychange", hurry);
  addEventListener("online", hurry);
  room.subscribe = (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  room.end = () => {
    document.removeEventListener("visibilitychange", hurry);
    removeEventListener("online", hurry);
    room.connection.close();
    held.delete(address);
  };
  return room;
}

/**
 * Follow a room, until it is released and nobody follows it again soon.
 *
 * @param {string} address  of its websocket
 * @returns {Following}
 */
export function follow(address) {
  if (!held.has(address)) held.set(address, create(address));
  const room = held.get(address);
  room.users += 1;
  clearTimeout(room.timer);
  room.release = (at_once = false) => {
    room.users -= 1;
    if (room.users > 0) return;
    clearTimeout(room.timer);
    if (at_once) room.end();
    else room.timer = setTimeout(room.end, GRACE);
  };
  return room;
}

/** Report a task of a lesson as done ("lesson/step") to the room that is followed, if any. @param {string} task */
export function reportDone(task) {
  if (done.has(task)) return;
  done.add(task);
  for (const room of held.values()) room.connection.send({ done: task });
}
