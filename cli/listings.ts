import { chooseCoding } from "../wire/content_coding.ts";

/** How many are made side by side. */
const LANES = 2;
/** Bytes from which on a page is compressed once, for all who get it. */
const LARGE = 32 * 1024;
/** Bytes that are compressed in one turn. */
const PIECE = 64 * 1024;

/** A page that may be large, and that many may get. */
export interface Listing {
  /** As it is. */
  readonly plain: Uint8Array<ArrayBuffer>;
  /** By gzip; `null` where that is not worth while. */
  readonly gzip: Uint8Array<ArrayBuffer> | null;
}

/**
 * Makes what is costly, such as the listing of a large folder, a few at a time,
 * and one for all who wait for the same: many who ask at once cost no more
 * than a few, and those who want something else are served between.
 */
export class Listings {
  readonly #make: (key: string) => Promise<Listing | null>;
  readonly #waiting = new Map<string, PromiseWithResolvers<Listing | null>>();
  #running = 0;

  constructor(make: (key: string) => Promise<Listing | null>) {
    this.#make = make;
  }

  /** One that is begun from now on, so that nothing done before is missing. */
  get(key: string): Promise<Listing | null> {
    let waiting = this.#waiting.get(key);
    if (waiting === undefined) {
      waiting = Promise.withResolvers();
      this.#waiting.set(key, waiting);
      if (this.#running < LANES) this.#run();
    }
    return waiting.promise;
  }

  async #run(): Promise<void> {
    this.#running++;
    for (const [key, { resolve, reject }] of this.#waiting) {
      this.#waiting.delete(key);
      await this.#make(key).then(resolve, reject);
    }
    this.#running--;
  }
}

/** Makes a listing of a page. */
export async function listingOf(
  html: string,
  isCompressed: boolean,
): Promise<Listing> {
  const plain = new TextEncoder().encode(html);
  const gzip = isCompressed && plain.length >= LARGE
    ? await compress(plain)
    : null;
  return { plain, gzip };
}

async function compress(
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const pieces = function* () {
    for (let at = 0; at < bytes.length; at += PIECE) {
      yield bytes.subarray(at, at + PIECE);
    }
  };
  const stream = ReadableStream.from(pieces())
    .pipeThrough(new CompressionStream("gzip"));
  return await new Response(stream).bytes();
}

/** What of a listing a peer gets, and the fields that go with it. */
export function chooseForm(
  { plain, gzip }: Listing,
  acceptEncoding: string | undefined,
): { body: Uint8Array<ArrayBuffer>; headers: Record<string, string> } {
  if (gzip === null) return { body: plain, headers: {} };
  const headers = {
    // To compress it for each peer anew would hold up all others.
    "cache-control": "no-cache, no-transform",
    vary: "accept-encoding",
  };
  return chooseCoding(acceptEncoding, ["gzip"]) === "gzip"
    ? { body: gzip, headers: { ...headers, "content-encoding": "gzip" } }
    : { body: plain, headers };
}
