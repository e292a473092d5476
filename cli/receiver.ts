import { join } from "@std/path";
import { HttpError } from "../parse.ts";
import type { HttpConnection } from "../server.ts";
import { evaluate, lastModified, strongTag } from "../server/conditions.ts";
import type { ServeArguments } from "./arguments.ts";
import { isOwnPage } from "./asker.ts";
import { deleteAt, moveTo, type Place } from "./changes.ts";
import { safeName } from "./file_name.ts";
import { type Folder, type Found, urlPathOf } from "./folder.ts";
import { Quota, UploadRefused } from "./quota.ts";
import type { Replies } from "./replies.ts";
import { isTaken, saveBody, saveForm } from "./uploads.ts";

/** Bytes of a form that has no files. */
const MAX_FORM = 16 * 1024;

/** What may be sent. */
export type ReceiverOptions = Pick<
  ServeArguments,
  "hasUpload" | "mayWrite" | "maxUpload" | "quota" | "hasHidden"
>;

/** Takes what is sent to a folder: files, and what is to become of them. */
export class Receiver {
  /** The methods that it takes. */
  readonly methods: readonly string[];
  readonly #folder: Folder;
  readonly #options: ReceiverOptions;
  readonly #replies: Replies;
  readonly #quota: Quota;

  constructor(folder: Folder, options: ReceiverOptions, replies: Replies) {
    this.#folder = folder;
    this.#options = options;
    this.#replies = replies;
    this.#quota = new Quota(options.quota);
    this.methods = [
      ...(options.hasUpload ? ["POST", "PUT"] : []),
      ...(options.mayWrite ? ["DELETE", "MOVE"] : []),
    ];
  }

