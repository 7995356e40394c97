/**
 * The card of the example under the pointer: its picture, its label, its posterior.
 *
 * It comes when the pointer rests and stays a little when it leaves, and what it shows is drawn in
 * one go: never the picture of one example beside the words of another.
 *
 * @typedef {object} Content
 * @property {string} title
 * @property {{word: string, width: number, height: number, paint: (context: any) => void}[]} pictures
 * @property {[string, string][]} rows
 * @property {[number, number]} place  of the point, CSS pixels from the stage's corner
 */
import { make } from "../ui/dom.js";

const REST = 125;
const GRACE = 260;
const GAP = 14;

/**
 * @param {HTMLElement} stage  positioned; the card stays inside
 */
export function createCard(stage) {
  const element = make("div", { class: "lx-card", hidden: true, "aria-hidden": "true" });
  stage.append(element);
  let shown = null;
  let coming = 0;
  let going = 0;

  function fill(content) {
    const pictures = content.pictures.map((picture) => {
      const canvas = make("canvas", { class: "lx-pixels" });
      canvas.width = picture.width;
      canvas.height = picture.height;
      picture.paint(canvas.getContext("2d"));
      return make("figure", {}, canvas, make("figcaption", {}, picture.word));
    });
    const rows = content.rows.flatMap(([term, value]) => [
      make("dt", {}, term),
      make("dd", { class: "lx-number" }, value),
    ]);
    element.replaceChildren(
      make("strong", {}, content.title),
      make("div", { class: "lx-card-pictures" }, ...pictures),
      make("dl", {}, ...rows),
    );
  }

  function put([x, y]) {
    const { clientWidth: width, clientHeight: height } = stage;
    const { offsetWidth: w, offsetHeight: h } = element;
    const right = x + GAP + w <= width;
    const left = right ? x + GAP : Math.max(0, x - GAP - w);
    const top = Math.min(Math.max(0, y - h / 2), Math.max(0, height - h));
    element.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }

  function hide() {
    clearTimeout(coming);
    clearTimeout(going);
    coming = 0;
    going = 0;
    shown = null;
    element.hidden = true;
  }

  /** The pointer is over an example. @param {number} id @param {() => Content} read */
  function over(id, read) {
    clearTimeout(coming);
    if (shown === id) {
      clearTimeout(going);
      going = 0;
      return;
    }
    if (shown !== null) leave();
    coming = setTimeout(() => {
      clearTimeout(going);
      going = 0;
      const content = read();
      fill(content);
      element.hidden = false;
      put(content.place);
      shown = id;
    }, REST);
  }

  /** The pointer is over no example, or over another one. */
  function leave() {
    clearTimeout(coming);
    if (shown !== null && going === 0) going = setTimeout(hide, GRACE);
  }

  return {
    over,
    leave,
    hide,
    destroy() {
      hide();
      element.remove();
    },
  };
}
