import { isToken } from "../parse/chars.ts";
import { trim } from "../parse/fields.ts";

/** A coding that a body can be compressed with. `deflate` is the zlib format. */
export type ContentCoding = "br" | "gzip" | "deflate";

/** All of them, the one that compresses best first. */
export const CONTENT_CODINGS: readonly ContentCoding[] = [
  "br",
  "gzip",
  "deflate",
];

/** `OWS ";" OWS "q=" qvalue`, or nothing (RFC 9110 section 12.4.2). */
const WEIGHT = /^(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/i;

/**
 * The coding to send a body in, by the peer's `Accept-Encoding` (RFC 9110
 * section 12.5.3); `null` where none is acceptable, not even `identity`.
 *
 * The highest weight wins, and among equals the first that is offered;
 * `identity` comes last, as it must be asked for to win. An element that is
 * malformed counts for nothing, and of one that is repeated the lower weight.
 *
 * @param acceptEncoding The field's value. Without the field all codings are
 * acceptable, but such a peer rarely knows any.
 * @param offered In the order of the server's preference.
 */
export function chooseCoding(
  acceptEncoding: string | undefined,
  offered: readonly ContentCoding[],
): ContentCoding | "identity" | null {
  if (acceptEncoding === undefined || acceptEncoding === "") return "identity";
  const weights = readWeights(acceptEncoding);
  const others = weights.get("*");
  // What is not listed is acceptable uncoded, though anything listed is better.
  let best = weights.get("identity") ?? others ?? Number.MIN_VALUE;
  let choice: ContentCoding | "identity" | null = best > 0 ? "identity" : null;
  for (const coding of offered) {
    const weight = weights.get(coding) ?? others ?? 0;
    if (weight > best || weight === best && choice === "identity") {
      best = weight;
      choice = coding;
    }
  }
  return choice;
}

function readWeights(acceptEncoding: string): Map<string, number> {
  const weights = new Map<string, number>();
  for (const element of acceptEncoding.split(",")) {
    const text = trim(element);
    const end = text.search(/[ \t;]|$/);
    const weight = WEIGHT.exec(text.slice(end));
    let coding = text.slice(0, end).toLowerCase();
    if (weight === null || !isToken(coding)) continue;
    if (coding === "x-gzip") coding = "gzip"; // RFC 9110 section 8.4.1.3
    const value = Number(weight[1] ?? 1);
    weights.set(coding, Math.min(value, weights.get(coding) ?? 1));
  }
  return weights;
}

/** Types outside `text/` and without a telling suffix that are not packed yet. */
const COMPRESSIBLE: ReadonlySet<string> = new Set([
  "application/ecmascript",
  "application/graphql",
  "application/javascript",
  "application/json",
  "application/json-seq",
  "application/jsonl",
  "application/ndjson",
  "application/postscript",
  "application/rtf",
  "application/sql",
  "application/toml",
  "application/vnd.ms-fontobject",
  "application/wasm",
  "application/x-javascript",
  "application/x-ndjson",
  "application/x-www-form-urlencoded",
  "application/xml",
  "application/xml-dtd",
  "application/yaml",
  "font/collection",
  "font/otf",
  "font/ttf",
  "image/bmp",
  "image/vnd.microsoft.icon",
  "image/x-icon",
]);

/**
 * Whether bodies of a content type become smaller by compression, as text
 * does. `text/event-stream` does too, where each event is flushed.
 */
export function isCompressible(contentType: string): boolean {
  const end = contentType.indexOf(";");
  const type = trim(contentType, 0, end < 0 ? contentType.length : end)
    .toLowerCase();
  return type.startsWith("text/") || COMPRESSIBLE.has(type) ||
    /\+(?:json|json-seq|xml|yaml)$/.test(type);
}

/** The value of a `Vary` field with one more field name, if it is not in it. */
export function addVary(value: string | undefined, field: string): string {
  if (value === undefined || value === "") return field;
  const lower = field.toLowerCase();
  const isIn = value.split(",").some((element) => {
    const name = trim(element).toLowerCase();
    return name === lower || name === "*";
  });
  return isIn ? value : `${value}, ${field}`;
}
