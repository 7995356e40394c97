/**
 * The paths that every browser has to offer, by mouse and keyboard, in one engine after another:
 * node paths.mjs ADDRESS EXPORTED_PAGE PICTURE [--engines firefox,webkit] [--short]
 *   [--only WORDS] [--shots DIR]
 *
 * Prints a line for each path and ends with "N passed, N failed".
 */
import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";

import { launch, PROGRAMS } from "./drivers.mjs";

const [address, exported, picture, ...options] = process.argv.slice(2);
const option = (name, otherwise) => {
  const at = options.indexOf(name);
  return at < 0 ? otherwise : options[at + 1];
};
const engines = option("--engines", "chromium,firefox,webkit").split(",");
const shots = option("--shots", null);

const MODEL = "model=digits-2d";
const PICTURE = ".lx-picture canvas";
const MAP = ".lx-stage canvas[tabindex]";
const GRID = ".lx-manifold-grid canvas";
const UPLOAD = '[data-testid="stMain"] [data-testid="stFileUploaderDropzoneInput"]';
const LASSO = [[0.3, 0.3], [0.7, 0.25], [0.75, 0.7], [0.35, 0.75], [0.3, 0.3]];

/** Panels are in shadow roots, which a page's own search does not enter. */
const DEEP = `const roots = (root) => [root, ...[...root.querySelectorAll("*")]
    .filter((one) => one.shadowRoot).flatMap((one) => roots(one.shadowRoot))];
  const all = (selector) => roots(document).flatMap((root) => [...root.querySelectorAll(selector)]);
  const text = () => roots(document).map((root) => (root.body ?? root.host).innerText).join("\\n")
    + roots(document).slice(1).map((root) => root.textContent).join("\\n");`;
/** Whether the page has run its script, and its maps have their points. */
const DONE = `${DEEP} const app = all('[data-testid="stApp"]')[0];
  return app?.dataset.testScriptState === "notRunning"
    && !all('.lx-stage[aria-busy="true"]').length;`;
/** The range of brightness of a canvas and a number that changes with its content; null without. */
const LOOK = `${DEEP} const canvas = all(arguments[0])[0];
  if (!canvas || !canvas.width || !canvas.height) return null;
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [canvas.width, canvas.height];
  const context = copy.getContext("2d");
  context.drawImage(canvas, 0, 0);
  const { data } = context.getImageData(0, 0, copy.width, copy.height);
  let [low, high, sum] = [255, 0, 7];
  for (let i = 0; i < data.length; i++) {
    sum = (sum * 31 + data[i] * (i % 7)) % 1000003;
    if (i % 4 === 0) [low, high] = [Math.min(low, data[i]), Math.max(high, data[i])];
  }
  return [high - low, sum];`;
const BOX = `${DEEP} const element = all(arguments[0])[0];
  if (!element) return null;
  element.scrollIntoView({ block: "center" });
  const { x, y, width, height } = element.getBoundingClientRect();
  return [x, y, width, height];`;
/** The navigation has links of the same words, which are there before the page's own buttons. */
const CLICK = `${DEEP} const found = all("button, [role=radio], label, a").filter((one) => one.offsetParent
    && one.textContent.replace(/expand_more$/, "").trim() === arguments[0]
    && !one.closest('[data-testid="stSidebar"]'));
  found.at(-1)?.click();
  return found.length;`;

