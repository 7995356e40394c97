/** What an exported page holds: its elements, its bundles and its notice. */

/** @param {string} name @returns {HTMLElement} */
export const byId = (name) => document.getElementById(name);

/** Unpack a bundle: gzip in base64. @param {string} text @returns {Promise<Uint8Array>} */
export async function inflate(text) {
  const packed = await fetch(`data:application/gzip;base64,${text.trim()}`);
  const bytes = packed.body.pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(bytes).arrayBuffer());
}

/** Unpack a bundle that an element of the page holds. @param {string} name @returns {Promise<Uint8Array>} */
export const unpack = (name) => inflate(byId(name).textContent);

/** Show a notice above everything else. @param {string | null} text  null for none */
export function notify(text) {
  byId("notice").textContent = text ?? "";
  byId("notice").hidden = text === null;
}

/** Run the start of a page that can be run; say what went wrong. @param {() => Promise<void>} start */
export function run(start) {
  if (!("DecompressionStream" in window)) return; // a notice of the page says so
  start().catch((error) => {
    notify(`This page could not be shown: ${error.message ?? error}`);
    console.warn(error);
  });
}
