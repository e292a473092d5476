import { ProtocolError } from "./errors.ts";
import { parseHeaderParameters } from "./values.ts";

const utf8 = new TextDecoder();

/**
 * Text in the charset that a `Content-Type` names; UTF-8 where it names none,
 * or one that is not known. A byte order mark before it is left out, and what
 * is not of the charset becomes U+FFFD.
 *
 * @throws {ProtocolError} With `fatal`, if anything is not of it.
 */
export function decodeText(
  bytes: Uint8Array,
  contentType: string,
  fatal = false,
): string {
  const label = charsetOf(contentType);
  if (label === "utf-8" && !fatal) return utf8.decode(bytes);
  try {
    return decoderOf(label, fatal).decode(bytes);
  } catch {
    throw new ProtocolError("bad-encoding");
  }
}

/** The label of a charset, without the quotes that people put around it. */
export function charsetOf(contentType: string): string {
  const charset = /charset/i.test(contentType)
    ? parseHeaderParameters(contentType).charset
    : undefined;
  return charset?.replace(/^['"]+|['"]+$/g, "").toLowerCase() || "utf-8";
}

/** A decoder of a charset; of UTF-8 where the label is not known. */
export function decoderOf(label: string, fatal = false): TextDecoder {
  try {
    return new TextDecoder(label, { fatal });
  } catch {
    return new TextDecoder("utf-8", { fatal });
  }
}
