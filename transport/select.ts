import { after } from "./clock.ts";

/** What can stand in a {@linkcode select}: servers, and clients. */
export interface Selectable {
  /** Whether `processEvents()` would return something. */
  readonly isReady: boolean;
  /** Whether nothing will ever get ready any more. */
  readonly isFinished: boolean;
  /**
   * Calls back whenever that may have changed.
   *
   * @returns A function that ends it.
   */
  watch(notify: () => void): () => void;
}

function isSelectable(source: unknown): boolean {
  return typeof source === "object" && source !== null &&
    "isReady" in source && "isFinished" in source && "watch" in source;
}

/**
 * Waits until at least one of several sources has something for its
 * `processEvents()`.
 *
 * ```ts
 * import { HttpServer, select } from "@uhttp/uhttp";
 * import { assertEquals } from "@std/assert";
 *
 * await using a = new HttpServer({ hostname: "127.0.0.1", port: 0 });
 * await using b = new HttpServer({ hostname: "127.0.0.1", port: 0 });
 * const response = fetch(b.url);
 * const ready = await select([a, b], 5000);
 * assertEquals(ready, [b]);
 * assertEquals(a.processEvents(), null);
 * b.processEvents()?.respond("from b");
 * assertEquals(await (await response).text(), "from b");
 * ```
 *
 * @param sources Servers, and other sources.
 * @param timeout How long to wait, in ms; for ever by default, not at all
 * with 0.
 * @returns The sources that are ready; none when the time is over, when one
 * of the sources gets finished meanwhile, or all of them are.
 * @throws {TypeError} If they are no array of such sources, or the timeout is
 * no number.
 */
export function select<T extends Selectable>(
  sources: readonly T[],
  timeout: number = Infinity,
): Promise<T[]> {
  if (!Array.isArray(sources) || !sources.every(isSelectable)) {
    throw new TypeError(
      "What is waited for is not an array of servers and clients",
    );
  }
  if (typeof timeout !== "number" || Number.isNaN(timeout)) {
    throw new TypeError("Timeout is not a number of milliseconds");
  }
  const ready = () => sources.filter((source) => source.isReady);
  return new Promise((resolve) => {
    const ends: (() => void)[] = [];
    let endTimer = () => {};
    const finish = () => {
      endTimer();
      for (const end of ends) end();
      resolve(ready());
    };
    const going = sources.filter((source) => !source.isFinished);
    // One that ends is worth a look: what it was for is over.
    const isOver = () =>
      sources.some((source) => source.isReady) || going.length === 0 ||
      going.some((source) => source.isFinished);
    if (timeout <= 0 || isOver()) {
      finish();
      return;
    }
    for (const source of sources) {
      ends.push(source.watch(() => {
        if (isOver()) finish();
      }));
    }
    endTimer = after(timeout, finish);
  });
}
