/** The entry of the page of a site that trains. The address holds the settings. */
import { mount } from "../panels/training.js";
import { byId, notify, run } from "../standalone/content.js";
import { pageFacts, trainingSets, useWorkers } from "./held.js";

run(async () => {
  useWorkers();
  const sets = await trainingSets(pageFacts().missing);
  const settings = () => decodeURIComponent(location.hash.slice(1)) || null;
  const emit = {
    state: (_, text) => history.replaceState(null, "", `#${text}`),
    trigger() {},
  };
  const panel = mount(byId("training"), { sets, settings: settings() }, emit);
  addEventListener("hashchange", () => panel.update({ sets, settings: settings() }));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => panel.update({ sets, settings: settings() }));
  notify(null);
});
