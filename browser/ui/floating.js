/** The button that moves the floating picture of a phone's page out of the way. */
import { make } from "./dom.js";

/** Where the picture floats, in the order in which the button goes through: "small" is small at the top. */
export const PLACES = ["top-right", "bottom-right", "bottom-left", "small"];

/** Return the place after another one. @param {string | undefined} place */
export function placeAfter(place) {
  return PLACES[(Math.max(0, PLACES.indexOf(place)) + 1) % PLACES.length];
}

/**
 * Create the button. The place is kept on the root element, where the style sheets of app and exported
 * page read it, so that it outlives a change of page.
 */
export function createMover() {
  const { dataset } = document.documentElement;
  const click = () => (dataset.picture = placeAfter(dataset.picture));
  return make(
    "button",
    { type: "button", class: "lx-mover", "aria-label": "Move the image", title: "Move the image", click },
    make("span", { "aria-hidden": "true" }, "⤢"),
  );
}
