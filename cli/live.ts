import type { HttpConnection } from "../server.ts";
import { after } from "../transport/clock.ts";
import type { Folder } from "./folder.ts";
import type { Headers } from "./replies.ts";

/** Where pages hear of changes; nothing that is served has such a name. */
export const LIVE_PATH = "/.uhttp/live";

/** Pages that listen at the same time. */
const MAX_LISTENERS = 100;
/** Changes come in bursts: so long it has to be quiet, in ms. */
const QUIET = 100;

/** The one line that a page gets. */
const SCRIPT = new TextEncoder().encode(
  `\n<script>new EventSource("${LIVE_PATH}").onmessage = ` +
    "() => location.reload()</script>\n",
);

/** Tells pages that something in the folder has changed. */
export class Live {
  readonly #folder: Folder;
  readonly #watcher: Deno.FsWatcher;
  readonly #listeners = new Set<HttpConnection>();
  #callOff: () => void = () => {};

  /** @throws {Error} If the system cannot watch so much. */
  constructor(folder: Folder) {
    this.#folder = folder;
    this.#watcher = Deno.watchFs(folder.root);
    this.#watch();
  }

  async #watch(): Promise<void> {
    for await (const { kind, paths } of this.#watcher) {
      if (kind === "access" || !paths.some((path) => this.#isSeen(path))) {
        continue;
      }
      this.#callOff();
      this.#callOff = after(QUIET, () => this.#tell());
    }
  }

  /** Whether anybody can see it: what version control does is none of it. */
  #isSeen(path: string): boolean {
    const { root } = this.#folder;
    return path.startsWith(root) && this.#folder.segmentsOf(
          path.slice(root.length).replaceAll("\\", "/"),
        ) !== null;
  }

  #tell(): void {
    for (const client of this.#listeners) client.sendEvent({ data: "changed" });
  }

  /** Has a page listen; `null` if too many do. */
  async listen(
    client: HttpConnection,
    headers: Headers,
  ): Promise<boolean | null> {
    if (this.#listeners.size >= MAX_LISTENERS) return null;
    const begun = client.responseEvents({
      headers: { ...headers, "cache-control": "no-store" },
    });
    this.#listeners.add(client);
    try {
      if (!await begun) return false;
      await new Promise<void>((resolve) => {
        if (client.signal.aborted) resolve();
        client.signal.addEventListener("abort", () => resolve());
      });
      return true;
    } finally {
      this.#listeners.delete(client);
    }
  }

  /** A page, and the line with which it listens. */
  withScript(page: Uint8Array): Uint8Array<ArrayBuffer> {
    const whole = new Uint8Array(page.length + SCRIPT.length);
    whole.set(page);
    whole.set(SCRIPT, page.length);
    return whole;
  }

  /** Ends it, for all who listen. */
  close(): void {
    this.#callOff();
    this.#watcher.close();
    for (const client of this.#listeners) client.close();
  }
}
