// From the overview to a test and back: filter, links, keys, copying; from disk, served under a strict policy, and without script.

import { becomes, check, equal, local, open, openTest, serve, texts } from "./browser.mjs";

export default async function usage() {
  await check("a report opens from disk without a complaint or a request", async () => {
    const page = await open(local("shop"));
    equal(await page.locator("table.tests tbody tr").count(), 10, "tests");
    equal(await page.locator("#plain").count(), 0, "the plain document");
    equal(await page.locator("h1").innerText(), "✗failed\n6 of 10 tests failed, 1 of 10 tests could not be carried out", "headline");
    equal(page.heard, [], "heard");
    await page.context().close();
  });

  await check("it works under `default-src 'none'` with the hashes of its own style and scripts", async () => {
    const server = await serve();
    const page = await open(`${server.address}/shop.html`);
    await openTest(page, "stock is reserved before");
    await page.locator(".row").first().click();
    equal(await page.locator(".detail").count(), 1, "details");
    const width = await page.locator(".row .bar").first().evaluate((node) => node.getBoundingClientRect().width);
    equal(width > 20, true, "bars have their width from the script");
    equal(page.heard.filter((one) => !one.includes("favicon")), [], "heard");
    await page.context().close();
    server.close();
  });

  await check("without script everything that matters can be read", async () => {
    const page = await open(local("shop"), { script: false });
    const text = await page.innerText("body");
    for (const part of ["6 of 10 tests failed", "stock is reserved before the card is charged", "Expected 25 spans, found 19", "charge-card", "span_count: 25"]) {
      equal(text.includes(part), true, part);
    }
    await page.context().close();
  });

  await check("tests are filtered by words, verdict and tag, and the address keeps the filter", async () => {
    const page = await open(local("shop"));
    const shown = () => page.locator("table.tests tbody tr").count();
    await page.keyboard.press("/");
    await page.keyboard.type("card");
    equal(await shown(), 4, "with the word");
    await page.locator(".chip", { hasText: "passed" }).click();
    equal(await texts(page, "table.tests a"), ["an order charges the card, then reserves stock"], "passed, with the word");
    equal(new URL(page.url()).hash, "#q=card&v=pass", "address");
    await page.reload();
    equal([await shown(), await page.locator("#search").inputValue()], [1, "card"], "after loading again");
    await page.locator(".chip", { hasText: "passed" }).click();
    await page.locator("#search").fill("");
    await page.locator("select[aria-label=tag]").selectOption("database");
    equal(await texts(page, "table.tests a"), ["a reservation asks the database once"], "with the tag");
    await page.locator("table.tests a").click();
    await page.keyboard.press("u");
    equal(await page.locator("select[aria-label=tag]").inputValue(), "database", "the filter after the way back");
    equal(page.heard, [], "heard");
    await page.context().close();
  });

  await check("the keyboard alone leads from the list to a test, to the next and back", async () => {
    const page = await open(local("shop"));
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    const name = () => page.locator("h1 bdi").innerText();
    const second = "a reservation asks the database once";
    const first = "stock is reserved before the card is charged";
    await becomes(name, second, "the second");
    await page.keyboard.press("[");
    await becomes(name, first, "previous");
    await page.keyboard.press("]");
    await becomes(name, second, "next after previous");
    await page.keyboard.press("?");
    equal(await page.locator("dialog[open]").count(), 1, "help");
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
    await page.goBack();
    await becomes(name, first, "the browser's way back");
    equal(page.heard, [], "heard");
    await page.context().close();
  });

  await check("a test shows each expectation in its margin and what is wrong under its line", async () => {
    const page = await open(local("shop"));
    await openTest(page, "stock is reserved before");
    equal(await texts(page, ".summary .number"), ["1", "2"], "findings in the summary");
    const line = page.locator(".line", { hasText: "span_count: 25" });
    equal(await line.locator(".margin .unseen").innerText(), "failed", "margin");
    equal((await line.locator(".finding .message").innerText()).includes("Expected 25 spans, found 19."), true, "under its line");
    equal(await page.locator(".line", { hasText: "services: { none: [mailer] }" }).locator(".margin .unseen").innerText(), "passed", "one that holds");
    const lines = await page.locator(".spec .line").count();
    await page.locator("button", { hasText: "whole file" }).click();
    equal((await page.locator(".spec .line").count()) > lines, true, "the whole file has more lines");
    equal(page.heard, [], "heard");
    await page.context().close();
  });

  await check("steps, attempts, request, response and curl are there, and copied as they are", async () => {
    const page = await open(local("shop"));
    await openTest(page, "a cart is paid");
    equal(await page.locator("nav[aria-label=steps] a[aria-current]").innerText(), "✗\nfailed\npay", "the step that broke is open");
    equal((await page.locator("pre[aria-label=response]").innerText()).startsWith("402"), true, "response");
    await page.locator("button[aria-label='copy: send the request']").click();
    const curl = await page.evaluate(() => navigator.clipboard.readText());
    equal(curl.startsWith("curl ") && curl.includes("/pay"), true, `curl: ${curl}`);
    await page.locator("nav[aria-label=steps] a").first().click();
    await becomes(() => page.locator("nav[aria-label=steps] a[aria-current]").innerText(), "✓\npassed\nopen", "the other step");
    await page.keyboard.press("u");
    await openTest(page, "the stock recovers");
    equal(await page.locator("nav[aria-label=attempts] a").count(), 2, "attempts");
    await page.locator("nav[aria-label=attempts] a").first().click();
    await becomes(async () => (await page.locator("pre[aria-label=response]").innerText()).slice(0, 3), "503", "what the first attempt was answered");
    equal(page.heard, [], "heard");
    await page.context().close();
  });
}
