import type { HttpConnection } from "../server.ts";
import { contentTypeOf } from "../server/content_type.ts";
import { openFile } from "../server/file_opening.ts";
import { ARCHIVES, Archives } from "./archive.ts";
import type { AllowedHosts } from "./allowed_hosts.ts";
import type { ServeArguments } from "./arguments.ts";
import { acceptsPages, isOwnPage } from "./asker.ts";
import { Backend } from "./backend.ts";
import { Folder, type Found, urlPathOf } from "./folder.ts";
import type { Gate } from "./gate.ts";
import { listingJson, listingPage } from "./listing.ts";
import { queryOf, type View, viewOf } from "./listing_view.ts";
import { Live, LIVE_PATH } from "./live.ts";
import {
  chooseForm,
  type Listing,
  listingOf,
  Listings,
  takesGzip,
} from "./listings.ts";
import type { Answerer } from "./running.ts";
import { Receiver, type ReceiverOptions } from "./receiver.ts";
import { type Headers, Replies } from "./replies.ts";

/** How a site is served. */
export type SiteOptions =
  & ReceiverOptions
  & Pick<
    ServeArguments,
    | "hasCors"
    | "routes"
    | "isLive"
    | "isSpa"
    | "hasIndex"
    | "hasArchives"
    | "isGzipStatic"
    | "isCompressed"
    | "headers"
    | "notFound"
  >
  & {
    /** Which names it answers to. */
    hosts: AllowedHosts;
    /** Who is let in; `null` for all. */
    gate: Gate | null;
  };

/** Bytes of a page that hears of changes. */
const MAX_LIVE = 4 * 1024 * 1024;

/** Bytes of the page for what is missing. */
const MAX_NOT_FOUND = 1024 * 1024;

/** A folder, as a site. */
export class Site implements Answerer {
  readonly #folder: Folder;
  readonly #options: SiteOptions;
  readonly #replies: Replies;
  readonly #receiver: Receiver;
  readonly #archives: Archives | null;
  readonly #live: Live | null;
  /** The one with the longest path first. */
  readonly #backends: readonly Backend[];
  readonly #listings = new Listings();

  /** @throws {Error} If the folder cannot be watched. */
  constructor(folder: Folder, options: SiteOptions) {
    this.#folder = folder;
    this.#options = options;
    this.#replies = new Replies(options);
    this.#archives = options.hasArchives ? new Archives(folder) : null;
    this.#live = options.isLive ? new Live(folder) : null;
    this.#backends = options.routes
      .toSorted((a, b) => b.prefix.length - a.prefix.length)
      .map((route) => new Backend(route, options.gate !== null));
    this.#receiver = new Receiver(folder, options, this.#replies);
  }

