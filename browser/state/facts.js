/**
 * Numbers that panels publish, so that a lesson's task can be recognised as done. No DOM.
 *
 * What all panels share is in the store; these are numbers that only one panel knows, such as the
 * rate of a training inside the page. Names have the panel's subject in front: `training.rate`.
 */

const values = new Map();
const listeners = new Set();

/**
 * Publish numbers under a subject; null or undefined removes one.
 *
 * @param {string} subject  such as "training"
 * @param {Record<string, number|null|undefined>} numbers  by name, such as { rate: 4.2, epoch: 3 }
 */
export function publish(subject, numbers) {
  let changed = false;
  for (const [name, value] of Object.entries(numbers)) {
    const key = `${subject}.${name}`;
    const next = Number.isFinite(value) ? value : undefined;
    if (Object.is(values.get(key), next)) continue;
    if (next === undefined) values.delete(key);
    else values.set(key, next);
    changed = true;
  }
  if (changed) for (const listener of [...listeners]) listener();
}

/** Remove all numbers of a subject, when its panel goes. @param {string} subject */
export function withdraw(subject) {
  const names = [...values.keys()].filter((key) => key.startsWith(`${subject}.`));
  publish(subject, Object.fromEntries(names.map((key) => [key.slice(subject.length + 1), null])));
}

/** Return a published number, or null. @param {string} name  such as "training.rate" @returns {number|null} */
export function published(name) {
  return values.get(name) ?? null;
}

/** Call `listener` after each change. @param {() => void} listener @returns {() => void} unsubscribes */
export function onPublished(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
