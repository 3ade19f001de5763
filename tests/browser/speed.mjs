// How fast it is, measured in the browser. What the design asks for is printed; only far more than that fails, since machines differ.

import { check, equal, local, names, open, openTest } from "./browser.mjs";

/** Fails beyond so many times what is asked for. */
const GENEROUS = 4;

export default async function speed() {
  await check("a report of 1,000 tests is there within 2 s", async () => {
    const page = await open("about:blank");
    const begun = Date.now();
    await page.goto(local("many"));
    await page.locator("table.tests tbody tr").nth(999).waitFor();
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    const took = Date.now() - begun;
    const typing = await page.evaluate(async () => {
      const input = document.querySelector("#search");
      const begin = performance.now();
      input.value = "number 77";
      input.dispatchEvent(new Event("input"));
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      return performance.now() - begin;
    });
    console.log(`     1,000 tests: ${took} ms until drawn (asked for: 2000), ${typing.toFixed(0)} ms for a filter`);
    equal(took < 2000 * GENEROUS, true, `${took} ms`);
    await page.context().close();
  });

  await check("10,000 spans scroll without a frame over 50 ms", async () => {
    const page = await open(local("large"));
    await openTest(page, "ten thousand spans");
    await page.locator(".row").first().waitFor();
    const frames = await page.evaluate(async () => {
      const list = document.querySelector(".list.rows");
      const took = [];
      let last = await new Promise(requestAnimationFrame);
      for (let at = 0; at < 240; at++) {
        list.scrollTop = at < 120 ? at * 170 : Math.floor((list.scrollHeight * ((at * 7919) % 240)) / 240);
        const now = await new Promise(requestAnimationFrame);
        took.push(now - last);
        last = now;
      }
      return took.sort((a, b) => a - b);
    });
    const zoom = await page.evaluate(async () => {
      const began = performance.now();
      for (let at = 0; at < 20; at++) {
        document.dispatchEvent(new KeyboardEvent("keydown", { key: at < 10 ? "w" : "s", bubbles: true }));
        await new Promise(requestAnimationFrame);
      }
      return (performance.now() - began) / 20;
    });
    const [median, worst] = [frames[120], frames[239]];
    console.log(`     10,000 spans: frames while scrolling ${median.toFixed(1)} ms in the middle, ${worst.toFixed(1)} ms at worst (asked for: 50); ${zoom.toFixed(1)} ms a zoom`);
    equal((await names(page)).length < 100, true, "only rows in sight have elements");
    equal(worst < 50 * GENEROUS, true, `${worst} ms`);
    equal(page.heard, [], "heard");
    await page.context().close();
  });
}