  /** Answers a request. Rejects for a fault of ours alone. */
  answer(client: HttpConnection): Promise<boolean> {
    const { hosts } = this.#options;
    if (!hosts.has(client.host)) {
      return Promise.resolve(
        this.#refuse(client, 421, "This is not the name of this site"),
      );
    }
    const refusal = this.#keepOut(client);
    if (refusal !== null) return Promise.resolve(refusal);
    const backend = this.#backends.find((one) => one.has(client));
    if (backend !== undefined) return this.#pass(client, backend);
    switch (client.method) {
      case "GET":
      case "HEAD":
        return this.#get(client);
      case "OPTIONS":
        return Promise.resolve(this.#preflight(client));
    }
    if (this.#receiver.methods.includes(client.method)) {
      if (this.#isStrangers(client)) {
        return Promise.resolve(
          this.#refuse(client, 403, "Pages write under an --allow-host alone"),
        );
      }
      return this.#receiver.take(client);
    }
    return Promise.resolve(
      this.#refuse(client, 405, "This method is not for here", {
        allow: this.#methods,
      }),
    );
  }

  /**
   * Whether a page asks to write that may be another's: where all names are
   * fine, a page elsewhere can have its own lead here, and count as ours.
   */
  #isStrangers({ host, headers }: HttpConnection): boolean {
    const { hosts, gate, mayWrite } = this.#options;
    // Its browser would not send our password there.
    if (!mayWrite || gate !== null || hosts.knows(host)) return false;
    return headers.origin !== undefined ||
      headers["sec-fetch-site"] !== undefined;
  }

  /** Refuses those who do not know the password; `null` if there is no need. */
  #keepOut(client: HttpConnection): Promise<boolean> | null {
    const { gate } = this.#options;
    // What a browser asks first comes without.
    if (gate === null || client.method === "OPTIONS") return null;
    const { authorization } = client.headers;
    switch (gate.judge(client.remoteAddress, authorization)) {
      case "open":
        return null;
      case "unknown":
        return this.#refuse(client, 401, "Who are you?", {
          "www-authenticate": 'Basic realm="uhttp", charset="UTF-8"',
        });
      case "paused":
        return this.#refuse(client, 429, "Too many wrong passwords", {
          "retry-after": "60",
        });
    }
  }

  get #methods(): string {
    return ["GET", "HEAD", "OPTIONS", ...this.#receiver.methods].join(", ");
  }

  get #headers(): Headers {
    return this.#replies.headers;
  }

  #preflight(client: HttpConnection): Promise<boolean> {
    const headers = this.#headers;
    headers.allow = this.#methods;
    if (this.#options.hasCors) {
      // Pages of other sites may read, but not write.
      headers["access-control-allow-methods"] = "GET, HEAD";
      headers["access-control-allow-headers"] = "*";
      headers["access-control-max-age"] = "86400";
    }
    return client.respond(null, { status: 204, headers });
  }

  /** Passes on what is another server's. */
  #pass(client: HttpConnection, backend: Backend): Promise<boolean> {
    if (this.#options.gate !== null) {
      // Who has not said who he is gets no further.
      if (client.method === "OPTIONS") return this.#preflight(client);
      // A browser may know the password, whatever page has it ask.
      const isHarmless = /^(?:GET|HEAD)$/.test(client.method) &&
        !client.isWebsocketRequest;
      if (!isHarmless && !isOwnPage(client)) {
        return this.#refuse(client, 403, "Not from pages of other sites");
      }
    }
    return backend.answer(
      client,
      (status, message) => this.#refuse(client, status, message),
    );
  }

  // ---- Reading ----------------------------------------------------------

  async #get(client: HttpConnection): Promise<boolean> {
    if (this.#live !== null && client.path === LIVE_PATH) {
      return await this.#live.listen(client, this.#headers) ??
        this.#refuse(client, 503, "Too many pages listen");
    }
    const found = await this.#folder.find(client.path);
    if (found === null) return await this.#missing(client);
    if (!found.isFolder) return this.#file(client, found);
    if (!client.path.endsWith("/")) {
      const mark = client.url.indexOf("?");
      const query = mark < 0 ? "" : client.url.slice(mark);
      return this.#replies.redirect(
        client,
        301,
        urlPathOf(found.segments, true) + query,
      );
    }
    const { archive } = client.query;
    const kind = ARCHIVES.find((one) => one === archive);
    if (this.#archives !== null && kind !== undefined) {
      return await this.#archives.send(client, found, kind, this.#headers) ??
        this.#refuse(client, 503, "Too many archives are under way", {
          "retry-after": "10",
        });
    }
    const path = found.segments.join("/");
    if (this.#options.hasIndex) {
      const index = await this.#folder.find(`${path}/index.html`);
      if (index !== null && !index.isFolder) return this.#file(client, index);
    }
    const wantsJson = !acceptsPages(client) &&
      /\bapplication\/json\b/i.test(client.headers.accept ?? "");
    const view = viewOf(client.query);
    const listing = await this.#listings.get(
      `${wantsJson ? "json" : "html"}:${path}${queryOf(view)}`,
      () => this.#list(path, view, wantsJson),
    );
    if (listing === null) return await this.#missing(client);
    const form = chooseForm(listing, client.headers["accept-encoding"]);
    if (wantsJson) form.headers["content-type"] = "application/json";
    return await this.#replies.page(client, 200, form.body, form.headers);
  }

  /** What lists a folder; `null` if none is there. */
  async #list(
    path: string,
    view: View,
    wantsJson: boolean,
  ): Promise<Listing | null> {
    const found = await this.#folder.find(path);
    if (found === null || !found.isFolder) return null;
    const contents = await this.#folder.list(found, view);
    if (contents === null) return null;
    const { segments } = found;
    const { isCompressed } = this.#options;
    const text = wantsJson
      ? listingJson(contents, segments)
      : listingPage(contents, { ...this.#options, segments, view });
    return await listingOf(text, isCompressed);
  }

  async #missing(client: HttpConnection): Promise<boolean> {
    const isPage = this.#options.isSpa &&
      this.#folder.segmentsOf(client.path) !== null &&
      !client.path.slice(client.path.lastIndexOf("/")).includes(".");
    const index = isPage ? await this.#folder.find("index.html") : null;
    if (index !== null && !index.isFolder) return this.#file(client, index);
    return await this.#notFound(client) ??
      this.#refuse(client, 404, "Nothing is here");
  }

  /** The page of the site's own for what is missing, if it has one. */
  async #notFound(client: HttpConnection): Promise<boolean | null> {
    const { notFound, hasUpload } = this.#options;
    if (notFound === undefined) return null;
    const found = await this.#folder.find(notFound);
    if (
      found === null || found.isFolder || found.info.size > MAX_NOT_FOUND
    ) return null;
    const bytes = await Deno.readFile(found.realPath);
    const headers = this.#headers;
    headers["content-type"] = contentTypeOf(notFound);
    // It is the user's own, and may have scripts, unless others sent it.
    if (hasUpload) headers["content-security-policy"] = "sandbox";
    return await client.respond(bytes, { status: 404, headers });
  }

  async #file(
    client: HttpConnection,
    { segments, info }: Found,
  ): Promise<boolean> {
    const { hasUpload, isGzipStatic } = this.#options;
    const headers = this.#headers;
    // What others have sent here must not run as a page of ours.
    if (hasUpload) headers["content-security-policy"] = "sandbox";
    let path = segments.join("/");
    const type = contentTypeOf(path);
    if (this.#live !== null && type.startsWith("text/html")) {
      const page = await this.#pageOf(path);
      if (page !== null) {
        headers["content-type"] = type;
        return await client.respond(this.#live.withScript(page), { headers });
      }
    }
    if (isGzipStatic) {
      const packed = await this.#folder.find(path + ".gz");
      const isFresh = packed !== null && !packed.isFolder &&
        (packed.info.mtime ?? 0) >= (info.mtime ?? 0);
      if (isFresh) {
        headers.vary = headers.vary === undefined
          ? "accept-encoding"
          : `${headers.vary}, accept-encoding`;
        if (takesGzip(client.headers["accept-encoding"])) {
          headers["content-type"] = type;
          headers["content-encoding"] = "gzip";
          path += ".gz";
        }
      }
    }
    return await client.respondFile(path, {
      root: this.#folder.root,
      headers,
    });
  }

  /** A page that is to hear of changes; `null` if it is none, or too large. */
  async #pageOf(path: string): Promise<Uint8Array | null> {
    const opened = await openFile(path, this.#folder.root, () => false)
      .catch(() => null);
    if (opened === null) return null;
    using file = opened.file;
    if (opened.info.size > MAX_LIVE) return null;
    return await new Response(file.readable).bytes();
  }

  #refuse(
    client: HttpConnection,
    status: number,
    message: string,
    headers?: Headers,
  ): Promise<boolean> {
    return this.#replies.refuse(client, status, message, headers);
  }

  /** Answers where something of ours went wrong. */
  failed(client: HttpConnection): Promise<boolean> {
    if (!client.isAnswered) {
      return this.#refuse(client, 500, "Something went wrong here");
    }
    client.close();
    return Promise.resolve(false);
  }

  ending(): void {
    this.#live?.close();
    for (const backend of this.#backends) backend.ending();
  }

  async close(): Promise<void> {
    for (const backend of this.#backends) await backend.close();
  }
}
