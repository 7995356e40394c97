/**
 * The page in a notebook's cell: what is pinned goes to the notebook, and comes from it (widget.js).
 *
 * Both send `{latentExplorer: {z, y}}`; the page sends what it shows at first, too.
 */
import { store } from "../state/store.js";

/**
 * @param {{latentDim: number, labels: number}} model  `labels`: those of a conditional model, else 0
 * @param {(z: number[], y: number | null) => void} pin
 */
export function connectCell({ latentDim, labels }, pin) {
  if (window.parent === window) return;
  const send = () => {
    const { z, y } = store.get();
    window.parent.postMessage({ latentExplorer: { z: Array.from(z), y } }, "*");
  };
  store.subscribe((_, changed) => {
    if (changed.has("z") || changed.has("y")) send();
  });
  window.addEventListener("message", ({ source, data }) => {
    if (source !== window.parent || !Array.isArray(data?.latentExplorer?.z)) return;
    const { z, y = null } = data.latentExplorer;
    const fits = z.length === latentDim && z.every(Number.isFinite);
    const shown = store.get();
    const label = Number.isInteger(y) && y >= 0 && y < labels ? y : shown.y;
    // What this page has sent comes back.
    if (fits && !(label === shown.y && z.every((one, i) => Math.fround(one) === shown.z[i]))) pin(z, label);
  });
  send();
}
