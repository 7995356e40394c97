/** Run long work in short slices, so that the page stays responsive. */

/** Milliseconds of a slice, which leave time to paint in a frame of 16 ms. */
const BUDGET = 11;

/**
 * Call `step` repeatedly in slices of about 11 ms, until it returns true.
 *
 * @param {() => boolean} step does a short piece of work; returns whether all work is done
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
