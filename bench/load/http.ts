// The least client that the loads need: one GET on an open connection, and the
// body's length from its Content-Length.

/** What is read from and written to. */
type Conn = Pick<Deno.Conn, "read" | "write">;

const LF = 10;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Writes all of the bytes. */
export async function writeAll(
  conn: Conn,
  bytes: Uint8Array,
): Promise<void> {
  let sent = await conn.write(bytes);
  while (sent < bytes.length) sent += await conn.write(bytes.subarray(sent));
}

/** Sends a GET for `path` and does not wait; `fields` are further lines. */
export function sendGet(
  conn: Conn,
  path: string,
  fields: string = "",
): Promise<void> {
  return writeAll(
    conn,
    encoder.encode(
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`,
    ),
  );
}

/** A head, and where in the buffer the bytes behind it are. */
export interface Answer {
  readonly head: string;
  readonly start: number;
  readonly end: number;
}

/** Reads up to the end of a head that has to begin with `HTTP/1.1 STATUS `. */
export async function readAnswer(
  conn: Conn,
  buffer: Uint8Array,
  status: number = 200,
): Promise<Answer> {
  let end = 0;
  let start = -1;
  while (start < 0) {
    const n = await conn.read(buffer.subarray(end));
    if (n === null || n === 0) throw new Error("No answer");
    end += n;
    start = endOfHead(buffer, end);
  }
  const head = decoder.decode(buffer.subarray(0, start));
  if (!head.startsWith(`HTTP/1.1 ${status} `)) {
    throw new Error(`Not the answer expected: ${head}`);
  }
  return { head, start, end };
}

/**
 * Reads the head of an answer.
 *
 * @returns How many bytes of the body have not yet been read.
 */
export async function readHead(
  conn: Conn,
  buffer: Uint8Array,
): Promise<number> {
  const { head, start, end } = await readAnswer(conn, buffer);
  return contentLength(head) - (end - start);
}

/** Reads an answer whose text fits into the buffer. */
export async function readText(
  conn: Conn,
  buffer: Uint8Array,
): Promise<string> {
  const { head, start, end } = await readAnswer(conn, buffer);
  const last = start + contentLength(head);
  for (let at = end; at < last;) {
    const n = await conn.read(buffer.subarray(at, last));
    if (n === null || n === 0) throw new Error("The answer was cut short");
    at += n;
  }
  return decoder.decode(buffer.subarray(start, last));
}

/** The length of the body that a head announces. */
export function contentLength(head: string): number {
  const field = /\r\ncontent-length: *(\d+)\r\n/i.exec(head);
  if (!field) throw new Error(`Not the answer expected: ${head}`);
  return Number(field[1]);
}

function endOfHead(bytes: Uint8Array, length: number): number {
  for (let i = 3; i < length; i++) {
    if (bytes[i] === LF && bytes[i - 2] === LF) return i + 1;
  }
  return -1;
}
