/** Download files that the page has made. */

/** Milliseconds after which the file's address is released. */
const RELEASE_AFTER = 10_000;

/**
 * Start the download of a file.
 *
 * @param {Uint8Array} bytes
 * @param {string} type media type
 * @param {string} name
 */
export function save(bytes, type, name) {
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), RELEASE_AFTER);
}

/**
 * Make a file name of words, with hyphens in place of other characters than letters, digits and _.+-
 *
 * @param {(string | number)[]} words
 * @param {string} extension without the dot
 */
export function fileName(words, extension) {
  const stem = words.map((word) => String(word).replace(/[^\w.+-]+/g, "-")).join("-");
  return `${stem}.${extension}`;
}
