/** Modules of an exported page for a worker, which has no import map. No DOM. */

/**
 * The address of a module, with those of all its imports in it.
 *
 * From disk, browsers start workers from `data:` addresses, but run no modules from blobs.
 *
 * @param {Record<string, string>} imports  the `data:` addresses of the page's import map
 * @param {string} name
 * @returns {string}
 */
export function inlined(imports, name) {
  const [start, ...source] = imports[name].split(",");
  const whole = decodeURIComponent(source.join(",")).replace(/^((?:import|export)\b[^;"]*")([\w./-]+\.js)(";)$/gm,
    (_, before, imported, after) => `${before}${inlined(imports, imported)}${after}`);
  return `${start},${whole.replace(/[%#"\\\n\t]/g, encodeURIComponent)}`;
}
