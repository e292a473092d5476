// How the examples' pages look on a telephone, and by day and by night.
// `SCREENSHOTS=folder` leaves pictures there, for somebody to look at.
import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import type { Page } from "npm:playwright-core@^1";
import { wanting } from "../support/wanting.ts";
import { Browser, screenshot, waitForText } from "./browser.ts";
import { Example } from "./example.ts";

const LONG = "a-name-without-a-blank-".repeat(5);

/** Pages by the example that sends them, and what makes them full. */
const PAGES: Record<string, (page: Page) => Promise<void>> = {
  camera: () => Promise.resolve(),
  chat: async (page) => {
    await page.fill("#name", "Somebody with a rather long name");
    await page.click("#join button");
    await waitForText(page, "#state", "connected");
    await page.fill("#text", LONG);
    await page.click("#write button");
    await waitForText(page, "#log .own", LONG);
  },
  files: () => Promise.resolve(),
  forms: async (page) => {
    if (await page.locator("input[name=password]").count() === 0) return;
    await page.fill("input[name=name]", "joe");
    await page.fill("input[name=password]", "wrong");
    await page.click("button");
    await page.locator(".problem").waitFor();
  },
  sse: (page) => waitForText(page, "#count", /[1-9]/),
  upload: async (page) => {
    const buffer = Buffer.alloc(10);
    await page.setInputFiles("#files", [
      { name: `${LONG}.bin`, mimeType: "x/y", buffer },
    ]);
    await page.locator(".done").first().waitFor();
  },
};

/** How bright the page and its text are, from 0 to 255, and what is too wide. */
function look(
  page: Page,
): Promise<{ paper: number; ink: number; wide: number }> {
  return page.evaluate(`(() => {
    const { backgroundColor, color } = getComputedStyle(document.body);
    const light = (color) => Math.max(...color.match(/\\d+/g).slice(0, 3));
    const { scrollWidth, clientWidth } = document.documentElement;
    return {
      paper: light(backgroundColor),
      ink: light(color),
      wide: scrollWidth - clientWidth,
    };
  })()`);
}

for (const [name, fill] of Object.entries(PAGES)) {
  Deno.test({
    ...wanting(
      `${name}.ts has a page for 375 pixels, by day and by night`,
      "chromium",
      ...name === "camera" ? ["ffmpeg" as const] : [],
    ),
    async fn() {
      await using browser = await Browser.start();
      await using example = await Example.start(`${name}.ts`);
      const page = await browser.open(example.url);
      await page.setViewportSize({ width: 375, height: 700 });
      await page.waitForFunction("document.styleSheets.length > 0");
      await fill(page);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        await screenshot(page, `${name}-375-${colorScheme}`);
        const { paper, ink, wide } = await look(page);
        assertEquals(wide, 0, `${name} is ${wide} pixels too wide`);
        const isNight = paper < ink;
        assertEquals(isNight, colorScheme === "dark", `${paper}, ${ink}`);
        assert(Math.abs(paper - ink) > 120, `${name}: ${ink} on ${paper}`);
      }
      await page.setViewportSize({ width: 1000, height: 700 });
      await screenshot(page, `${name}-1000-dark`);
      await page.close();
    },
  });
}
