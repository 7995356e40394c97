/**
 * The entry of a lesson's page of a site. The address holds the step, as `#step=3`.
 *
 * All texts are in the page, so that they print and are read without JavaScript; one is shown.
 */
import { mount as mountLesson } from "../panels/lesson.js";
import { byId, notify, run } from "../standalone/content.js";
import { openModel, pageFacts, trainingSets, useWorkers } from "./held.js";
import { showStep } from "./stage.js";
import { readView, stepOf } from "./view.js";

class Lesson {
  constructor({ steps, end, missing }) {
    Object.assign(this, { steps, end, missing });
    this.noted = new Map();
    this.opened = 0;
    this.remove = () => {};
    this.panel = null;
  }

  async open(number) {
    const step = this.steps[number - 1];
    this.opened += 1;
    const mine = this.opened;
    this.steps.forEach((_, i) => byId(`step-${i + 1}`).toggleAttribute("data-shown", i + 1 === number));
    const [model, sets] = await Promise.all([
      step.model && step.show.length > 0 ? openModel(step.model) : null,
      step.show.includes("training") ? trainingSets(this.missing) : null,
    ]);
    if (mine !== this.opened) return;
    this.number = number;
    this.model = model;
    this.start = model && readView(step.parameters, model).z;
    this.remove();
    this.remove = step.show.length > 0 ? showStep(byId("stage"), step, model, sets) : () => {};
    byId("stage").hidden = step.show.length === 0;
    this.show();
    notify(null);
  }

  show() {
    if (this.panel === null) this.panel = mountLesson(byId("lesson"), this.data(), this.emit());
    else this.panel.update(this.data());
  }

  data() {
    const { number, steps, model } = this;
    const { task, question } = steps[number - 1];
    const { done = false, answer = null } = this.noted.get(number) ?? {};
    return {
      number, steps: steps.length, line: number, start: this.start, task, question, done, answer,
      codes: model?.codes ?? null, classes: model?.facts.classes ?? [], conditions: model?.facts.given ?? [],
    };
  }

  emit() {
    const note = (patch) => {
      this.noted.set(this.number, { ...this.noted.get(this.number), ...patch });
      this.show();
    };
    const actions = {
      step: (to) => (to > this.steps.length ? location.assign(this.end) : this.go(to)),
      done: () => note({ done: true }),
      answer: (answer) => note({ answer }),
    };
    return { state() {}, trigger: (name, value) => actions[name](value) };
  }

  go(number) {
    location.hash = `step=${number}`;
    scrollTo(0, 0);
  }
}

/** Show the lesson of the page. */
async function start() {
  useWorkers();
  const lesson = new Lesson(pageFacts());
  const open = () => lesson.open(stepOf(location.hash, lesson.steps.length)).catch((error) => notify(`This step could not be shown: ${error.message}`));
  addEventListener("hashchange", open);
  byId("reset").addEventListener("click", open);
  await open();
}

run(start);
