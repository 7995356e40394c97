/**
 * A connection to a room that comes back by itself. No DOM.
 *
 * @typedef {"joining" | "open" | "lost" | "missing" | "ended" | "full" | "limited" | "denied"} Status
 *   "lost" and "limited" are tried again; the last ones are final
 */

/** What the codes mean that the server closes a socket with (app/classroom/routes.py). @type {Record<number, Status>} */
const REASONS = { 4404: "missing", 4410: "ended", 4409: "full", 4429: "limited", 4403: "denied" };
/** Milliseconds until the first, and at most until a further, try; and after too many wrong codes. */
const FIRST = 500;
const MOST = 15_000;
const LIMITED = 30_000;

/**
 * Connect to a room, again and again until `close` is called or the room is known to be gone.
 *
 * @param {() => string} address  returns the address of the next try
 * @param {object} on
 * @param {(message: any) => void} on.message
 * @param {(status: Status) => void} on.status
 * @param {() => unknown} [on.greeting]  returns what is sent as soon as the connection stands
 * @param {object} [parts]  replaced by tests
 * @param {(address: string) => WebSocket} [parts.open]
 * @param {(fn: () => void, milliseconds: number) => any} [parts.later]
 * @param {(timer: any) => void} [parts.cancel]
 * @param {() => number} [parts.random]
 */
export function connect(address, on, parts = {}) {
  const { open = (url) => new WebSocket(url), later = setTimeout, cancel = clearTimeout, random = Math.random } = parts;
  let socket = null;
  let timer = null;
  let tries = 0;
  let over = false;
  let was = false; // whether it ever stood

  function tell(status) {
    // A room that was there before, and is not known any more, has ended: the server was restarted.
    on.status(status === "missing" && was ? "ended" : status);
  }

  function retry(after) {
    cancel(timer);
    // Not all of a class at once.
    timer = later(start, after * (0.5 + random()));
  }

  function start() {
    timer = null;
    const own = open(address());
    socket = own;
    own.onopen = () => on.greeting && own.send(JSON.stringify(on.greeting()));
    own.onmessage = ({ data }) => {
      if (!was || tries > 0) tell("open");
      was = true;
      tries = 0;
      on.message(JSON.parse(data));
    };
    own.onclose = ({ code }) => {
      if (over || own !== socket) return;
      socket = null;
      const reason = REASONS[code] ?? "lost";
      tries += 1;
      if (reason === "lost") retry(Math.min(MOST, FIRST * 2 ** (tries - 1)));
      else if (reason === "limited") retry(LIMITED);
      else over = true;
      tell(reason);
    };
  }

  on.status("joining");
  start();

  return {
    /** Send a message, if the connection stands. */
    send(message) {
      if (socket?.readyState === 1) socket.send(JSON.stringify(message));
    },
    /** Try at once instead of later: the page is seen again. */
    hurry() {
      if (timer === null || over) return;
      cancel(timer);
      start();
    },
    close() {
      over = true;
      cancel(timer);
      socket?.close();
      socket = null;
    },
  };
}
