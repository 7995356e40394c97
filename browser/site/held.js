/**
 * What the pages of a site share: models and images, each in a script of the folder `assets`.
 *
 * From disk a page may run scripts that lie beside it, and fetch nothing. A script of vae_core/site
 * puts its content into `latentExplorer`, under its own name.
 *
 * @typedef {object} Model
 * @property {import("../standalone/explorer.js").Facts} facts
 * @property {boolean} hasPixelTerms  whether −log p(x|z) follows from the pixels' means
 * @property {string | null} average  −ELBO over the test set, in words
 * @property {Uint8Array} network
 * @property {Uint8Array} codes
 * @property {import("../map/points.js").Points} points  the same, read
 * @property {Uint8Array | null} columns  of codes with columns beside their labels
 * @property {Uint8Array | null} sprite  the original images
 * @property {import("../replay/frames.js").Replay | null} replay
 */
import { readPoints } from "../map/points.js";
import { useWorker } from "../model/decoding.js";
import { readReplay } from "../replay/frames.js";
import { byId, inflate } from "../standalone/content.js";
import { workerOf } from "../standalone/workers.js";
import { useTrainingWorker } from "../training/connection.js";

const loading = new Map();

/** What vae_core/site says of the page. @returns {any} */
export const pageFacts = () => JSON.parse(byId("page").textContent);

/** Let models decode and trainings run in workers. */
export function useWorkers() {
  useWorker(workerOf("model/worker.js"));
  useTrainingWorker(workerOf("training/worker.js"));
}

/** Run a script of the folder, once. @param {string} name @returns {Promise<any>} its content */
function load(name) {
  const script = document.createElement("script");
  script.src = `${pageFacts().root}assets/${name}.js`;
  return new Promise((resolve, reject) => {
    script.onload = () => resolve(self.latentExplorer[name]);
    script.onerror = () => reject(new Error(`assets/${name}.js is missing: copy the whole folder of the site`));
    document.head.append(script);
  });
}

function once(name, read) {
  if (!loading.has(name)) loading.set(name, load(name).then(read));
  return loading.get(name);
}

/** @param {string} name @returns {Promise<Model>} */
export function openModel(name) {
  return once(`model-${name}`, async (held) => {
    const { facts, has_pixel_terms: hasPixelTerms, average } = held;
    const bundles = ["network", "codes", "columns", "sprite", "frames"].map((name) => held[name] && inflate(held[name]));
    const [network, codes, columns, sprite, frames] = await Promise.all(bundles);
    const replay = frames && readReplay(frames);
    return { facts, hasPixelTerms, average, network, codes, points: readPoints(codes), columns, sprite, replay };
  });
}

/**
 * The data to train on. Images of digits come with the site; pictures may be dropped.
 *
 * @param {string[]} missing  sentences on other data, by name and title
 */
export async function trainingSets(missing) {
  const digits = await once("training-digits", async ({ title, images }) => ({ name: "digits", title, source: await inflate(images), missing: "" }));
  return [digits, ...missing];
}
