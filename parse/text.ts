import { ProtocolError } from "./errors.ts";

const utf8 = new TextDecoder();
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Bytes of UTF-8 as text. A byte order mark stays in it (RFC 3629 section 6
 * leaves that to the protocol).
 *
 * @throws {ProtocolError} If they are none.
 */
export function parseUtf8(bytes: Uint8Array): string {
  // The strict decoder is several times slower. The plain one drops a byte
  // order mark, and puts U+FFFD where there is a fault.
  if (bytes[0] !== 0xef) {
    const text = utf8.decode(bytes);
    if (!text.includes("\ufffd")) return text;
  }
  try {
    return strictUtf8.decode(bytes);
  } catch {
    throw new ProtocolError("bad-encoding");
  }
}

/** Up to so many bytes a loop is quicker than a decoder. */
export const LOOP_UP_TO = 24;
/** Arguments of one call. */
const MAX_ARGUMENTS = 4096;

/** Bytes as text, one character a byte: what heads and field values are. */
export function byteText(
  bytes: Uint8Array,
  start: number = 0,
  end: number = bytes.length,
): string {
  const length = end - start;
  if (length <= LOOP_UP_TO) return shortText(bytes, start, end);
  // The decoder for this encoding is slow, that of UTF-8 is not. It makes as
  // many characters as there are bytes of what is ASCII, or faulty.
  let text = utf8.decode(bytes.subarray(start, end));
  if (text.length === length && !text.includes("\ufffd")) return text;
  text = "";
  for (let at = start; at < end; at += MAX_ARGUMENTS) {
    const part = bytes.subarray(at, Math.min(at + MAX_ARGUMENTS, end));
    text += String.fromCharCode.apply(null, part as unknown as number[]);
  }
  return text;
}

/** The same, by a loop. It takes several bytes at once, as calls are few then. */
export function shortText(
  bytes: Uint8Array,
  start: number,
  end: number,
): string {
  let text = "";
  let i = start;
  for (; i + 8 <= end; i += 8) {
    text += String.fromCharCode(
      bytes[i],
      bytes[i + 1],
      bytes[i + 2],
      bytes[i + 3],
      bytes[i + 4],
      bytes[i + 5],
      bytes[i + 6],
      bytes[i + 7],
    );
  }
  for (; i < end; i++) text += String.fromCharCode(bytes[i]);
  return text;
}

/**
 * Text that was read one character a byte, as the UTF-8 that its bytes are; as
 * it is where they are none.
 */
export function utf8OfBytes(text: string): string {
  if (!/[\x80-\xff]/.test(text)) return text;
  const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return text;
  }
}
