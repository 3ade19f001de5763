// A report whose every text tries to become a part of the page.

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { check, equal, file, folder, local, open, openTest, serve } from "./browser.mjs";

/** Elements that the page never makes, and attributes that would run something. */
const intruders = (page) => page.evaluate(() => {
  const found = [...document.querySelectorAll("img, iframe, object, embed, link, base, form:not([method=dialog]), style, script:not([type])")].map((node) => node.outerHTML.slice(0, 80));
  for (const node of document.querySelectorAll("*")) {
    for (const { name, value } of node.attributes) {
      if (name.startsWith("on") || /^\s*javascript:/i.test(value) && name !== "title" && name !== "value" && !name.startsWith("aria-")) found.push(`${name}=${value}`);
    }
  }
  return found;
});

export default async function hostile() {
  await check("a trace whose every text is an attack changes nothing", async () => {
    const server = await serve();
    for (const address of [local("hostile"), `${server.address}/hostile.html`]) {
      const page = await open(address);
      // The page's own style and two scripts.
      const own = await intruders(page);
      equal(own.length, 3, `elements of the page itself: ${own}`);
      const tests = await page.locator("table.tests a").count();
      equal(tests, 10, "tests");
      for (let at = 0; at < tests; at++) {
        await page.locator("table.tests a").nth(at).click();
        await page.locator(".row").first().waitFor();
        for (let row = 0; row < 10; row += 3) {
          await page.locator(".row").nth(row).click();
          for (const details of await page.locator("details:not([open]) > summary").all()) await details.click();
          await page.locator(".row").nth(row).hover();
        }
        equal((await intruders(page)).length, 3, `intruders at test ${at}`);
        equal(await page.evaluate(() => [...document.querySelectorAll(".attributes td")].filter((node) => getComputedStyle(node).position !== "static").length), 0,
          "a value is styled by what it is");
        await page.locator("a", { hasText: "compare" }).click();
        await page.locator(".compare").waitFor();
        equal((await intruders(page)).length, 3, `intruders in the comparison of test ${at}`);
        await page.keyboard.press("u");
      }
      await page.locator("#search").fill("<img src=x onerror=window.hit=20>");
      equal(await page.evaluate(() => window.hit), undefined, "what the attacks would have set");
      equal(await page.evaluate(() => ({}).polluted), undefined, "prototypes");
      equal(page.heard.filter((one) => !one.includes("favicon")), [], "heard");
      await page.context().close();
    }
    server.close();
  });

  await check("addresses made by somebody else do no harm", async () => {
    for (const hash of ["#t=%", "#t=<img src=x onerror=alert(1)>", "#t=__proto__", "#%00=&&==&s=1", "#q=</script><script>window.hit=1</script>", "#v=compare&t=constructor"]) {
      const page = await open(local("shop", hash));
      equal(await page.evaluate(() => window.hit), undefined, hash);
      equal(await page.locator("h1").count(), 1, hash);
      equal(page.heard, [], hash);
      await page.context().close();
    }
  });

  await check("a link leads to the web or nowhere", async () => {
    const html = readFileSync(file("shop"), "utf8");
    for (const [link, leads] of [["javascript:window.hit=30", 0], [" javascript:window.hit=31", 0], ["data:text/html,x", 0], ["//elsewhere/", 0], ["https://jaeger.example/trace/1", 1]]) {
      const path = join(folder, "link.html");
      writeFileSync(path, html.replaceAll('"link":null', `"link":${JSON.stringify(link)}`));
      const page = await open(`file://${path}`);
      await openTest(page, "a cart is paid");
      equal(await page.locator("a[href]", { hasText: "open in the backend" }).count(), leads, link);
      equal(page.heard, [], link);
      await page.context().close();
      rmSync(path);
    }
  });

  await check("without script the attacks are text as well", async () => {
    const page = await open(local("hostile"), { script: false });
    equal((await page.innerText("body")).includes("<img src=x onerror=window.hit=2>"), true, "as text");
    equal(page.heard, [], "heard");
    await page.context().close();
  });
}
