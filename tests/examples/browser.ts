import {
  type BrowserContext,
  chromium,
  type Page,
} from "npm:playwright-core@^1";
import { program } from "../support/wanting.ts";

/** A headless browser with a profile of its own, which is empty. */
export class Browser implements AsyncDisposable {
  readonly #context: BrowserContext;
  readonly #profile: string;
  /** What its pages have complained about. */
  readonly problems: string[] = [];

  private constructor(context: BrowserContext, profile: string) {
    this.#context = context;
    this.#profile = profile;
  }

  /** Starts one. `args`: further ones for Chromium. */
  static async start(...args: string[]): Promise<Browser> {
    const profile = await Deno.makeTempDir();
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: program("chromium"),
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        ...args,
      ],
      ignoreHTTPSErrors: true,
      viewport: { width: 1000, height: 700 },
      // The test's own process is nobody else's to end.
      handleSIGHUP: false,
      handleSIGINT: false,
      handleSIGTERM: false,
    });
    context.setDefaultTimeout(10_000);
    return new Browser(context, profile);
  }

  /** Opens a page. */
  async open(url: URL | string): Promise<Page> {
    const page = await this.#context.newPage();
    page.on("pageerror", (error) => this.problems.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") this.problems.push(message.text());
    });
    await page.goto(String(url), { waitUntil: "domcontentloaded" });
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close();
    await Deno.remove(this.#profile, { recursive: true });
  }
}

/** Waits until an element shows a text. */
export async function waitForText(
  page: Page,
  selector: string,
  text: string | RegExp,
): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).first().waitFor();
}

/**
 * Takes a picture of a page for somebody to look at, where the environment
 * says in which folder.
 */
export async function screenshot(page: Page, name: string): Promise<void> {
  const folder = Deno.env.get("SCREENSHOTS");
  if (folder) await page.screenshot({ path: `${folder}/${name}.png` });
}
