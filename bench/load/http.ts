// The least client that the loads need: one GET on an open connection, and the
// body's length from its Content-Length.

const LF = 10;
const decoder = new TextDecoder();

/** Sends a GET for `path` and does not wait. */
export async function sendGet(conn: Deno.Conn, path: string): Promise<void> {
  const bytes = new TextEncoder().encode(
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  );
  let sent = 0;
  while (sent < bytes.length) sent += await conn.write(bytes.subarray(sent));
}

/**
 * Reads the head of an answer.
 *
 * @returns How many bytes of the body have not yet been read.
 */
export async function readHead(
  conn: Deno.Conn,
  buffer: Uint8Array,
): Promise<number> {
  let length = 0;
  let end = -1;
  while (end < 0) {
    const n = await conn.read(buffer.subarray(length));
    if (n === null || n === 0) throw new Error("No answer");
    length += n;
    end = endOfHead(buffer, length);
  }
  const head = decoder.decode(buffer.subarray(0, end));
  const field = /\r\ncontent-length: *(\d+)\r\n/i.exec(head);
  if (!head.startsWith("HTTP/1.1 200 ") || !field) {
    throw new Error(`Not the answer expected: ${head}`);
  }
  return Number(field[1]) - (length - end);
}

function endOfHead(bytes: Uint8Array, length: number): number {
  for (let i = 3; i < length; i++) {
    if (bytes[i] === LF && bytes[i - 2] === LF) return i + 1;
  }
  return -1;
}
