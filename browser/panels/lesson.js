/**
 * A step of a lesson: its task with a live tick, its question, progress, back and next.
 *
 * @typedef {object} LessonData
 * @property {number} number  the step, from 1
 * @property {number} steps
 * @property {number} line  of the step in its file; another line is another step
 * @property {number[]|null} start  the code that the step begins with
 * @property {import("../files/assets.js").Source|null} codes  the encoded set that tasks look at
 * @property {string[]} classes
 * @property {string[]} conditions
 * @property {{text: string, hint: string|null, conditions: object[]}|null} task
 * @property {{text: string, choices: {text: string, right: boolean, reply: string}[]}|null} question
 * @property {boolean} done
 * @property {number|null} answer
 */
import { fetchBytes } from "../files/assets.js";
import { History, holds } from "../lessons/facts.js";
import { readPoints } from "../map/points.js";
import { same, schedule, store, unschedule } from "../state/store.js";
import { make } from "../ui/dom.js";

/** Milliseconds for which a task's conditions hold before it is done: more than a pass over a place. */
const HELD = 500;
/** Milliseconds to wait for the step's own code; a page without a model has none. */
const AWAITED = 1500;
/** Attribute of the document while the sheet of a phone is folded. */
const FOLDED = "lessonFolded";

/**
 * @param {HTMLElement} element
 * @param {LessonData} data
 * @param {import("../panel.js").Emit} emit
 * @returns {import("../panel.js").Panel}
 */
export function mount(element, data, emit) {
  const root = make("div", { class: "lx-lesson" });
  element.append(root);
  let history = new History();
  let points = null;
  let fetched = null;
  let timer = 0;
  let opening = 0;
  let done = false;
  let shown = "";

  const go = (step) => {
    if (step >= 1) emit.trigger("step", step);
  };
  const onKey = (event) => {
    const step = stepOf(event, element);
    if (step === 0) return;
    event.preventDefault();
    go(Math.min(data.number + step, data.steps + 1));
  };
  document.addEventListener("keydown", onKey);

  /** Fetch the set that tasks look at, once for each address. */
  async function fetchPoints(address) {
    fetched = address;
    points = null;
    if (address === null) return;
    try {
      const read = readPoints(await fetchBytes(address));
      if (fetched !== address) return;
      points = read;
      schedule(look);
    } catch (error) {
      console.warn(error); // the map says so; a task without codes stays open
    }
  }

  /** Take the page as it is, and begin to count down where the task's conditions hold. */
  function look() {
    if (!data.task || done || !begun()) return;
    const page = {
      state: store.get(), points, history,
      classes: data.classes, conditions: data.conditions, shown: store.shown(), label: store.label(),
    };
    history.add(page);
    if (!holds(page, data.task.conditions)) {
      clearTimeout(timer);
      timer = 0;
    } else if (timer === 0) timer = setTimeout(finish, HELD);
  }

  /** Whether the page shows what the step begins with, and no more what was there before. */
  function begun() {
    if (opening === 0) return true;
    const { z, pinnedId } = store.get();
    if (data.start !== null && !same(Float32Array.from(data.start), z)) return false;
    begin(Float32Array.from(z), pinnedId);
    return true;
  }

  function begin(start, pinnedId) {
    clearTimeout(opening);
    opening = 0;
    history = new History(start, pinnedId);
  }

  function finish() {
    done = true;
    show();
    emit.trigger("done", data.number);
  }

  function show() {
    root.replaceChildren(
      ...(data.task ? [taskOf(data.task, done)] : []),
      ...(data.question ? [questionOf(data.question, data.answer, answer)] : []),
      wayOf(data, go),
    );
  }

  function answer(chosen) {
    data = { ...data, answer: chosen };
    show();
    emit.trigger("answer", chosen);
    root.querySelector(`[data-choice="${chosen}"]`)?.focus();
  }

  function update(next) {
    const isNew = next.line !== data.line || next.number !== data.number || shown === "";
    data = next;
    if (isNew) {
      clearTimeout(timer);
      timer = 0;
      done = false;
      clearTimeout(opening);
      opening = setTimeout(() => {
        begin(null, null);
        schedule(look);
      }, AWAITED);
    }
    done ||= next.done;
    if (fetched !== next.codes) fetchPoints(next.codes);
    // A button that is pressed stays where it is: only what is seen is drawn anew.
    const { number, steps, task, question, answer: chosen } = data;
    const content = JSON.stringify([number, steps, task, question, chosen, done]);
    if (content !== shown) show();
    shown = content;
    schedule(look);
  }

  const stop = store.subscribe(() => schedule(look));
  update(data);
  return {
    update,
    destroy() {
      stop();
      clearTimeout(timer);
      clearTimeout(opening);
      unschedule(look);
      document.removeEventListener("keydown", onKey);
      root.remove();
    },
  };
}

/** Return −1 or 1 for an arrow key that nothing else on the page takes, else 0. */
function stepOf(event, element) {
  const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -1, PageDown: 1 }[event.key] ?? 0;
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return 0;
  const path = event.composedPath();
  const free = path[0] === document.body || path[0] === document.documentElement || path.includes(element);
  return free ? step : 0;
}

function taskOf(task, done) {
  const hint = task.hint && !done ? [make("details", {}, make("summary", {}, "Hint"), task.hint)] : [];
  return make(
    "section",
    { class: "lx-lesson-task", "data-done": String(done) },
    make("span", { class: "lx-lesson-tick", "aria-hidden": "true" }, done ? "✓" : ""),
    make("div", {}, make("p", {}, task.text), ...hint),
    make("span", { class: "lx-lesson-said", role: "status" }, done ? "Done" : ""),
  );
}

function questionOf(question, answer, choose) {
  const chosen = answer === null ? null : question.choices[answer];
  return make(
    "fieldset",
    { class: "lx-lesson-question" },
    make("legend", {}, question.text),
    ...question.choices.map((choice, at) =>
      make(
        "button",
        {
          type: "button", "data-choice": at, "aria-pressed": String(at === answer), click: () => choose(at),
        },
        choice.text,
      ),
    ),
    make("p", { role: "status", class: "lx-lesson-reply" }, chosen ? `${chosen.right ? "✓" : "✗"} ${chosen.reply}` : ""),
  );
}

function wayOf({ number, steps }, go) {
  const fold = make("button", { type: "button", class: "lx-plain lx-lesson-fold", click: toggleFold }, foldWord());
  function toggleFold() {
    if (FOLDED in document.documentElement.dataset) delete document.documentElement.dataset[FOLDED];
    else document.documentElement.dataset[FOLDED] = "";
    fold.textContent = foldWord();
  }
  return make(
    "nav",
    { class: "lx-lesson-way", "aria-label": "Steps" },
    make("button", { type: "button", disabled: number === 1, click: () => go(number - 1) }, "Back"),
    make("span", { class: "lx-lesson-progress" }, make("span", { class: "lx-number" }, `${number} of ${steps}`), barOf(number, steps)),
    fold,
    make("button", { type: "button", class: "lx-lesson-next", click: () => go(number + 1) }, number === steps ? "Finish" : "Next"),
  );
}

function barOf(number, steps) {
  const fill = make("i");
  fill.style.width = `${(100 * number) / steps}%`;
  return make("span", { class: "lx-bar", "aria-hidden": "true" }, fill);
}

function foldWord() {
  return FOLDED in document.documentElement.dataset ? "Text ▴" : "Text ▾";
}
