// Accessibility: axe-core on every kind of page, in both colour schemes.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { check, equal, local, open, openTest } from "./browser.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds, in short. */
async function broken(page) {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"] });
    return violations.flatMap((one) => one.nodes.slice(0, 4).map((node) => `${one.impact} ${one.id}: ${node.target.join(" ")}: ${node.failureSummary.split("\n").slice(1, 3).join(" ")}`));
  });
}

export default async function access() {
  for (const scheme of ["light", "dark"]) {
    for (const width of [1440, 390]) {
      await check(`axe-core finds nothing: ${scheme}, ${width} pixels`, async () => {
        const page = await open(local("shop"), { scheme, width });
        const found = [];
        const look = async (where) => found.push(...(await broken(page)).map((one) => `${where}: ${one}`));
        await look("overview");
        for (const name of ["stock is reserved before", "a reservation asks", "a cart is paid", "nobody listens", "the stock recovers"]) {
          await openTest(page, name);
          if ((await page.locator(".row").count()) > 0) await page.locator(".row").nth(1).click();
          await look(name);
          await page.keyboard.press("u");
        }
        await openTest(page, "a reservation asks");
        await page.locator(".tools input").fill("stock");
        await look("search");
        await page.locator("a", { hasText: "compare" }).click();
        await look("comparison");
        await page.keyboard.press("?");
        await look("help");
        const other = await open(local("exchanges"), { scheme, width });
        for (const name of ["a mail is sent", "the order is in the list", "labels are printed"]) {
          await openTest(other, name);
          found.push(...(await broken(other)).map((one) => `${name}: ${one}`));
          await other.keyboard.press("u");
        }
        await other.context().close();
        equal([...new Set(found)], [], "violations");
        await page.context().close();
      });
    }
  }

  await check("the plain document is accessible, too", async () => {
    const page = await open(local("shop"));
    await page.evaluate(() => document.documentElement.classList.remove("scripted"));
    const other = await open(local("shop"), { script: false });
    equal(await other.locator("h1").count(), 1, "one headline");
    await other.context().close();
    await page.context().close();
  });
}
