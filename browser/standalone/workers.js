/** Workers of an exported page. vae_core/formats/html.py puts their modules in the import map. */
import { inlined } from "./inlined.js";

/**
 * Return a function that starts a worker.
 *
 * @param {string} name  of its module, such as "model/worker.js"
 * @returns {() => Worker}
 */
export function workerOf(name) {
  return () => {
    const { imports } = JSON.parse(document.querySelector("script[type=importmap]").textContent);
    return new Worker(inlined(imports, `latent-explorer/${name}`), { type: "module" });
  };
}
