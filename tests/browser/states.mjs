// Runs that do not end well, and exchanges of every kind: what is said, and a picture of each.

import { becomes, check, equal, local, open, openTest, picture, texts } from "./browser.mjs";

/** Takes a picture of a page in both schemes, wide and narrow; nothing may stand out to the right. */
async function shown(report, name, test) {
  for (const [scheme, width] of [["light", 1440], ["dark", 390]]) {
    const page = await open(local(report), { scheme, width });
    if (test) await openTest(page, test);
    await page.screenshot({ path: picture(`${name}-${scheme}-${width}`), fullPage: true });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    equal(wide <= 0, true, `${name}: ${wide} pixels wider than the window`);
    equal(page.heard, [], "heard");
    await page.context().close();
  }
}

export default async function states() {
  await check("a gRPC exchange says its status by name", async () => {
    const page = await open(local("exchanges"));
    await openTest(page, "a card is charged");
    const answer = await page.locator("pre[aria-label=response]").innerText();
    equal(answer.startsWith("UNAVAILABLE (14): no acquirer answers"), true, answer);
    equal((await page.locator("pre[aria-label=request]").innerText()).startsWith("shop.Payment/Authorize http://"), true, "call");
    equal((await texts(page, "h2")).includes("gRPC call"), true, "headline");
    equal((await page.locator("pre[aria-label='send the request']").innerText()).startsWith("grpcurl -plaintext "), true, "grpcurl");
    await page.context().close();
    await shown("exchanges", "grpc", "a card is charged");
  });

  await check("a command says how it was called, what it wrote and how it ended, without its secrets", async () => {
    const page = await open(local("exchanges"));
    await openTest(page, "labels are printed");
    equal((await page.locator("pre[aria-label='command line']").innerText()).includes("--token=***"), true, "masked");
    equal(await page.locator("pre[aria-label='standard error']").innerText(), "no paper left\n", "standard error");
    equal((await page.innerText("body")).includes("it ended with exit code 3"), true, "ending");
    await page.context().close();
    await shown("exchanges", "command", "labels are printed");
  });

  await check("of a long body the parts around what was asked for are shown, literals as they came", async () => {
    const page = await open(local("exchanges"));
    await openTest(page, "the order is in the list");
    const marked = () => texts(page, "pre[aria-label=response] .asked");
    equal(await marked(), ['      "state": "lost"'], "what was asked for and is wrong");
    const lines = page.locator("pre[aria-label=response] .line");
    equal((await lines.count()) < 30, true, "not all lines");
    equal((await page.locator("pre[aria-label=response]").innerText()).includes('"id": 17.0,'), true, "numbers as they were sent");
    for (const more of await page.locator("pre[aria-label=response] .more").all()) await page.locator("pre[aria-label=response] .more").first().click();
    await becomes(() => page.locator("pre[aria-label=response] .more").count(), 0, "nothing is folded any more");
    equal((await lines.count()) > 200, true, "all lines");
    await page.locator("button[aria-label='copy: response']").click();
    equal((await page.evaluate(() => navigator.clipboard.readText())).includes('{"total": 60, "orders": [{"id": 0.0, "state": "open"}, '), true, "copied as it came");
    equal(page.heard, [], "heard");
    await page.context().close();
    await shown("exchanges", "body", "the order is in the list");
  });

  await check("a missing span is expected at its place in the waterfall, and keys pass by it", async () => {
    const page = await open(local("exchanges"));
    await openTest(page, "a mail is sent");
    const rows = () => texts(page, ".row .name");
    equal(await rows(), ["GET /stock", "expected here: a call to mailer", "GET", "GET /items", "expected here: {name: SEND receipt}", "SELECT items"], "rows");
    await page.locator(".list.rows").focus();
    const selected = () => texts(page, ".row.selected .name");
    for (const name of ["GET /stock", "GET", "GET /items", "SELECT items", "SELECT items"]) {
      await page.keyboard.press("ArrowDown");
      equal(await selected(), [name], "down");
    }
    for (const name of ["GET /items", "GET", "GET /stock", "GET /stock"]) {
      await page.keyboard.press("k");
      equal(await selected(), [name], "up");
    }
    equal((await page.locator("pre[aria-label='last lines of acquirer']").innerText()).includes("dialing the bank <again>"), true, "what the system printed meanwhile");
    equal(page.heard, [], "heard");
    await page.context().close();
    await shown("exchanges", "expected", "a mail is sent");
  });

  await check("what could not be decided has its own sign, and how the wait went is open", async () => {
    const page = await open(local("exchanges"));
    await openTest(page, "every parent is there");
    equal((await page.locator("h1 .badge").innerText()).includes("inconclusive"), true, "verdict");
    equal(await page.locator("details[open] pre[aria-label='how the wait went']").count(), 1, "the wait");
    await page.context().close();
    await shown("exchanges", "inconclusive", "every parent is there");
  });

  await check("a failure says what is different since it last passed, and shows both traces beside each other", async () => {
    const page = await open(local("regressed"));
    await openTest(page, "the stock is asked");
    const said = await page.locator(".since").innerText();
    equal(said.startsWith("since it last passed ("), true, said);
    await page.locator(".since a").click();
    await page.locator(".compare").waitFor();
    equal(await page.locator("select[aria-label='compare with'] option").first().innerText(), "✓ this test when it last passed", "with the last pass");
    equal(await texts(page, ".row.gone .name"), ["GET /items", "SELECT items"], "what is gone");
    equal(page.heard, [], "heard");
    await page.screenshot({ path: picture("since-compare"), fullPage: true });
    await page.context().close();
    await shown("regressed", "since", "the stock is asked");
  });

  await check("attempts stand side by side", async () => {
    const page = await open(local("shop"));
    await openTest(page, "the stock recovers");
    const cards = page.locator("nav[aria-label=attempts] a");
    equal((await texts(page, "nav[aria-label=attempts] .problem")).slice(0, 1), ["GET /flaky answered 503 Service Unavailable, expected 200"], "why it was tried again");
    const [first, second] = [await cards.nth(0).boundingBox(), await cards.nth(1).boundingBox()];
    equal([first.y === second.y, first.x < second.x], [true, true], "beside each other");
    await page.context().close();
    await shown("shop", "flaky", "the stock recovers");
  });

  await check("a run that was interrupted, that could not read its backend or whose system did not start says so first", async () => {
    for (const [report, says] of [["interrupted", "Interrupted:"], ["unreachable", "error"], ["unstarted", "address in use"]]) {
      const page = await open(local(report));
      const head = await page.locator("header.title").innerText();
      equal(head.includes(says), true, `${report}: ${head}`);
      equal(page.heard, [], "heard");
      await page.context().close();
      await shown(report, report);
    }
    const page = await open(local("unstarted"));
    equal(await texts(page, "table.tests .headline"), ["not begun, because the run could not start", "not begun, because the run could not start"], "tests");
    await page.context().close();
  });
}
