// Pictures of every kind of page, for people to look at.

import { check, equal, local, open, openTest, picture } from "./browser.mjs";

export default async function pictures() {
  for (const scheme of ["light", "dark"]) {
    for (const width of [1440, 390]) {
      await check(`pictures: ${scheme}, ${width} pixels`, async () => {
        const page = await open(local("shop"), { scheme, width });
        const take = async (name) => {
          await page.screenshot({ path: picture(`${name}-${scheme}-${width}`), fullPage: true });
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
          equal(wide <= 0, true, `${name}: ${wide} pixels wider than the window`);
        };
        await take("overview");
        await openTest(page, "stock is reserved before");
        await take("test");
        await page.locator(".row", { hasText: "charge-card" }).click();
        await take("waterfall");
        await page.locator("a", { hasText: "compare" }).click();
        const option = await page.locator("select option", { hasText: "a reservation asks" }).first().getAttribute("value");
        await page.locator("select").selectOption(option);
        await take("compare");
        await page.keyboard.press("u");
        await openTest(page, "a cart is paid");
        await take("steps");
        equal(page.heard, [], "heard");
        await page.context().close();
      });
    }
  }
}
