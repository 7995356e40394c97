/** The entry of the method's page of a site: six steps with the live numbers of one image, beside the map. */
import { open } from "../page.js";
import { mount as mountMap } from "../panels/latent_map.js";
import { mount as mountMethod } from "../panels/method.js";
import { byId, notify, run } from "../standalone/content.js";
import { openModel, pageFacts, useWorkers } from "./held.js";
import { mapData, methodData, pageData } from "./panels.js";
import { readView } from "./view.js";

/** Height of the map; less on a phone, where it stays above the steps. */
const heightOf = () => (matchMedia("(max-width: 56rem)").matches ? 220 : 420);

run(async () => {
  useWorkers();
  const { model: name, parts, parameters } = pageFacts();
  const model = await openModel(name);
  const view = readView(parameters, model);
  const emit = { state() {}, trigger() {} };
  const shared = pageData(model, view, 0);
  const opened = open(shared);
  const panels = parts.map((part) => [part, mountMethod(byId(`method-${part}`), { ...shared, ...methodData(model, part) }, emit)]);
  const map = mountMap(byId("map"), { ...shared, ...mapData(model, view, heightOf(), false) }, emit);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    map.update({ ...shared, ...mapData(model, view, heightOf(), false) });
    for (const [part, panel] of panels) panel.update({ ...shared, ...methodData(model, part) });
  });
  await opened;
  notify(null);
});
