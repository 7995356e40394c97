/** Cards that are dragged by mouse, pen or finger, or picked by a click. */

/** CSS pixels from which on a move is a drag. */
const FAR = 6;

/**
 * Make a card draggable.
 *
 * @param {HTMLElement} card
 * @param {object} handlers
 * @param {() => void} handlers.pick  the card is clicked, or Enter is pressed
 * @param {(target: Element | null) => void} handlers.over  the card is dragged over an element; null at the end
 * @param {(target: Element) => void} handlers.drop  the card is dropped on an element
 */
export function draggable(card, { pick, over, drop }) {
  let start = null;
  let carried = false;

  const below = (event) => card.getRootNode().elementFromPoint(event.clientX, event.clientY);

  card.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    start = { x: event.clientX, y: event.clientY, id: event.pointerId };
    carried = false;
    // Not only once it is a drag: a quick pointer has left the card by then.
    card.setPointerCapture(event.pointerId);
  });
  card.addEventListener("pointermove", (event) => {
    if (!start || event.pointerId !== start.id) return;
    const [dx, dy] = [event.clientX - start.x, event.clientY - start.y];
    if (!carried && Math.hypot(dx, dy) < FAR) return;
    carried = true;
    card.classList.add("lx-carried");
    card.style.transform = `translate(${dx}px, ${dy}px)`;
    over(below(event));
  });
  const finish = (event) => {
    if (!start || event.pointerId !== start.id) return;
    start = null;
    if (!carried) return;
    const target = event.type === "pointerup" ? below(event) : null;
    card.classList.remove("lx-carried");
    card.style.transform = "";
    over(null);
    if (target) drop(target);
  };
  card.addEventListener("pointerup", finish);
  card.addEventListener("pointercancel", finish);
  card.addEventListener("click", () => {
    // A drag ends with a click, too.
    if (!carried) pick();
  });
}
