import type { HttpConnection } from "../server.ts";
import type { Folder, Found } from "./folder.ts";
import { membersOf, plainName } from "./members.ts";
import type { Headers } from "./replies.ts";
import { tar } from "./tar.ts";
import { zip } from "./zip.ts";

/** How a folder can be had in one piece. */
export const ARCHIVES = ["zip", "tar"] as const;
/** One of {@linkcode ARCHIVES}. */
export type ArchiveKind = typeof ARCHIVES[number];

/** So many are made at once: each keeps in mind what it has in it. */
const MAX_AT_ONCE = 16;
/** And so many for one address. */
const MAX_EACH = 4;

/** Sends folders as archives, a few at a time. */
export class Archives {
  readonly #folder: Folder;
  /** How many, by address. */
  readonly #running = new Map<string, number>();

  constructor(folder: Folder) {
    this.#folder = folder;
  }

  /**
   * Answers with a folder; `null` if too many are under way.
   *
   * @param headers Fields to send as well.
   */
  async send(
    client: HttpConnection,
    found: Found,
    kind: ArchiveKind,
    headers: Headers,
  ): Promise<boolean | null> {
    const { remoteAddress } = client;
    const count = this.#running.get(remoteAddress) ?? 0;
    const all = [...this.#running.values()].reduce((a, b) => a + b, 0);
    if (all >= MAX_AT_ONCE || count >= MAX_EACH) return null;
    this.#running.set(remoteAddress, count + 1);
    try {
      const name = found.segments.at(-1) ?? "files";
      const members = membersOf(this.#folder, found, name);
      const file = `${plainName(name)}.${kind}`;
      const ascii = file.replace(/[^\x20-\x7e]|["\\%]/g, "_");
      const encoded = encodeURIComponent(file)
        .replace(/['()*]/g, (char) => "%" + char.charCodeAt(0).toString(16));
      return await client.respond(
        kind === "zip" ? zip(members) : tar(members),
        {
          headers: {
            ...headers,
            "content-type": kind === "zip"
              ? "application/zip"
              : "application/x-tar",
            "content-disposition": `attachment; filename="${ascii}"; ` +
              `filename*=UTF-8''${encoded}`,
          },
        },
      );
    } finally {
      const left = this.#running.get(remoteAddress)! - 1;
      if (left > 0) this.#running.set(remoteAddress, left);
      else this.#running.delete(remoteAddress);
    }
  }
}
