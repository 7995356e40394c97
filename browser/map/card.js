/**
 * The card of the example under the pointer: its picture, its label, its posterior.
 *
 * It appears when the pointer rests, and stays a little when the pointer leaves. All its content
 * changes at once, so that the picture of one example is never beside the words of another.
 *
 * @typedef {object} Content
 * @property {string} title
 * @property {{word: string, width: number, height: number, paint: (context: any) => void}[]} pictures
 * @property {[string, string][]} rows
 * @property {[number, number]} place  of the point, CSS pixels from the stage's corner
 */
import { make } from "../ui/dom.js";

/** Milliseconds on an example before its card appears, and after it before the card goes. */
const REST = 125;
const GRACE = 260;
/** CSS pixels between the point and the card. */
const GAP = 14;

/**
 * @param {HTMLElement} stage  positioned; the card stays inside
 */
export function createCard(stage) {
  const element = make("div", { class: "lx-card", hidden: true, "aria-hidden": "true" });
  stage.append(element);
  /** Id of the example that is shown. */
  let shown = null;
  let appearing = 0;
  let disappearing = 0;

  function fill({ title, pictures, rows }) {
    const terms = rows.flatMap(([term, value]) => [
      make("dt", {}, term),
      make("dd", { class: "lx-number" }, value),
    ]);
    element.replaceChildren(
      make("strong", {}, title),
      make("div", { class: "lx-card-pictures" }, ...pictures.map(captioned)),
      make("dl", {}, ...terms),
    );
  }

  function placeBeside([x, y]) {
    const { clientWidth: width, clientHeight: height } = stage;
    const { offsetWidth: w, offsetHeight: h } = element;
    const right = x + GAP + w <= width;
    const left = right ? x + GAP : Math.max(0, x - GAP - w);
    const top = Math.min(Math.max(0, y - h / 2), Math.max(0, height - h));
    element.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }

  function keep() {
    clearTimeout(disappearing);
    disappearing = 0;
  }

  function hide() {
    clearTimeout(appearing);
    keep();
    shown = null;
    element.hidden = true;
  }

  /** The pointer is over an example. @param {number} id @param {() => Content} read */
  function over(id, read) {
    clearTimeout(appearing);
    if (shown === id) return keep();
    leave();
    appearing = setTimeout(() => {
      keep();
      const content = read();
      fill(content);
      element.hidden = false;
      placeBeside(content.place);
      shown = id;
    }, REST);
  }

  /** The pointer is over no example, or over another one. */
  function leave() {
    clearTimeout(appearing);
    if (shown !== null && disappearing === 0) disappearing = setTimeout(hide, GRACE);
  }

  function destroy() {
    hide();
    element.remove();
  }

  return { over, leave, hide, destroy };
}

function captioned({ word, width, height, paint }) {
  const canvas = make("canvas", { class: "lx-pixels", width, height });
  paint(canvas.getContext("2d"));
  return make("figure", {}, canvas, make("figcaption", {}, word));
}
