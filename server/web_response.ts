// What a `Response` is made of, without a trip through its streams.

/** What can be sent of a `Response` at once. */
export interface WholeResponse {
  status: number;
  reason: string;
  /** Names and values, as they were given. */
  fields: readonly (readonly [string, string])[];
  /** The type of a body for which no field was set. */
  contentType: string | null;
  body: string | Uint8Array | null;
}

/** How the platform keeps a body that is no stream. */
interface StaticBody {
  body: string | Uint8Array;
  consumed: boolean;
}

/** And the state of a response. */
interface InnerResponse {
  type: string;
  status: number;
  statusMessage: string;
  headerList: [string, string][];
  body: { streamOrStatic: ReadableStream | StaticBody } | null;
}

type Keyed = Record<symbol, unknown>;

const found: WholeResponse = {
  status: 0,
  reason: "",
  fields: [],
  contentType: null,
  body: null,
};
const NO_FIELDS: [string, string][] = [];
const TEXT_TYPE = "text/plain;charset=UTF-8";

let innerKey: symbol;
let lazyKey: symbol | undefined;
let lazyTypeKey: symbol | undefined;
let usedKey: symbol | undefined;
let isKnown: boolean | null = null;

/**
 * Reads a response whose body is there as a whole, and marks it as used.
 *
 * The platform's own way to a body of three bytes is a stream, which costs more
 * than the rest of the answer; where it keeps responses as it is known to, they
 * are read as they lie there.
 *
 * @returns The same object each time; null for streams, for what was read
 * before, and where the platform keeps responses in another way.
 */
export function takeWhole(response: Response): WholeResponse | null {
  isKnown ??= learn();
  return isKnown ? take(response) : null;
}

/**
 * Whether that can be done with a response that answers something. To look at
 * the body of one in the public way would make a stream of it.
 */
export function isWhole(response: Response): boolean {
  isKnown ??= learn();
  if (!isKnown) return false;
  const keyed = response as unknown as Keyed;
  const inner = keyed[innerKey] as InnerResponse | undefined;
  if (inner === undefined || !(inner.status >= 200)) return false;
  if (lazyKey !== undefined && typeof keyed[lazyKey] === "string") {
    return keyed[usedKey!] === false;
  }
  if (inner.body === null) return true;
  const kept = inner.body.streamOrStatic;
  return "consumed" in kept && !kept.consumed;
}

function take(response: Response): WholeResponse | null {
  const keyed = response as unknown as Keyed;
  const inner = keyed[innerKey] as InnerResponse | undefined;
  if (inner === undefined || inner.type === "error") return null;
  found.status = inner.status;
  found.reason = inner.statusMessage;
  const lazy = lazyKey === undefined ? null : keyed[lazyKey];
  if (typeof lazy === "string") {
    // Nobody has looked at its body or its fields, which are still to be made.
    if (inner.body !== null || inner.headerList.length > 0) return null;
    if (keyed[usedKey!] !== false) return null;
    keyed[usedKey!] = true;
    const type = keyed[lazyTypeKey!];
    found.fields = NO_FIELDS;
    found.contentType = typeof type === "string" ? type : TEXT_TYPE;
    found.body = lazy;
    return found;
  }
  found.fields = inner.headerList;
  found.contentType = null;
  // A type that is well known may be kept apart from other fields, too.
  const kept = lazyTypeKey === undefined ? null : keyed[lazyTypeKey];
  if (typeof kept === "string") {
    if (inner.headerList.length > 0) return null;
    found.contentType = kept;
  }
  if (inner.body === null) {
    found.body = null;
    return found;
  }
  const state = inner.body.streamOrStatic;
  if (!("consumed" in state) || state.consumed) return null;
  const { body } = state;
  if (typeof body !== "string" && !(body instanceof Uint8Array)) return null;
  state.consumed = true;
  found.body = body;
  return found;
}

/** Finds out how responses are kept; false where that is not understood. */
function learn(): boolean {
  const keys = Object.getOwnPropertySymbols(new Response("a"));
  const byName = (name: string) =>
    keys.find(({ description }) => description === name);
  const key = byName("response");
  if (key === undefined) return false;
  innerKey = key;
  lazyKey = byName("lazy static body");
  lazyTypeKey = byName("lazy static content type");
  usedKey = byName("serve fast consumed");
  const lazyKeys = [lazyKey, lazyTypeKey, usedKey];
  if (new Set(lazyKeys.map((key) => key === undefined)).size > 1) return false;
  try {
    return SAMPLES.every(({ make, type, body, extra }) => {
      const response = make();
      const whole = take(response);
      if (body === undefined) return whole === null;
      if (whole === null) return false;
      const { fields, contentType } = whole;
      const lines = fields.map(([name, value]) => `${name}: ${value}`);
      if (contentType !== null) lines.push(`content-type: ${contentType}`);
      const wanted = type === null
        ? extra
        : [`content-type: ${type}`, ...extra];
      return whole.status === response.status &&
        whole.reason === response.statusText &&
        lines.sort().join("\n").toLowerCase() ===
          wanted.join("\n").toLowerCase() &&
        String(whole.body) === body &&
        (body === "null" || response.bodyUsed && take(response) === null);
    });
  } catch {
    return false;
  }
}

interface Sample {
  make: () => Response;
  type: string | null;
  /** As text; undefined where it cannot be taken. */
  body: string | undefined;
  extra: string[];
}

function sample(
  make: () => Response,
  type: string | null,
  body: string | undefined,
  ...extra: string[]
): Sample {
  return { make, type, body, extra };
}

const INIT = { status: 201, statusText: "So", headers: { "x-a": "b" } };

const SAMPLES: Sample[] = [
  sample(() => new Response("a"), TEXT_TYPE, "a"),
  sample(() => new Response("a", INIT), TEXT_TYPE, "a", "x-a: b"),
  sample(() => new Response(""), TEXT_TYPE, ""),
  sample(() => Response.json(["é"]), "application/json", '["é"]'),
  sample(() => typed("application/json"), "application/json", "a"),
  sample(() => typed("a/b"), "a/b", "a"),
  sample(() => new Response(new Uint8Array([7, 8])), null, "7,8"),
  sample(() => new Response(null, { status: 204 }), null, "null"),
  sample(() => new Response(), null, "null"),
  sample(() => new Response(new ReadableStream()), null, undefined),
  sample(() => touched((response) => response.headers), TEXT_TYPE, "a"),
  sample(
    () => touched(({ headers }) => headers.append("x-a", "b")),
    TEXT_TYPE,
    "a",
    "x-a: b",
  ),
  sample(() => touched(({ body }) => body), TEXT_TYPE, undefined),
  sample(() => touched((response) => response.text()), TEXT_TYPE, undefined),
  sample(() => touched(({ body }) => body!.getReader()), null, undefined),
];

function typed(type: string): Response {
  return new Response("a", { headers: { "content-type": type } });
}

function touched(touch: (response: Response) => unknown): Response {
  const response = new Response("a");
  touch(response);
  return response;
}
