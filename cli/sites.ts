import { type CookieJar, HttpClient } from "../client.ts";
import type { RequestArguments } from "./arguments.ts";
import { clientOptions, originOf } from "./connecting.ts";
import { usageError } from "./exit_codes.ts";
import type { CliIo } from "./io.ts";

/** The longest silence, in ms, unless the user names one. */
const TIMEOUT = 300_000;

interface Site {
  client: Promise<HttpClient> | null;
  /** Requests that go there and are not done. */
  left: number;
}

/**
 * One client for each site that several URLs lead to, so that connections are
 * used again; it goes with the last of its URLs.
 */
export class Sites {
  readonly #io: CliIo;
  readonly #jar: CookieJar | null;
  readonly #sites = new Map<string, Site>();
  /** One at a time is made: it may ask for a password, and once will do. */
  #making: Promise<unknown> = Promise.resolve();

  /** @param urls All that will be asked for. */
  constructor(urls: readonly URL[], io: CliIo, jar: CookieJar | null) {
    this.#io = io;
    this.#jar = jar;
    for (const url of urls) {
      const site = this.#sites.get(keyOf(url));
      if (site === undefined) {
        this.#sites.set(keyOf(url), { client: null, left: 1 });
      } else site.left++;
    }
  }

  /** The client for these arguments' URL. */
  client(args: RequestArguments): Promise<HttpClient> {
    const site = this.#sites.get(keyOf(args.url))!;
    if (site.client !== null) return site.client;
    const client = this.#making.then(() => this.#make(args));
    this.#making = client.catch(() => {});
    return site.client = client;
  }

  async #make(args: RequestArguments): Promise<HttpClient> {
    const options = await clientOptions(args, this.#io, TIMEOUT);
    if (this.#jar !== null) options.cookies = this.#jar;
    if (args.parallel > 1) options.maxConnections = args.parallel;
    return made(() => new HttpClient(originOf(args.url), options));
  }

  /** A request of this URL is done. */
  async done(url: URL): Promise<void> {
    const key = keyOf(url);
    const site = this.#sites.get(key)!;
    if (--site.left > 0) return;
    this.#sites.delete(key);
    await close(site);
  }

  /** Closes all that are left. */
  async close(): Promise<void> {
    for (const site of this.#sites.values()) await close(site);
  }
}

async function close({ client }: Site): Promise<void> {
  await (await client?.catch(() => null))?.close();
}

/** Clients differ by where they go and who asks. */
function keyOf({ origin, username, password }: URL): string {
  return `${origin} ${username}:${password}`;
}

/** What is wrong with an option is the user's own fault. */
export function made<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof TypeError) && !(error instanceof RangeError)) {
      throw error;
    }
    throw usageError(error.message);
  }
}
