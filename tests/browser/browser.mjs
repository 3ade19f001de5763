// A browser, pages in it, and what is to be said of them.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { chromium } from "playwright-core";

export const folder = process.argv[2];
export const file = (name) => join(folder, `${name}.html`);
export const picture = (name) => join(folder, `${name}.png`);

const browser = await chromium.launch({ executablePath: process.env.TRACESPEC_CHROMIUM, args: ["--no-sandbox"] });

let failed = 0;
let passed = 0;

/** One thing that has to hold. */
export async function check(name, body) {
  try {
    await body();
    passed++;
    console.log(`ok   ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}\n     ${String(error.stack || error).replaceAll("\n", "\n     ")}`);
  }
}

export function conclude() {
  console.log(`${passed} passed, ${failed} failed`);
  return browser.close().then(() => process.exit(failed === 0 ? 0 : 1));
}

export function equal(found, expected, what) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: expected ${b}, found ${a}`);
}

/** Waits until something comes out as expected: an address that changes is acted on a moment later. */
export async function becomes(read, expected, what) {
  const wanted = JSON.stringify(expected);
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
    if (JSON.stringify(await read()) === wanted) return;
    await new Promise((soon) => setTimeout(soon, 20));
  }
  equal(await read(), expected, what);
}

/** Opens a report. Whatever the browser complains of, asks for or pops up is kept in `page.heard`. */
export async function open(address, { width = 1440, height = 900, scheme = "light", script = true } = {}) {
  const context = await browser.newContext({
    viewport: { width, height }, colorScheme: scheme, javaScriptEnabled: script, permissions: ["clipboard-read", "clipboard-write"],
  });
  const page = await context.newPage();
  page.heard = [];
  page.on("console", (message) => page.heard.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => page.heard.push(`error: ${error.stack || error}`));
  page.on("dialog", (dialog) => {
    page.heard.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("request", (request) => {
    if (request.url().split("#")[0] !== address.split("#")[0]) page.heard.push(`request: ${request.url()}`);
  });
  await page.goto(address);
  return page;
}

export const local = (name, hash = "") => `file://${file(name)}${hash}`;

/** Serves the reports with a header that forbids everything but what their hashes name. */
export async function serve() {
  const server = createServer((request, response) => {
    const name = /^\/(\w+)\.html$/.exec(request.url.split("?")[0]);
    if (!name) {
      response.writeHead(404);
      response.end();
      return;
    }
    const html = readFileSync(file(name[1]), "utf8");
    const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
    const style = hash(/<style>([\s\S]*?)<\/style>/.exec(html)[1]);
    const scripts = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map((match) => hash(match[1]));
    response.writeHead(200, {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": `default-src 'none'; style-src ${style}; script-src ${scripts.join(" ")}`,
    });
    response.end(html);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return { address: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

/** The names of the rows in sight, in their order. */
export const names = (page) => page.evaluate(() =>
  [...document.querySelectorAll(".list .row")].sort((a, b) => a.offsetTop - b.offsetTop).map((row) => row.querySelector(".name").textContent));

export const texts = (page, selector) => page.evaluate((asked) => [...document.querySelectorAll(asked)].map((node) => node.textContent), selector);

/** Opens the test of this name from the overview. */
export async function openTest(page, name) {
  await page.locator("table.tests a", { hasText: name }).click();
  await page.locator("article.test").waitFor();
}
