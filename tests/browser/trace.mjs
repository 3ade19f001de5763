// The waterfall and the comparison: zoom, collapse, folds, search, details, links to a span, arrows.

import { becomes, check, equal, local, names, open, openTest, texts } from "./browser.mjs";

export default async function trace() {
  await check("a span has an address of its own, and it opens there", async () => {
    const page = await open(local("shop"));
    await openTest(page, "stock is reserved before");
    await page.locator(".row", { hasText: "charge-card" }).click();
    equal(await page.locator(".detail h3").innerText(), "charge-card", "details");
    const address = page.url();
    equal(/#t=[0-9a-f-]+&s=[0-9a-f]{16}$/.test(address), true, address);
    await page.locator(".detail button", { hasText: "copy link" }).click();
    equal(await page.evaluate(() => navigator.clipboard.readText()), address, "copied link");
    await page.locator(".detail button", { hasText: "copy as selector" }).click();
    equal(await page.evaluate(() => navigator.clipboard.readText()), '{ service: "payment-service", name: "charge-card", kind: internal }', "selector");
    const other = await open(address);
    equal(await other.locator(".detail h3").innerText(), "charge-card", "details in another window");
    equal(await other.locator(".row.selected .name").innerText(), "charge-card", "row in another window");
    await other.context().close();
    equal(page.heard, [], "heard");
    await page.context().close();
  });

  await check("an arrow joins the two spans of an order, from what should come first to the other", async () => {
    const page = await open(local("shop"));
    await openTest(page, "stock is reserved before");
    const path = await page.locator(".arrow").getAttribute("d");
    const [, , y1, , y2] = /^M([\d.]+),([\d.]+) C.* ([\d.]+),([\d.]+)$/.exec(path).map(Number);
    equal(y1 > y2, true, "from the reservation up to the charge");
    equal(await texts(page, ".row .gutter"), ["1", "1"], "marked rows");
    await page.locator(".finding button.link").first().click();
    equal(await page.locator(".row.selected.marked").count(), 1, "the finding's span");
    await page.context().close();
  });

  await check("rows collapse, fold and unfold by click and by key", async () => {
    const page = await open(local("shop"));
    await openTest(page, "a reservation asks the database once");
    const before = await names(page);
    equal((await texts(page, ".repeat")).filter((text) => text === "×12").length, 2, "folded repeats");
    await page.locator(".repeat").first().click();
    equal((await names(page)).length, before.length + 11, "unfolded");
    await page.locator(".repeat.on").click();
    equal((await names(page)).length, before.length, "folded again");
    await page.locator(".row .twist").first().click();
    equal(await names(page), ["POST /orders +40"], "collapsed to its root");
    await page.locator(".list.rows").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowRight");
    equal((await names(page)).length, before.length, "opened by key");
    await page.keyboard.press("r");
    equal((await names(page)).length > before.length, true, "r unfolds all");
    await page.keyboard.press("Shift+ArrowLeft");
    const few = (await names(page)).length;
    equal(few < before.length, true, "Shift+← collapses all");
    await page.keyboard.press("Shift+ArrowRight");
    equal((await names(page)).length > few, true, "Shift+→ expands all");
    equal(page.heard, [], "heard");
    await page.context().close();
  });

  await check("the axis zooms and pans by keys, wheel, buttons and drag", async () => {
    const page = await open(local("shop"));
    await openTest(page, "a reservation asks the database once");
    const ticks = () => texts(page, ".ticks span");
    const all = await ticks();
    await page.locator(".list.rows").focus();
    await page.keyboard.press("w");
    const closer = await ticks();
    equal(JSON.stringify(closer) !== JSON.stringify(all), true, "w zooms in");
    await page.keyboard.press("d");
    equal(JSON.stringify(await ticks()) !== JSON.stringify(closer), true, "d pans");
    await page.keyboard.press("0");
    equal(await ticks(), all, "0 shows all");
    const box = await page.locator(".row .bars").nth(3).boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + 10);
    await page.keyboard.down("Control");
    await page.mouse.wheel(0, -400);
    await page.keyboard.up("Control");
    await becomes(async () => JSON.stringify(await ticks()) !== JSON.stringify(all), true, "Ctrl and the wheel zoom");
    const zoomed = await ticks();
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2 - 150, box.y + 10, { steps: 4 });
    await page.mouse.up();
    equal(JSON.stringify(await ticks()) !== JSON.stringify(zoomed), true, "drag pans");
    await page.locator(".tools button", { hasText: "all" }).first().click();
    const map = await page.locator(".mapbox").boundingBox();
    await page.mouse.move(map.x + 50, map.y + 10);
    await page.mouse.down();
    await page.mouse.move(map.x + 150, map.y + 10, { steps: 4 });
    await page.mouse.up();
    equal(await page.locator(".brush").isVisible(), true, "a part of the map is looked at");
    equal(page.heard, [], "heard");
    await page.context().close();
  });

  await check("spans are found by words, fields and attributes, and stepped through", async () => {
    const page = await open(local("shop"));
    await openTest(page, "a reservation asks the database once");
    const found = async (text) => {
      await page.locator(".tools input").fill(text);
      return page.locator(".matches").innerText();
    };
    equal(await found("shelf_stock"), "26 matches", "words");
    equal(await found("service:payment-service kind:server"), "1 match", "fields");
    equal(await found("duration:>60ms"), "3 matches", "duration");
    equal(await found("http.response.status_code=201 kind:client"), "3 matches", "attribute");
    equal(await found("nothing-like-it"), "none", "nothing");
    equal(await found("service:payment"), "2 matches", "part of a name");
    await page.keyboard.press("Enter");
    equal(await page.locator(".matches").innerText(), "1 of 2", "stepped");
    await page.keyboard.press("Enter");
    equal(await page.locator(".row.selected .name").innerText(), "charge-card", "the second");
    await page.keyboard.press("Escape");
    await page.keyboard.press("c");
    equal(await page.locator(".bar.pale").count(), 0, "c hides the critical path");
    equal(page.heard, [], "heard");
    await page.context().close();
  });

  await check("two traces are compared, aligned by path, with what is new and gone", async () => {
    const page = await open(local("shop"));
    await openTest(page, "a reservation asks the database once");
    await page.locator("a", { hasText: "compare" }).click();
    const option = await page.locator("select option", { hasText: "an order charges the card" }).first().getAttribute("value");
    await page.locator("select").selectOption(option);
    equal((await page.locator(".compare h3").innerText()).startsWith("22 spans new, "), true, await page.locator(".compare h3").innerText());
    await page.locator("button", { hasText: "only differences" }).click();
    equal(await page.locator(".row.new").count(), 22, "new rows");
    equal(await page.locator(".row.gone").count(), 0, "gone rows");
    equal((await names(page)).length, 29, "with those above them");
    await page.locator("a", { hasText: "back to the waterfall" }).click();
    await page.locator(".compare").waitFor({ state: "detached" });
    await page.goBack();
    await page.locator(".row.new").first().waitFor();
    equal(page.heard, [], "heard");
    await page.context().close();
  });
}
