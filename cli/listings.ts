import { applyCoding } from "../server/compression.ts";

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

interface Waiting {
  make: () => Promise<Listing | null>;
  done: PromiseWithResolvers<Listing | null>;
}

/**
 * Makes what is costly, such as the listing of a large folder, a few at a time,
 * and one for all who wait for the same: many who ask at once cost no more
 * than a few, and those who want something else are served between.
 */
export class Listings {
  readonly #waiting = new Map<string, Waiting>();
  #running = 0;

  /**
   * One that is begun from now on, so that nothing done before is missing.
   *
   * @param key What those ask for who get the same.
   */
  get(
    key: string,
    make: () => Promise<Listing | null>,
  ): Promise<Listing | null> {
    let waiting = this.#waiting.get(key);
    if (waiting === undefined) {
      waiting = { make, done: Promise.withResolvers() };
      this.#waiting.set(key, waiting);
      if (this.#running < LANES) this.#run();
    }
    return waiting.done.promise;
  }

  async #run(): Promise<void> {
    this.#running++;
    for (const [key, { make, done }] of this.#waiting) {
      this.#waiting.delete(key);
      await make().then(done.resolve, done.reject);
    }
    this.#running--;
  }
}

/** Makes a listing of a text. */
export async function listingOf(
  text: string,
  isCompressed: boolean,
): Promise<Listing> {
  const plain = new TextEncoder().encode(text);
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
  if (gzip === null) return { body: plain, headers: { vary: "accept" } };
  const headers = {
    // To compress it for each peer anew would hold up all others.
    "cache-control": "no-cache, no-transform",
    vary: "accept, accept-encoding",
  };
  return takesGzip(acceptEncoding)
    ? { body: gzip, headers: { ...headers, "content-encoding": "gzip" } }
    : { body: plain, headers };
}

/** Whether a peer takes gzip, as it is decided for any other answer. */
export function takesGzip(acceptEncoding: string | undefined): boolean {
  const head = {
    status: 200,
    reason: undefined,
    headers: { "content-type": "text/html" },
    cookies: "",
  };
  const how = { minLength: 0, encodings: ["gzip" as const] };
  return applyCoding(head, how, acceptEncoding, 1) === "gzip";
}
