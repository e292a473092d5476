import { Buffer } from "node:buffer";
import { ProtocolError } from "./errors.ts";

const utf8 = new TextDecoder();
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Decodes UTF-8, all of it.
 *
 * @throws {ProtocolError} If it is none.
 */
export function decodeUtf8(bytes: Uint8Array): string {
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

/** How many bytes text has as UTF-8; half of an emoji counts as U+FFFD. */
export function utf8Length(text: string): number {
  return Buffer.byteLength(text);
}

/** Bytes as text, one character a byte: what field values are made of. */
export function byteText(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
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
