import { HttpError } from "../parse.ts";
import type { HttpConnection } from "../server.ts";
import { contentTypeOf } from "../server/content_type.ts";
import type { AllowedHosts } from "./allowed_hosts.ts";
import type { ServeArguments } from "./arguments.ts";
import { acceptsPages, isOwnPage } from "./asker.ts";
import { safeName } from "./file_name.ts";
import { Folder, type Found, urlPathOf } from "./folder.ts";
import type { Gate } from "./gate.ts";
import {
  listingJson,
  listingPage,
  messagePage,
  PAGE_HEADERS,
} from "./listing.ts";
import { queryOf, type View, viewOf } from "./listing_view.ts";
import { chooseForm, type Listing, listingOf, Listings } from "./listings.ts";
import type { Answerer } from "./running.ts";
import { Quota, UploadRefused } from "./quota.ts";
import { isTaken, saveBody, saveForm } from "./uploads.ts";

/** How a site is served. */
export type SiteOptions =
  & Pick<
    ServeArguments,
    | "hasCors"
    | "hasUpload"
    | "maxUpload"
    | "quota"
    | "isSpa"
    | "hasIndex"
    | "hasHidden"
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

type Headers = Record<string, string>;

/** Bytes of the page for what is missing. */
const MAX_NOT_FOUND = 1024 * 1024;

const encoder = new TextEncoder();

/** A folder, as a site. */
export class Site implements Answerer {
  readonly #folder: Folder;
  readonly #options: SiteOptions;
  readonly #quota: Quota;
  readonly #listings = new Listings();

  constructor(folder: Folder, options: SiteOptions) {
    this.#folder = folder;
    this.#options = options;
    this.#quota = new Quota(options.quota);
  }

  /** Answers a request. Rejects for a fault of ours alone. */
  answer(client: HttpConnection): Promise<boolean> {
    const { hasUpload, hosts } = this.#options;
    if (!hosts.has(client.host)) {
      return Promise.resolve(
        this.#refuse(client, 421, "This is not the name of this site"),
      );
    }
    const refusal = this.#keepOut(client);
    if (refusal !== null) return Promise.resolve(refusal);
    switch (client.method) {
      case "GET":
      case "HEAD":
        return this.#get(client);
      case "OPTIONS":
        return Promise.resolve(this.#preflight(client));
      case "POST":
        if (hasUpload) return this.#receive(client, () => this.#post(client));
        break;
      case "PUT":
        if (hasUpload) return this.#receive(client, () => this.#put(client));
    }
    return Promise.resolve(
      this.#refuse(client, 405, "This method is not for here", {
        allow: this.#methods,
      }),
    );
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
    return "GET, HEAD, OPTIONS" +
      (this.#options.hasUpload ? ", POST, PUT" : "");
  }

  get #headers(): Headers {
    const headers: Headers = {
      "cache-control": "no-cache", // it may be kept, but is asked for again
      "x-content-type-options": "nosniff",
    };
    if (this.#options.hasCors) {
      headers["access-control-allow-origin"] = "*";
      headers["access-control-expose-headers"] =
        "content-range, accept-ranges, content-length, etag";
    }
    for (const [name, value] of this.#options.headers) {
      headers[name.toLowerCase()] = value;
    }
    return headers;
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

  // ---- Reading ----------------------------------------------------------

  async #get(client: HttpConnection): Promise<boolean> {
    const found = await this.#folder.find(client.path);
    if (found === null) return await this.#missing(client);
    if (!found.isFolder) return this.#file(client, found);
    if (!client.path.endsWith("/")) {
      const mark = client.url.indexOf("?");
      const query = mark < 0 ? "" : client.url.slice(mark);
      return this.#redirect(
        client,
        301,
        urlPathOf(found.segments, true) + query,
      );
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
    return await this.#page(client, 200, form.body, form.headers);
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
    const { hasUpload, isCompressed } = this.#options;
    const text = wantsJson
      ? listingJson(contents, segments)
      : listingPage(contents, { segments, hasUpload, view });
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

