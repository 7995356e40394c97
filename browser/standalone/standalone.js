/**
 * The entry of an exported page, which holds a model.
 *
 * vae_core/formats/html.py writes the page. Its elements: `facts` (JSON), the bundles `network`,
 * `codes`, with columns beside labels `columns` and, with a replay, `frames` (gzip in base64), and
 * those of model.html.
 */
import { useWorker } from "../model/decoding.js";
import { readReplay } from "../replay/frames.js";
import { byId, run, unpack } from "./content.js";
import { explore } from "./explorer.js";
import { workerOf } from "./workers.js";

async function start() {
  useWorker(workerOf("model/worker.js"));
  const facts = JSON.parse(byId("facts").textContent);
  const [network, codes, columns, replay] = await Promise.all([
    unpack("network"), unpack("codes"), facts.colours?.length ? unpack("columns") : null,
    byId("replay") && unpack("frames").then(readReplay),
  ]);
  await explore(facts, { network, codes, columns, replay });
}

run(start);
