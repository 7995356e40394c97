/** Long work in short slices, so that the page answers and paints in between. */

const BUDGET = 11;

/**
 * Runs `step` again and again until it says that it is done, never more than about 11 ms at a time, which leaves a frame its paint.
 *
 * @param {() => boolean} step one short piece of work; true when nothing is left
 * @returns {() => void} stops the work
 */
export function inSlices(step) {
  const { port1, port2 } = new MessageChannel();
  let stopped = false;
  const stop = () => {
    stopped = true;
    port1.close();
  };
  port1.onmessage = () => {
    const end = performance.now() + BUDGET;
    while (!stopped && performance.now() < end) {
      if (step()) stop();
    }
    if (!stopped) port2.postMessage(null);
  };
  port2.postMessage(null);
  return stop;
}
