/** Make several buttons one stop of the Tab key: arrow keys, Home and End move between them. */

const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

/**
 * The place that a key leads to, around both ends.
 *
 * @param {number} place  0 to count − 1
 * @param {string} key  of a keyboard event
 * @param {number} count
 * @returns {number | null} null for other keys
 */
export function nextPlace(place, key, count) {
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  return key in STEPS ? (place + STEPS[key] + count) % count : null;
}

/**
 * Make the buttons in an element one stop of the Tab key.
 *
 * @param {HTMLElement} element
 * @returns {() => void} to be called when there are other buttons: the stop keeps its place
 */
export function rove(element) {
  let stop = 0;
  const buttons = () => [...element.querySelectorAll("button")];

  function refresh() {
    const all = buttons();
    stop = Math.max(0, Math.min(stop, all.length - 1));
    all.forEach((button, place) => (button.tabIndex = place === stop ? 0 : -1));
  }

  element.addEventListener("focusin", ({ target }) => {
    const place = buttons().indexOf(target);
    if (place < 0) return;
    stop = place;
    refresh();
  });
  element.addEventListener("keydown", (event) => {
    const all = buttons().filter((button) => button.offsetParent !== null);
    const place = all.indexOf(event.target);
    const to = place < 0 || event.ctrlKey || event.metaKey || event.altKey ? null : nextPlace(place, event.key, all.length);
    if (to === null) return;
    event.preventDefault();
    event.stopPropagation();
    all[to].focus();
  });
  refresh();
  return refresh;
}
