/**
 * Cards that are carried to places: by dragging with mouse, pen or finger, or by picking one
 * (click, tap, Enter) and then choosing a place the same way.
 */

const FAR = 6;

/**
 * @param {HTMLElement} card
 * @param {object} handlers
 * @param {() => void} handlers.pick the card was clicked
 * @param {(target: Element | null) => void} handlers.over the card is above an element, or no more
 * @param {(target: Element | null) => void} handlers.drop the card was let go above an element
 */
export function draggable(card, { pick, over, drop }) {
  let start = null;
  let carried = false;

  const below = (event) => card.getRootNode().elementFromPoint(event.clientX, event.clientY);

  card.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    start = { x: event.clientX, y: event.clientY, id: event.pointerId };
    carried = false;
    // At once: a quick pointer has left the card before it has moved far enough.
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
    // The click that ends a drag is no pick.
    if (!carried) pick();
  });
}