/** A person in front of one engine. */
function visitor(driver) {
  async function until(question, check = Boolean, name = "it", seconds = 60) {
    const end = Date.now() + 1_000 * seconds;
    for (;;) {
      const answer = await question();
      if (check(answer)) return answer;
      assert.ok(Date.now() < end, `${name} did not come; last: ${JSON.stringify(answer)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  const look = (selector) => driver.ask(LOOK, selector);
  const drawn = (selector) => until(() => look(selector), (seen) => seen?.[0] > 60, selector);
  const settled = () => until(() => driver.ask(DONE), Boolean, "the end of the script");
  const says = (pattern, seconds) => until(
    () => driver.ask(`${DEEP} return text();`), (text) => pattern.test(text), pattern, seconds,
  );
  const press = (words) => until(() => driver.ask(CLICK, words), Boolean, `button ${words}`);
  const changed = async (selector, act) => {
    const [, before] = await drawn(selector);
    await act();
    const differs = (seen) => seen && seen[1] !== before;
    await until(() => look(selector), differs, `a new ${selector}`);
  };
  const along = async (selector, places) => {
    const [x, y, width, height] = await until(() => driver.ask(BOX, selector), Boolean, selector);
    return places.map(([across, down]) => [x + across * width, y + down * height]);
  };
  const at = async (selector, across, down) => (await along(selector, [[across, down]]))[0];
  const pinned = () => until(
    () => driver.ask("return location.search"), (query) => /[?&](z|id)=/.test(query), "z",
  );
  const open = async (path, query = "") => {
    await driver.go(`${address}/${path}?${MODEL}${query}`);
    await settled();
  };
  return { driver, until, drawn, settled, says, press, changed, at, along, open, pinned };
}

const PATHS = {
  async "explore decodes under the pointer"({ driver, open, drawn, settled, changed, at }) {
    await open("");
    await drawn(PICTURE);
    await settled();
    await driver.move(await at(MAP, 0.4, 0.4));
    await changed(PICTURE, async () => driver.move(await at(MAP, 0.7, 0.6)));
  },
  async "a lasso selects"({ driver, open, drawn, settled, press, says, along }) {
    await open("");
    await drawn(PICTURE);
    await settled();
    await press("Lasso");
    await driver.drag(await along(MAP, LASSO));
    await says(/\d+ of 360 selected/);
  },
  async "a click pins and the address holds it"({ driver, open, settled, drawn, at, pinned }) {
    await open("");
    await drawn(PICTURE);
    await settled();
    const place = await at(MAP, 0.62, 0.35);
    await driver.drag([place, place]);
    await pinned();
  },
  async "the manifold is drawn and a cell pins"({ driver, open, drawn, settled, pinned, at }) {
    await open("manifold");
    await drawn(GRID);
    await settled();
    const place = await at(GRID, 0.2, 0.2);
    await driver.drag([place, place]);
    await pinned();
  },
  async "a slider decodes while it is dragged"({ driver, open, drawn, settled, changed, along }) {
    await open("decode");
    await drawn(PICTURE);
    await settled();
    const path = await along(".lx-dim input[type=range]", [[0.5, 0.5], [0.8, 0.5]]);
    await changed(PICTURE, () => driver.drag(path));
  },
  async "a drawing is read"({ driver, open, until, settled, says, along }) {
    await open("reconstruct");
    await settled();
    await until(() => driver.ask(`${DEEP} return all(".lx-sheet").length`));
    await driver.drag(await along(".lx-sheet", [[0.5, 0.2], [0.5, 0.4], [0.5, 0.6], [0.5, 0.8]]));
    await says(/eighbours/);
  },
  async "an upload is read"({ driver, open, settled, press, says }) {
    await open("reconstruct");
    await settled();
    await press("Files");
    await settled();
    await driver.upload(UPLOAD, picture);
    await says(/eighbours/);
  },
  async "a morph is drawn"({ open, drawn }) {
    await open("morph");
    await drawn(".lx-morph canvas");
  },
  async "compare opens its studies"({ open, says }) {
    await open("compare");
    await says(/Compare/);
  },
  async "a training runs to its end"({ driver, open, until, settled, press, says }) {
    await open("train", "&dataset=digits");
    const run = () => driver.ask('return new URLSearchParams(location.search).get("run")');
    // Beside a training that another engine has left, the form is behind a button.
    const seen = await says(/No trainings yet|Train another model/);
    if (/Train another model/.test(seen)) await press("Train another model");
    const before = await run();
    await press("Train");
    const name = await until(run, (found) => found && found !== before, "the name of the training");
    await settled();
    await says(new RegExp(`^${name}$`, "m"));
    await says(/Open in Explore/, 600); // a training has a low priority
  },
  async "an exported page decodes from disk"({ driver, drawn, until, changed, at }) {
    await driver.go(pathToFileURL(exported).href);
    await until(() => driver.ask(`${DEEP} return all("#picture .lx-ready").length`));
    await drawn("#picture canvas");
    await driver.move(await at("#map canvas[tabindex]", 0.4, 0.4));
    await changed("#picture canvas", async () =>
      driver.move(await at("#map canvas[tabindex]", 0.7, 0.6)));
  },
};
/** What is walked in every CI run; the others by `make test-browsers`. */
const SHORT = [
  "explore decodes under the pointer", "a lasso selects", "a drawing is read",
  "an exported page decodes from disk",
];

let [passed, failed, skipped] = [0, 0, 0];
const only = option("--only", "");
const names = Object.keys(PATHS)
  .filter((name) => name.includes(only) && (!options.includes("--short") || SHORT.includes(name)));
for (const engine of engines) {
  if (!PROGRAMS[engine]) {
    console.log(`${engine}: not installed, skipped`);
    skipped += names.length;
    continue;
  }
  const driver = await launch(engine);
  for (const name of names) {
    const start = Date.now();
    const walk = async () => {
      await PATHS[name](visitor(driver));
      assert.deepEqual(driver.errors.splice(0), []);
    };
    try {
      // Twice: on a busy host an action may come before the panel that it is meant for.
      await walk().catch((error) => {
        console.log(`${engine}: ${name}, once more: ${error.message || error.name}`);
        driver.errors.length = 0;
        return walk();
      });
      passed += 1;
      console.log(`${engine}: ${name} (${((Date.now() - start) / 1_000).toFixed(1)} s)`);
    } catch (error) {
      failed += 1;
      console.log(`${engine}: ${name} FAILED: ${error.message || error.name || error}`);
    }
    if (shots) await driver.shot(`${shots}/${engine}-${name.replaceAll(" ", "-")}.png`);
  }
  await driver.stop();
}
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed ? 1 : 0);