  #file(client: HttpConnection, { segments }: Found): Promise<boolean> {
    const headers = this.#headers;
    // What others have sent here must not run as a page of ours.
    if (this.#options.hasUpload) headers["content-security-policy"] = "sandbox";
    return client.respondFile(segments.join("/"), {
      root: this.#folder.root,
      headers,
    });
  }

  // ---- Uploads ----------------------------------------------------------

  async #receive(
    client: HttpConnection,
    save: () => Promise<boolean>,
  ): Promise<boolean> {
    if (!isOwnPage(client)) {
      return this.#refuse(client, 403, "Not from pages of other sites");
    }
    client.limit(this.#options.maxUpload);
    if (!this.#quota.has(client.contentLength ?? 0)) {
      return this.#refuse(client, 507, "No room is left for uploads");
    }
    try {
      return await save();
    } catch (error) {
      if (error instanceof UploadRefused) {
        return this.#refuse(client, error.status, error.message);
      }
      if (!(error instanceof HttpError)) throw error;
      // Most of what a peer does wrong the server has answered already; then
      // this answer goes nowhere.
      const status = error.status ?? 400;
      await this.#refuse(client, status, error.message);
      return false;
    }
  }

  async #post(client: HttpConnection): Promise<boolean> {
    const found = await this.#folder.find(client.path);
    if (found === null || !found.isFolder) {
      return this.#refuse(client, 404, "No such folder is here");
    }
    if (client.contentType !== "multipart/form-data") {
      return this.#refuse(client, 415, "Files come in a multipart form");
    }
    const { hasHidden } = this.#options;
    if (await saveForm(client, found, hasHidden, this.#quota) === 0) {
      return this.#refuse(client, 400, "No file was chosen");
    }
    return this.#redirect(client, 303, urlPathOf(found.segments, true));
  }

  async #put(client: HttpConnection): Promise<boolean> {
    const segments = this.#folder.segmentsOf(client.path);
    const name = segments?.pop();
    if (
      segments === null || name === undefined || client.path.endsWith("/") ||
      safeName(name, this.#options.hasHidden) !== name
    ) {
      return this.#refuse(client, 400, "This name cannot be used");
    }
    if (client.headers["content-range"] !== undefined) {
      return this.#refuse(client, 400, "Only whole files are taken");
    }
    const parent = await this.#folder.find(segments.join("/"));
    if (parent === null || !parent.isFolder) {
      return this.#refuse(client, 404, "No such folder is here");
    }
    const isNew = !await isTaken(parent.realPath, name) &&
      await saveBody(client, parent, name, this.#quota);
    if (!isNew) return this.#refuse(client, 409, "This name is taken");
    const headers = this.#headers;
    headers.location = urlPathOf([...segments, name], false);
    return await client.respond(null, { status: 201, headers });
  }

  // ---- Answers ----------------------------------------------------------

  #redirect(
    client: HttpConnection,
    status: number,
    url: string,
  ): Promise<boolean> {
    const headers = this.#headers;
    return client.respondRedirect(url, { status, headers });
  }

  #page(
    client: HttpConnection,
    status: number,
    html: Uint8Array,
    headers: Headers = {},
  ): Promise<boolean> {
    return client.respond(html, {
      status,
      headers: { ...this.#headers, ...PAGE_HEADERS, ...headers },
    });
  }

  #refuse(
    client: HttpConnection,
    status: number,
    message: string,
    headers?: Headers,
  ): Promise<boolean> {
    // A program, or whoever reads its output, has no use for a page.
    const isPage = acceptsPages(client);
    const text = isPage ? messagePage(status, message) : `${message}\n`;
    return this.#page(client, status, encoder.encode(text), {
      vary: "accept",
      ...(isPage ? {} : { "content-type": "text/plain; charset=utf-8" }),
      ...headers,
    });
  }

  /** Answers where something of ours went wrong. */
  failed(client: HttpConnection): Promise<boolean> {
    if (!client.isAnswered) {
      return this.#refuse(client, 500, "Something went wrong here");
    }
    client.close();
    return Promise.resolve(false);
  }
}
