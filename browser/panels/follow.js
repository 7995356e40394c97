/**
 * The bar of a page that follows a teacher. The pinned code is shown at once; the rest of a view takes
 * a run of the script.
 */
import { follow, reportDone } from "../classroom/following.js";
import { movesPinOnly, showPin } from "../classroom/views.js";
import { store } from "../state/store.js";
import { make } from "../ui/dom.js";

/** Milliseconds within which the texts follow a pin that is shown already; spread, for the server's sake. */
const SOON = 100;
const SPREAD = 400;

const SENTENCES = {
  joining: (code) => `Joining class ${code}…`,
  open: (code) => `Following class ${code}`,
  lost: () => "Connection lost. Trying again…",
  missing: (code) => `No class with the code ${code} is open. Check the letters.`,
  ended: (code) => `Class ${code} has ended. What you see is yours to explore.`,
  full: (code) => `Class ${code} is full.`,
  limited: () => "Too many wrong codes were tried from this network. Trying again in half a minute.",
};
const FINAL = new Set(["missing", "ended", "full"]);

/**
 * @param {HTMLElement} element
 * @param {{code: string|null, left: string|null, socket: string, adopted: number|null, done: string[]}} data
 * @param {import("../panel.js").Emit} emit
 * @returns {import("../panel.js").Panel}
 */
export function mount(element, data, emit) {
  const said = make("span", { role: "status" });
  const leave = make("button", { type: "button", click: leaveRoom });
  const again = make("button", { type: "button", click: () => emit.trigger("again", true) }, "Follow again");
  const bar = make("div", { class: "lx-following" }, make("i", {}), said, again, leave);
  element.append(bar);
  let room = null;
  let stop = () => {};
  let timer = 0;

  /** Whether the script has not yet adopted the latest view. */
  const isPending = () => room !== null && room.count > 0 && data.adopted !== room.count;

  function leaveRoom() {
    emit.trigger("leave", room === null || FINAL.has(room.status) ? "for good" : "for now");
  }

  function ask() {
    timer = 0;
    if (document.hidden || !isPending()) return; // asked again when the page is seen
    const { page, parameters } = room.view;
    emit.trigger("view", { page, parameters, count: room.count, pinned: showPin(store, room.view) });
  }

  function onView() {
    const shown = showPin(store, room.view);
    clearTimeout(timer);
    timer = setTimeout(ask, shown && movesPinOnly(room.before, room.view) ? SOON + SPREAD * Math.random() : 0);
  }

  function onVisible() {
    if (!document.hidden && isPending()) ask();
  }

  function draw() {
    const { code, left } = data;
    const status = room?.status ?? "left";
    said.textContent = code === null ? `You left class ${left}.` : SENTENCES[status](code);
    bar.dataset.status = status;
    again.hidden = code !== null;
    leave.textContent = code === null || FINAL.has(status) ? "Close" : "Leave";
  }

  function start() {
    room = follow(data.socket.replace(/^http/, "ws"));
    stop = room.subscribe((kind) => (kind === "view" ? onView() : draw()));
    if (isPending()) onView();
  }

  function end(atOnce) {
    stop();
    clearTimeout(timer);
    room?.release(atOnce);
    room = null;
  }

  document.addEventListener("visibilitychange", onVisible);
  data.done.forEach(reportDone);
  if (data.code !== null) start();
  draw();

  return {
    update(now) {
      const moved = now.socket !== data.socket || (now.code === null) !== (data.code === null);
      if (moved) end(true);
      data = now;
      data.done.forEach(reportDone);
      if (moved && data.code !== null) start();
      // A run that began before the latest view brought back what was pinned before.
      else if (isPending()) showPin(store, room.view);
      draw();
    },
    destroy() {
      document.removeEventListener("visibilitychange", onVisible);
      end(false);
      element.replaceChildren();
    },
  };
}
