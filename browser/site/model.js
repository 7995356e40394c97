/** The entry of a model's page of a site. */
import { run } from "../standalone/content.js";
import { explore } from "../standalone/explorer.js";
import { openModel, pageFacts, useWorkers } from "./held.js";

run(async () => {
  useWorkers();
  const model = await openModel(pageFacts().model);
  await explore(model.facts, model);
});
