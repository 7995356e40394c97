/** Pages of a list of ids. No DOM. */

/**
 * Divide ids into pages.
 *
 * @param {ArrayLike<number>} all @param {number} size  ids of a page
 */
export function pagesOf(all, size) {
  const last = Math.max(0, Math.ceil(all.length / size) - 1);
  let page = 0;
  const within = (number) => Math.min(last, Math.max(0, number));
  return {
    count: all.length,
    /** The ids of the page. @returns {number[]} */
    ids: () => Array.from(all).slice(page * size, (page + 1) * size),
    /** Whether there is a page that many pages on. @param {number} step */
    has: (step) => within(page + step) === page + step,
    /** Turn to another page, or to the nearest one that there is. @param {number} step */
    turn: (step) => (page = within(page + step)),
    /** "33–64 of 783". @returns {string} */
    extent() {
      const end = Math.min(all.length, (page + 1) * size);
      const whole = all.length.toLocaleString("en");
      return `${(Math.min(all.length, page * size + 1)).toLocaleString("en")}–${end.toLocaleString("en")} of ${whole}`;
    },
  };
}
