/**
 * The card of the example under the pointer, with pictures and metrics.
 *
 * It appears when the pointer rests on an example, and disappears a moment after the pointer leaves.
 *
 * @typedef {object} Content
 * @property {string} title
 * @property {{caption: string, width: number, height: number, paint: (context: any) => void}[]} pictures
 *   sizes in pixels
 * @property {[string, string][]} rows  names and values
 * @property {[number, number]} position  of the example, CSS pixels from the stage's corner
 */
import { make } from "../ui/dom.js";

/** Milliseconds on an example before its card appears, and after leaving it before the card disappears. */
const REST = 125;
const GRACE = 260;
/** CSS pixels between the example and the card. */
const GAP = 14;

/** Create a card. @param {HTMLElement} stage  a positioned element; the card stays inside */
export function createCard(stage) {
  const element = make("div", { class: "lx-card", hidden: true, "aria-hidden": "true" });
  stage.append(element);
  /** Id of the example whose card is shown. */
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

  function moveBeside([x, y]) {
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

  /** Show the card of an example when the pointer has rested. @param {number} id @param {() => Content} read */
  function over(id, read) {
    clearTimeout(appearing);
    if (shown === id) return keep();
    leave();
    appearing = setTimeout(() => {
      keep();
      const content = read();
      fill(content);
      element.hidden = false;
      moveBeside(content.position);
      shown = id;
    }, REST);
  }

  /** Hide the card in a moment. */
  function leave() {
    clearTimeout(appearing);
    if (shown !== null && disappearing === 0) disappearing = setTimeout(hide, GRACE);
  }

  /** Keep the card that is shown, if any, until the next gesture: a finger has left the example. */
  function stay() {
    clearTimeout(appearing);
    keep();
  }

  function destroy() {
    hide();
    element.remove();
  }

  return { over, leave, stay, hide, destroy };
}

function captioned({ caption, width, height, paint }) {
  const canvas = make("canvas", { class: "lx-pixels", width, height });
  paint(canvas.getContext("2d"));
  return make("figure", {}, canvas, make("figcaption", {}, caption));
}
