/** Files that the page itself made, handed to the person who uses it. */

const RELEASE_AFTER = 10_000;

/**
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
 * A file name that says what is inside, from words of any kind.
 *
 * @param {(string | number)[]} words
 * @param {string} extension without the dot
 */
export function fileName(words, extension) {
  const stem = words.map((word) => String(word).replace(/[^\w.+-]+/g, "-")).join("-");
  return `${stem}.${extension}`;
}