  /** Answers a request with one of the methods. */
  async take(client: HttpConnection): Promise<boolean> {
    if (!isOwnPage(client)) {
      return this.#refuse(client, 403, "Not from pages of other sites");
    }
    client.limit(this.#options.maxUpload);
    try {
      switch (client.method) {
        case "POST":
          return await this.#post(client);
        case "PUT":
          return await this.#put(client);
        case "DELETE":
          return await this.#delete(client);
        default:
          return await this.#move(client);
      }
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

  // ---- Files --------------------------------------------------------------

  /** Refuses what cannot have room, before it is read. */
  #checkRoom(client: HttpConnection): void {
    if (this.#quota.has(client.contentLength ?? 0)) return;
    throw new UploadRefused(507, "No room is left for uploads");
  }

  async #post(client: HttpConnection): Promise<boolean> {
    const found = await this.#folder.find(client.path);
    if (found === null || !found.isFolder) {
      return this.#refuse(client, 404, "No such folder is here");
    }
    const { mayWrite, hasHidden } = this.#options;
    if (
      mayWrite && client.contentType === "application/x-www-form-urlencoded"
    ) return await this.#change(client, found);
    this.#checkRoom(client);
    if (client.contentType !== "multipart/form-data") {
      return this.#refuse(client, 415, "Files come in a multipart form");
    }
    if (await saveForm(client, found, hasHidden, this.#quota) === 0) {
      return this.#refuse(client, 400, "No file was chosen");
    }
    return this.#back(client, found);
  }

  async #put(client: HttpConnection): Promise<boolean> {
    this.#checkRoom(client);
    if (client.headers["content-range"] !== undefined) {
      return this.#refuse(client, 400, "Only whole files are taken");
    }
    const place = await this.#place(client.path, true);
    const { parent, name } = place;
    const isThere = await isTaken(parent.realPath, name);
    const isNewOnly = client.headers["if-none-match"] !== undefined;
    const mayReplace = this.#options.mayWrite && !isNewOnly;
    await this.#checkMatch(client, place);
    if (isThere && !mayReplace) {
      return this.#refuse(client, 409, "This name is taken");
    }
    const isSaved = await saveBody(
      client,
      parent,
      name,
      this.#quota,
      mayReplace,
    );
    if (!isSaved) return this.#refuse(client, 409, "This name is taken");
    const { headers } = this.#replies;
    if (isThere) return await client.respond(null, { status: 204, headers });
    headers.location = urlPathOf([...parent.segments, name], false);
    return await client.respond(null, { status: 201, headers });
  }

  async #delete(client: HttpConnection): Promise<boolean> {
    const place = await this.#place(client.path, false);
    await this.#checkMatch(client, place);
    await deleteAt(place, this.#quota);
    const { headers } = this.#replies;
    return await client.respond(null, { status: 204, headers });
  }

  async #move(client: HttpConnection): Promise<boolean> {
    const from = await this.#place(client.path, false);
    const to = await this.#place(destinationOf(client), true);
    await this.#checkMatch(client, from);
    await moveTo(from, to, this.#quota);
    const { headers } = this.#replies;
    headers.location = urlPathOf([...to.parent.segments, to.name], false);
    return await client.respond(null, { status: 201, headers });
  }

  /** Does what a form of a listing asks for. */
  async #change(client: HttpConnection, parent: Found): Promise<boolean> {
    client.limit(MAX_FORM);
    const { action, name, to } = await client.form();
    if (typeof name !== "string" || !this.#isName(name, false)) {
      throw new UploadRefused(400, "This name cannot be used");
    }
    if (action === "delete") await deleteAt({ parent, name }, this.#quota);
    else if (action !== "rename") {
      throw new UploadRefused(400, "Neither to rename nor to delete");
    } else if (typeof to !== "string" || !this.#isName(to, true)) {
      throw new UploadRefused(400, "This name cannot be used");
    } else if (to !== name) {
      await moveTo({ parent, name }, { parent, name: to }, this.#quota);
    }
    return this.#back(client, parent);
  }

  // ---- Where --------------------------------------------------------------

  /** Whether it is one name, and not the way to another. */
  #isName(name: string, isNew: boolean): boolean {
    if (name.includes("/") || !this.#folder.isVisible(name)) return false;
    return !isNew || safeName(name, this.#options.hasHidden) === name;
  }

  /**
   * Where a path leads, be something there or not.
   *
   * @param isNew Whether the name is one that somebody chooses now.
   * @throws {UploadRefused} If it leads nowhere.
   */
  async #place(path: string, isNew: boolean): Promise<Place> {
    const segments = this.#folder.segmentsOf(path);
    const name = segments?.pop();
    const isWhole = isNew && path.endsWith("/");
    if (
      segments === null || name === undefined || isWhole ||
      !this.#isName(name, isNew)
    ) throw new UploadRefused(400, "This name cannot be used");
    const parent = await this.#folder.find(segments.join("/"));
    if (parent === null || !parent.isFolder) {
      throw new UploadRefused(404, "No such folder is here");
    }
    return { parent, name };
  }

  /** Keeps what is not what the peer has last seen (RFC 9110, section 13). */
  async #checkMatch(
    client: HttpConnection,
    { parent, name }: Place,
  ): Promise<void> {
    const { method, headers } = client;
    const path = join(parent.realPath, name);
    const info = await Deno.lstat(path).catch(() => null);
    const isFine = info === null
      ? headers["if-match"] === undefined
      : evaluate(method, headers, strongTag(info), lastModified(info), 0)
        .status !== 412;
    if (isFine) return;
    throw new UploadRefused(412, "It is not what it was");
  }

  #back(client: HttpConnection, { segments }: Found): Promise<boolean> {
    return this.#replies.redirect(client, 303, urlPathOf(segments, true));
  }

  #refuse(
    client: HttpConnection,
    status: number,
    message: string,
  ): Promise<boolean> {
    return this.#replies.refuse(client, status, message);
  }
}

/** The decoded path of a `Destination` (RFC 4918, 10.3) that is of this site. */
function destinationOf(client: HttpConnection): string {
  const field = client.headers.destination;
  if (field === undefined) {
    throw new UploadRefused(400, "Destination is missing");
  }
  const scheme = client.isSecure ? "https" : "http";
  const own = URL.parse(`${scheme}://${client.host}`);
  const url = own && URL.parse(field, own);
  if (!url || url.origin !== own.origin) {
    throw new UploadRefused(502, "Destination is another site");
  }
  try {
    return decodeURIComponent(url.pathname);
  } catch {
    throw new UploadRefused(400, "Destination is not well encoded");
  }
}
