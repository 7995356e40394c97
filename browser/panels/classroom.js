/** The sidebar's class: open a room or follow one; and the room that this page leads. */
import { attend, keep, kept, sentence } from "../classroom/leading.js";
import { copy } from "../ui/clipboard.js";
import { make } from "../ui/dom.js";

/** Milliseconds for which the result of copying is shown. */
const SHOWN = 4000;

/**
 * @typedef {object} Room
 * @property {string} code
 * @property {string} token
 * @property {string} link  that opens the app and follows
 * @property {string} qr  data address of its QR code
 * @property {string} socket  address of the teacher's websocket
 * @property {string|null} warning
 */

/** Return a code in two ways: as letters, and for screen readers one letter at a time. @param {string} code */
function spelled(code, tag) {
  return make(tag, { class: "lx-code", role: "img", "aria-label": `Code ${[...code].join(" ")}` }, code);
}

/** The form of a page without a room. */
function createDoor(emit) {
  const field = make("input", {
    type: "text", maxlength: 5, size: 7, autocomplete: "off", autocapitalize: "characters", spellcheck: "false",
    "aria-label": "Code of a class, five letters", placeholder: "Code", pattern: "[A-Za-z]{5}", title: "Five letters",
    required: true,
  });
  const form = make("form", {
    class: "lx-join",
    submit: (event) => {
      event.preventDefault();
      emit.trigger("join", field.value);
      field.value = "";
    },
  }, field, make("button", { type: "submit" }, "Follow"));
  const body = make("div", { class: "lx-door", hidden: true },
    make("p", { class: "lx-quiet" }, "Students see what you pin, select and open, as you do it."),
    make("button", { type: "button", click: () => emit.trigger("open", true) }, "Open a room"),
    make("p", { class: "lx-quiet" }, "Or follow a teacher:"), form);
  const toggle = make("button", { type: "button", "aria-expanded": "false", click: () => {
    body.hidden = !body.hidden;
    toggle.setAttribute("aria-expanded", String(!body.hidden));
  } }, "Class");
  const present = make("button", {
    type: "button", title: "Large, without menus, for a projector", click: () => emit.trigger("present", true),
  }, "Present");
  return make("div", {}, make("div", { class: "lx-two" }, toggle, present), body);
}

/** What is shown to the class: code, QR code and link, as large as the window. */
function createSign(room, counts) {
  const sign = make("dialog", { class: "lx-sign", "aria-label": "Join the class" },
    make("img", { src: room.qr, alt: `QR code of ${room.link}` }),
    make("div", {}, spelled(room.code, "strong"), make("p", {}, room.link), counts),
    make("button", { type: "button", click: () => sign.close() }, "Close"));
  return sign;
}

/** The room that this page leads. @param {Room} room @param {{task: boolean, form: string}} data */
function createRoom(room, data, emit) {
  let task = data.task;
  let told = { following: 0, done: 0 };
  let status = "joining";
  const counts = [make("p", { role: "status" }), make("p", { class: "lx-quiet" })];
  const sign = createSign(room, counts[1]);
  const copied = make("span", { class: "lx-quiet", role: "status" });
  let timer = 0;

  async function copyLink() {
    copied.textContent = await copy(room.link).then(() => "Copied", () => room.link);
    clearTimeout(timer);
    timer = setTimeout(() => (copied.textContent = ""), SHOWN);
  }

  function draw() {
    const text = status === "lost" ? "Connection lost. Trying again…" : sentence(told, task);
    for (const one of counts) one.textContent = text;
  }

  const leave = attend(room.socket.replace(/^http/, "ws"), room, {
    counts: (now) => {
      told = now;
      draw();
    },
    status: (now) => {
      status = now;
      if (now === "ended" || now === "denied") emit.trigger("lost", true);
      else draw();
    },
  });
  const presented = data.form === "presented";
  const others = presented ? [] : [
    make("button", { type: "button", click: copyLink }, "Copy class link"),
    make("button", { type: "button", click: () => emit.trigger("present", true) }, "Present"),
    make("button", { type: "button", click: () => emit.trigger("end", true) }, "End class"),
  ];
  const element = make("section", { class: `lx-room ${data.form === "sidebar" ? "" : "lx-line"}`, "aria-label": "Your class" },
    make("header", {}, make("span", { class: "lx-quiet" }, "Class"), spelled(room.code, "strong")), counts[0],
    ...(room.warning === null || presented ? [] : [make("p", { class: "lx-warning" }, room.warning)]),
    make("div", { class: "lx-two" },
      make("button", { type: "button", click: () => sign.showModal() }, "Show code"), ...others),
    copied, sign);
  draw();
  return {
    element,
    update(now) {
      task = now.task;
      draw();
    },
    destroy() {
      clearTimeout(timer);
      leave();
      element.remove();
    },
  };
}

/**
 * @param {HTMLElement} element
 * @param {{room: Room|null, follows: boolean, task: boolean, form: "sidebar"|"line"|"presented"}} data
 * @param {import("../panel.js").Emit} emit
 * @returns {import("../panel.js").Panel}
 */
export function mount(element, data, emit) {
  const door = createDoor(emit);
  let room = null;
  const before = kept();
  if (data.room === null && before !== null && !data.follows) {
    keep(null); // kept again if it is still open
    emit.trigger("resume", before);
  }

  function show(now) {
    if (room?.code !== now.room?.code || (room !== null && room.form !== now.form)) {
      room?.part.destroy();
      room = now.room && { code: now.room.code, form: now.form, part: createRoom(now.room, now, emit) };
      if (room) element.append(room.part.element);
      keep(now.room);
    }
    room?.part.update(now);
    door.hidden = room !== null || now.form === "presented";
    door.classList.toggle("lx-line", now.form !== "sidebar");
  }

  element.append(door);
  show(data);

  return {
    update: show,
    destroy() {
      room?.part.destroy();
      element.replaceChildren();
    },
  };
}
