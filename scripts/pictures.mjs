// node pictures.mjs FROM TO: pictures of FROM/report.html and of FROM/failure.ansi, the colours of a terminal in it.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const { chromium } = createRequire(new URL("../tests/browser/package.json", import.meta.url))("playwright-core");
const [from, to] = process.argv.slice(2).map((path) => resolve(path));
const TEST = "an order charges the card, then reserves stock";

const browser = await chromium.launch({ executablePath: process.env.TRACESPEC_CHROMIUM, args: ["--no-sandbox"] });
for (const scheme of ["light", "dark"]) {
  const page = await browser.newPage({ viewport: { width: 1180, height: 900 }, colorScheme: scheme });
  await page.goto(`file://${join(from, "report.html")}`);
  await page.locator("table.tests a", { hasText: TEST }).click();
  await page.locator(".waterfall .row").first().waitFor();
  const end = await page.locator(".waterfall").boundingBox();
  await page.setViewportSize({ width: 1180, height: Math.ceil(end.y + end.height) + 16 });
  await page.screenshot({ path: join(to, `report-${scheme}.png`) });
  await page.close();
}

/** The text of a terminal with its colours, as pieces of `{ text, colour, bold, faint }`. */
function pieces(text) {
  const basic = ["#8b949e", "#ff7b72", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#e6edf3"];
  const of256 = (at) => {
    if (at < 16) return basic[at % 8];
    if (at >= 232) return `rgb(${Array(3).fill(8 + (at - 232) * 10).join()})`;
    const level = (part) => [0, 95, 135, 175, 215, 255][part % 6];
    return `rgb(${[level(Math.floor((at - 16) / 36)), level(Math.floor((at - 16) / 6)), level(at - 16)].join()})`;
  };
  let style = {};
  const out = [];
  // eslint-disable-next-line no-control-regex
  for (const part of text.split(/(\u001b\[[\d;]*m)/)) {
    // eslint-disable-next-line no-control-regex
    const codes = /^\u001b\[([\d;]*)m$/.exec(part);
    if (!codes) {
      if (part) out.push({ text: part, ...style });
      continue;
    }
    const all = (codes[1] || "0").split(";").map(Number);
    for (let at = 0; at < all.length; at++) {
      const code = all[at];
      if (code === 0) style = {};
      else if (code === 1) style = { ...style, bold: true };
      else if (code === 2) style = { ...style, faint: true };
      else if (code === 22) style = { ...style, bold: false, faint: false };
      else if (code === 39) style = { ...style, colour: undefined };
      else if (code === 38 && all[at + 1] === 5) style = { ...style, colour: of256(all[(at += 2)]) };
      else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) style = { ...style, colour: basic[code % 10] };
    }
  }
  return out;
}

// The first failure, up to the empty line behind it.
const lines = readFileSync(join(from, "failure.ansi"), "utf8").split("\n");
const begins = lines.findIndex((line) => line.includes("FAIL") && line.includes(TEST));
const length = lines.slice(begins).findIndex((line) => line.trim() === "");
const failure = lines.slice(begins, length < 0 ? undefined : begins + length).join("\n");
const page = await browser.newPage({ viewport: { width: 1180, height: 700 } });
await page.setContent('<body style="margin:0;background:#0d1117"><pre style="margin:0;padding:14px 18px;display:inline-block;color:#e6edf3;font:13px/1.45 \'DejaVu Sans Mono\',monospace;white-space:pre-wrap;overflow-wrap:anywhere;max-width:132ch"></pre></body>');
await page.evaluate((all) => {
  for (const { text, colour, bold, faint } of all) {
    const node = document.createElement("span");
    node.textContent = text;
    node.style.cssText = `color:${colour || "inherit"};font-weight:${bold ? 700 : 400};opacity:${faint ? 0.7 : 1}`;
    document.querySelector("pre").append(node);
  }
}, pieces(failure));
const box = await page.locator("pre").boundingBox();
await page.setViewportSize({ width: Math.ceil(box.width), height: Math.ceil(box.height) });
await page.screenshot({ path: join(to, "failure.png") });
await browser.close();
