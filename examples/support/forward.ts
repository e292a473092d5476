// What proxy.ts and connect.ts have in common: a request goes on to another
// server, and the answer comes back, both as they arrive.
import type { HttpConnection } from "@uhttp/uhttp";

/** How long the other server may take to answer what it has got, in ms. */
const TIMEOUT = 30_000;

/** Fields that concern one connection only (RFC 9110 section 7.6.1). */
export const HOP_BY_HOP: readonly string[] = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** The fields that may be passed on. Those that `Connection` names may not. */
function endToEnd(headers: Headers): Headers {
  const named = (headers.get("connection") ?? "").toLowerCase().split(",");
  const dropped = [...HOP_BY_HOP, ...named.map((name) => name.trim())];
  const passed = new Headers({ via: "1.1 uhttp" });
  for (const [name, value] of headers) {
    if (!dropped.includes(name)) passed.append(name, value);
  }
  return passed;
}

/**
 * Passes a request on. Never rejects: what goes wrong is a response too.
 *
 * @param url Where to.
 * @param added Fields to send beside those of the client.
 */
export async function forward(
  client: HttpConnection,
  url: URL,
  added: Record<string, string> = {},
): Promise<Response> {
  const { method } = client;
  if (method === "TRACE" || method === "CONNECT") {
    return new Response("Method cannot be passed on\n", { status: 405 });
  }
  const headers = endToEnd(new Headers(client.headers as HeadersInit));
  headers.delete("host"); // fetch() takes it from the URL
  headers.delete("expect"); // the server has seen to that
  // fetch() would decode what comes compressed, and then the length, the ETag
  // and the ranges of the answer were those of something else.
  headers.set("accept-encoding", "identity");
  for (const [name, value] of Object.entries(added)) headers.set(name, value);

  // The other server has its time from when the whole request is sent: large
  // bodies may take longer. When the client goes, nobody waits for an answer.
  const timeout = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  const isSent = () => {
    if (!isOver) timer = setTimeout(() => timeout.abort(), TIMEOUT);
  };
  let body: ReadableStream<Uint8Array<ArrayBuffer>> | null = null;
  if (method === "GET" || method === "HEAD" || client.isLoaded) isSent();
  else {
    // A stream: as much is read from the client as the other server takes.
    body = client.body.pipeThrough(new TransformStream({ flush: isSent }));
  }
  try {
    const response = await fetch(url, {
      method,
      headers,
      body,
      redirect: "manual", // it is the client's to follow
      signal: AbortSignal.any([client.signal, timeout.signal]),
    });
    return new Response(response.body, {
      status: response.status,
      statusText: response.statusText,
      headers: endToEnd(response.headers),
    });
  } catch (error) {
    if (client.signal.aborted) {
      console.log(`${client.socketAddress} has gone: ${method} ${url}`);
    } else console.error(`${method} ${url}:`, error);
    // The reason is for our log; it may tell what is nobody else's business.
    return timeout.signal.aborted
      ? new Response("No answer in time\n", { status: 504 })
      : new Response("Server cannot be reached\n", { status: 502 });
  } finally {
    isOver = true;
    clearTimeout(timer);
  }
}
