// The answer of a peer before it is measured: a wrong one must not win by being
// cheap.
import { contentLength, readAnswer, readText, sendGet } from "../load/http.ts";
import type { Server } from "../processes.ts";
import { makeBytes } from "./payloads.ts";
import { type Cell, expectedText } from "./rows.ts";

const TIMEOUT = 15_000;
const decoder = new TextDecoder();

/** Asks once and compares. */
export async function verify(
  cell: Cell,
  server: Server,
  path: string,
  cert: string,
): Promise<void> {
  const { row, size, isTls } = cell;
  // The load itself compares what comes back.
  if (row.kind === "websocket") return;
  if (["headers", "cookies"].includes(row.road)) {
    return await verifyRead(cell, server, path);
  }
  using client = Deno.createHttpClient({ caCerts: isTls ? [cert] : [] });
  const response = await fetch(
    `${isTls ? "https" : "http"}://localhost:${server.port}${path}`,
    {
      client,
      method: row.body ? "POST" : "GET",
      headers: { ...row.fields?.(size), "Accept-Encoding": "identity" },
      body: row.body?.(size),
      signal: AbortSignal.timeout(TIMEOUT),
    },
  );
  const body = await response.bytes();
  if (response.status !== 200) throw new Error(`Answers ${response.status}`);
  const text = expectedText(cell);
  if (text !== null) checkText(decoder.decode(body), text);
  else checkBytes(cell, body);
}

/** How many bytes an answer has on the wire, with its head and framing. */
export async function lengthOnWire(
  { isTls }: Cell,
  server: Server,
  path: string,
  cert: string,
): Promise<number> {
  const address = { hostname: "localhost", port: server.port };
  const conn = isTls
    ? await Deno.connectTls({ ...address, caCerts: [cert] })
    : await Deno.connect(address);
  return await within(conn, async () => {
    await sendGet(conn, path, "Connection: close\r\n");
    const buffer = new Uint8Array(262_144);
    const { head, start, end } = await readAnswer(conn, buffer);
    // The floor closes nothing.
    if (/\r\ncontent-length:/i.test(head)) return start + contentLength(head);
    let length = end;
    for (let n; (n = await conn.read(buffer)) !== null;) length += n;
    return length;
  });
}

/** Closes a connection at the end, or when that does not come. */
async function within<T>(
  conn: Deno.Conn,
  action: () => Promise<T>,
): Promise<T> {
  let isOpen = true;
  const close = (): void => {
    if (isOpen) conn.close();
    isOpen = false;
  };
  const timer = setTimeout(close, TIMEOUT);
  try {
    return await action();
  } finally {
    clearTimeout(timer);
    close();
  }
}

function checkText(actual: string, expected: string): void {
  if (actual === expected) return;
  throw new Error(`Answers wrongly: ${actual.slice(0, 200)}`);
}

function checkBytes({ row, size }: Cell, body: Uint8Array): void {
  const count = row.pieces(size);
  if (row.road === "events" || row.road === "multipart") {
    const mark = row.road === "events" ? "\n\n" : "Content-Type: image/jpeg";
    // A server may write the names of fields in its own case.
    const text = decoder.decode(body).toLowerCase();
    const found = text.split(mark.toLowerCase()).length - 1;
    if (found === count && body.length >= count * size) return;
    throw new Error(`Sends ${found} pieces and ${body.length} bytes`);
  }
  const piece = makeBytes(size);
  if (body.length !== count * size) throw new Error(`Sends ${body.length}`);
  for (let i = 0; i < body.length; i++) {
    if (body[i] !== piece[i % size]) throw new Error(`Byte ${i} is wrong`);
  }
}

/** The same by hand, as `fetch` has header fields of its own. */
async function verifyRead(
  cell: Cell,
  server: Server,
  path: string,
): Promise<void> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const fields = Object.entries(cell.row.fields!(cell.size))
    .map(([name, value]) => `${name}: ${value}\r\n`);
  await within(conn, async () => {
    await sendGet(conn, path, fields.join(""));
    const text = await readText(conn, new Uint8Array(4096));
    checkText(text, expectedText(cell)!);
  });
}
