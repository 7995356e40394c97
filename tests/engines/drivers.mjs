/**
 * One face for three browser engines: go, ask the page, move, press, type, upload.
 *
 * Chromium and Firefox are driven by puppeteer-core (CDP and WebDriver BiDi), WebKitGTK's MiniBrowser
 * by its own WebDriver. Places are CSS pixels of the window.
 */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";

import puppeteer from "puppeteer-core";
import { Builder, By, until } from "selenium-webdriver";

const SIZE = { width: 1280, height: 1000 };
const QUIET = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

/** The program that runs each engine, or undefined where it is not installed. */
export const PROGRAMS = {
  chromium: ["/usr/bin/chromium", "/usr/bin/google-chrome"].find(existsSync),
  firefox: ["/usr/bin/firefox-esr", "/usr/bin/firefox"].find(existsSync),
  webkit: existsSync("/usr/bin/WebKitWebDriver") ? miniBrowser() : undefined,
};

function miniBrowser() {
  const root = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"].find(existsSync);
  const folder = readdirSync(root ?? "/").find((name) => name.startsWith("webkit2gtk-4"));
  return folder && `${root}/${folder}/MiniBrowser`;
}

/** Starts an engine. @param {"chromium"|"firefox"|"webkit"} engine */
export async function launch(engine) {
  return engine === "webkit" ? WebKit.start() : Puppeteer.start(engine);
}

class Puppeteer {
  static async start(engine) {
    const browser = await puppeteer.launch({
      browser: engine === "firefox" ? "firefox" : "chrome",
      executablePath: PROGRAMS[engine],
      headless: true,
      args: engine === "firefox" ? [] : QUIET,
      timeout: 120_000,
    });
    const page = await browser.newPage();
    await page.setViewport(SIZE);
    page.setDefaultTimeout(120_000);
    const errors = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    return Object.assign(new Puppeteer(), { browser, page, errors });
  }

  go(address) {
    return this.page.goto(address);
  }

  /** Runs a script's body in the page. @param {string} body @param {...any} given */
  ask(body, ...given) {
    return this.page.evaluate(
      (source, values) => new Function(source).apply(null, values), body, given,
    );
  }

  async drag(places) {
    const { mouse } = this.page;
    await mouse.move(...places[0]);
    await mouse.down();
    for (const place of places.slice(1)) await mouse.move(...place, { steps: 6 });
    await mouse.up();
  }

  move(place) {
    return this.page.mouse.move(...place, { steps: 4 });
  }

  key(name) {
    return this.page.keyboard.press(name);
  }

  async upload(selector, file) {
    const input = await this.page.waitForSelector(selector);
    await input.uploadFile(file);
  }

  shot(path) {
    return this.page.screenshot({ path });
  }

  stop() {
    return this.browser.close();
  }
}

class WebKit {
  static async start() {
    const port = 20_000 + (process.pid % 20_000);
    const environment = { ...process.env, WEBKIT_DISABLE_COMPOSITING_MODE: "1", NO_AT_BRIDGE: "1" };
    const server = spawn("WebKitWebDriver", [`--port=${port}`], { env: environment, stdio: "ignore" });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const driver = await new Builder()
      .usingServer(`http://127.0.0.1:${port}`)
      .withCapabilities({
        browserName: "MiniBrowser",
        "webkitgtk:browserOptions": { binary: PROGRAMS.webkit, args: ["--automation"] },
      })
      .build();
    await driver.manage().window().setRect({ ...SIZE, x: 0, y: 0 });
    await driver.manage().setTimeouts({ script: 120_000, pageLoad: 120_000 });
    return Object.assign(new WebKit(), { driver, server, errors: [] });
  }

  go(address) {
    return this.driver.get(address);
  }

  ask(body, ...given) {
    return this.driver.executeScript(body, ...given);
  }

  async drag(places) {
    let actions = this.driver.actions({ async: true }).move(this.#at(places[0])).press();
    for (const place of places.slice(1)) actions = actions.move(this.#at(place));
    await actions.release().perform();
  }

  move(place) {
    return this.driver.actions({ async: true }).move(this.#at(place)).perform();
  }

  key(name) {
    const keys = { ArrowRight: "\uE014", ArrowLeft: "\uE012", Enter: "\uE007" };
    return this.driver.actions({ async: true }).keyDown(keys[name]).keyUp(keys[name]).perform();
  }

  async upload(selector, file) {
    const input = await this.driver.wait(until.elementLocated(By.css(selector)), 60_000);
    await input.sendKeys(file);
  }

  async shot(path) {
    writeFileSync(path, Buffer.from(await this.driver.takeScreenshot(), "base64"));
  }

  async stop() {
    await this.driver.quit();
    this.server.kill();
  }

  #at([x, y]) {
    return { x: Math.round(x), y: Math.round(y), duration: 50 };
  }
}
