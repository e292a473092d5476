// WebSocket for the loads: the handshake, and frames.
import { readAnswer, writeAll } from "./http.ts";

/** The key of RFC 6455 section 1.3, and the answer to it. */
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const MASK = [0x37, 0xfa, 0x21, 0x3d];

const encoder = new TextEncoder();

/** A frame that is a whole message. */
export function makeFrame(
  payload: Uint8Array,
  isText: boolean,
  isMasked: boolean,
): Uint8Array<ArrayBuffer> {
  const { length } = payload;
  const head = [isText ? 0x81 : 0x82];
  const maskBit = isMasked ? 0x80 : 0;
  if (length < 126) head.push(maskBit | length);
  else if (length < 65_536) head.push(maskBit | 126, length >> 8, length & 255);
  else {
    head.push(maskBit | 127, 0, 0, 0, 0);
    for (const shift of [24, 16, 8, 0]) head.push(length >> shift & 255);
  }
  if (isMasked) head.push(...MASK);
  const frame = new Uint8Array(head.length + length);
  frame.set(head);
  for (let i = 0; i < length; i++) {
    frame[head.length + i] = payload[i] ^ (isMasked ? MASK[i & 3] : 0);
  }
  return frame;
}

/** Asks for a WebSocket, and checks the answer to the key. */
export async function openWebsocket(
  conn: Pick<Deno.Conn, "read" | "write">,
  path: string,
  buffer: Uint8Array,
): Promise<void> {
  await writeAll(
    conn,
    encoder.encode(
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n` +
        `Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Key: ${KEY}\r\n\r\n`,
    ),
  );
  const { head, start, end } = await readAnswer(conn, buffer, 101);
  if (!head.includes(`: ${ACCEPT}\r\n`)) {
    throw new Error(`Not the key expected: ${head}`);
  }
  if (start < end) throw new Error("A frame that nobody has asked for");
}
