// The same bytes to our parser and, from a socket, to the client of node:http.
// What we take must mean the same to it; each difference has its reason here.
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { assertEquals, assertRejects } from "@std/assert";
import { forgivenResponses } from "../cases/forgiven_responses.ts";
import { isFinal, responses } from "../cases/responses.ts";
import { latin1Bytes, latin1Text } from "../support/bytes.ts";
import { readWholeResponses } from "../support/response_splits.ts";

const MINOR = "takes no minor versions but 0 and 1";

/** Good responses that node:http refuses, and why. */
const DIFFERENCES: Record<string, string> = {
  "HTTP/1.2, read as 1.1": MINOR,
  "HTTP/1.9, read as 1.1": MINOR,
  "HTTP/1.2 with chunks": MINOR,
  "chunk extensions": "takes no blanks around chunk extensions",
  "trailer fields, which are no headers": "takes no framing in trailers",
  "an interim response of HTTP/1.0":
    "takes an interim response of HTTP/1.0 for the last on its connection",
};

/** What breaks the grammar, and what more than one peer makes of it. */
const odd = new Set(forgivenResponses); // see tests/world

const DEADLINE = 2000;

interface Answer {
  status: number;
  statusMessage: string;
  headers: [name: string, value: string][];
  body: string;
}

/** Answers one connection with some bytes, once its request is in. */
async function answerOnce(
  listener: Deno.Listener,
  bytes: Uint8Array,
): Promise<void> {
  using conn = await listener.accept();
  await conn.read(new Uint8Array(4096));
  try {
    for (let at = 0; at < bytes.length;) {
      at += await conn.write(bytes.subarray(at));
    }
    await conn.closeWrite();
    // Up to the peer's end, so that it is never reset while it reads.
    while (await conn.read(new Uint8Array(4096)) !== null);
  } catch {
    // The peer has gone, as it found a fault.
  }
}

function ask(port: number, method: string): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const options = { host: "127.0.0.1", port, method, agent: false as const };
  const outgoing: ClientRequest = request(options, read);
  outgoing.on("error", reject);
  const timer = setTimeout(() => {
    outgoing.destroy();
    reject(new Error("No answer"));
  }, DEADLINE);
  function read(incoming: IncomingMessage): void {
    let body = "";
    incoming.on("data", (piece: Uint8Array) => body += latin1Text(piece));
    incoming.on("error", reject);
    incoming.on("end", () =>
      resolve({
        status: incoming.statusCode!,
        statusMessage: incoming.statusMessage!,
        headers: joinedFields(incoming.rawHeaders),
        body,
      }));
  }
  outgoing.end();
  return promise.finally(() => {
    clearTimeout(timer);
    outgoing.destroy();
  });
}

/** Fields from names and values in turn, joined where they are repeated. */
function joinedFields(raw: string[]): [name: string, value: string][] {
  const values = new Map<string, string[]>();
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i].toLowerCase();
    values.set(name, [...values.get(name) ?? [], raw[i + 1]]);
  }
  return [...values].map(([name, all]) => [name, all.join(", ")]);
}

async function answerOf(
  bytes: Uint8Array,
  method: string,
): Promise<Answer> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = answerOnce(listener, bytes);
  try {
    return await ask(listener.addr.port, method);
  } finally {
    await served;
  }
}

for (const row of responses) {
  if (row.end !== "complete" && row.end !== "until-close") continue;
  if (odd.has(row)) continue;
  // Only one response is asked for.
  const last = row.responses.findIndex(({ status = 200 }) => isFinal(status));
  const { method = "GET", status } = row.responses[last] ?? { status: 101 };
  // A switch and a tunnel are not told of as responses there.
  if (status === 101 || method === "CONNECT") continue;
  // It sends every method in capitals.
  if (method !== method.toUpperCase()) continue;
  const bytes = latin1Bytes(row.parts.slice(0, last + 1).join(""));
  const reason = DIFFERENCES[row.name];
  const verb = reason === undefined ? "agrees with" : "takes more than";
  Deno.test(`ResponseParser ${verb} node:http on ${row.name}`, async () => {
    if (reason !== undefined) {
      await assertRejects(() => answerOf(bytes, method), Error, "Parse Error");
      return;
    }
    const theirs = await answerOf(bytes, method);
    const { status, statusMessage, headers, body } =
      readWholeResponses(bytes, [method], row.options).responses[last];
    const fields = Object.entries(headers);
    assertEquals(theirs, { status, statusMessage, headers: fields, body });
  });
}
