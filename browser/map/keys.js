/** The list of keys, gestures included, in a dialog over the map. */
import { make } from "../ui/dom.js";

/** What is pressed or moved, and what it does. */
export const KEYS = [
  ["Arrow keys", "Move the code; on a t-SNE map, go to the next image"],
  ["Shift + arrow keys", "Move it in larger steps"],
  ["Enter, or a click", "Select the code"],
  ["+ and −, or the wheel", "Zoom in and out"],
  ["0", "Show all points"],
  ["Drag", "Move the map, or draw a box or a lasso"],
  ["Escape", "Clear the selection"],
  ["Tab", "Go to the tools, the map and the classes; arrow keys go from one button to the next"],
  ["?", "Show this list"],
];

/** Create the dialog, closed. @returns {{element: HTMLDialogElement, show: () => void}} */
export function createKeys() {
  const rows = KEYS.flatMap(([key, what]) => [make("dt", {}, key), make("dd", {}, what)]);
  const element = make(
    "dialog",
    { class: "lx-keys", "aria-label": "Keys of the map" },
    make("strong", {}, "Keys of the map"),
    make("dl", {}, ...rows),
    make("form", { method: "dialog" }, make("button", { type: "submit" }, "Close")),
  );
  return {
    element,
    show: () => {
      if (!element.open) element.showModal();
    },
  };
}
