/**
 * An application whose listener is at fault, in a process that this may end.
 * Arguments: the fault, and "onError" where the server is to be told of it.
 * Prints what the server was told, how the peer's WebSocket ended, and whether
 * others are served behind it.
 */
import { HttpClient, HttpServer, serve, type Websocket } from "@uhttp/uhttp";
import { eventually } from "./serving.ts";
import { RawClient } from "./raw_client.ts";
import { frame, WebsocketPeer } from "./websocket_peer.ts";

const [name, teller] = Deno.args;
// A peer that waits in vain is to end it, too.
Deno.unrefTimer(setTimeout(() => Deno.exit(2), 15_000));
const reports: string[] = [];
const onError = teller === "onError"
  ? (error: unknown) => {
    reports.push((error as Error).message);
  }
  : undefined;

function fail(): never {
  throw new Error("at fault");
}

/** A listener whose promise is rejected. */
async function failLater(): Promise<void> {
  await null;
  fail();
}

/** Faults of a WebSocket's listeners, and what the peer sends. */
const LISTENERS: Record<string, [(ws: Websocket) => void, Uint8Array]> = {
  "onmessage": [
    (ws) => ws.onmessage = ({ data }) => JSON.parse(data) ?? fail(),
    frame(0x81, "null"),
  ],
  "a listener for messages": [
    (ws) => ws.addEventListener("message", fail),
    frame(0x81, "x"),
  ],
  "a listener for the first message": [
    (ws) => ws.addEventListener("message", fail, { once: true }),
    frame(0x81, "x"),
  ],
  "an object that listens": [
    (ws) => ws.addEventListener("message", { handleEvent: fail }),
    frame(0x81, "x"),
  ],
  "an object that cannot listen": [
    (ws) =>
      ws.addEventListener(
        "message",
        { handleEvent: { at: fail } } as unknown as EventListenerObject,
      ),
    frame(0x81, "x"),
  ],
  "an async onmessage": [
    (ws) => ws.onmessage = failLater,
    frame(0x81, "x"),
  ],
  "an async listener": [
    (ws) => ws.addEventListener("message", failLater),
    frame(0x81, "x"),
  ],
  "onmessage for what came before": [
    (ws) => setTimeout(() => ws.onmessage = fail, 20),
    frame(0x81, "x"),
  ],
  "onclose": [(ws) => ws.onclose = fail, frame(0x88)],
  "an async onclose": [(ws) => ws.onclose = failLater, frame(0x88)],
  "onerror": [(ws) => ws.onerror = fail, frame(0x83)],
  "onopen": [
    (ws) => {
      ws.onopen = fail;
      ws.dispatchEvent(new Event("open"));
    },
    frame(0x8a),
  ],
};

/** Faults of listeners for the end of a request. */
const SIGNALS: Record<string, (signal: AbortSignal) => void> = {
  "a listener for abort": (signal) => signal.addEventListener("abort", fail),
  "onabort": (signal) => signal.onabort = fail,
  "an async listener for abort": (signal) =>
    signal.addEventListener("abort", failLater),
  "an async onabort": (signal) => signal.onabort = failLater,
  "a listener of a signal that follows": (signal) => {
    const all = AbortSignal.any([signal, new AbortController().signal]);
    all.addEventListener("abort", fail);
    kept.push(all);
  },
};
const kept: unknown[] = [];

/** How the WebSocket ended, for the other side. */
let ended: string | number | null = null;

const listen = LISTENERS[name];
const address = { hostname: "127.0.0.1", port: 0 };
const isHandler = name === "a handler";
let asked = 0;
let server: HttpServer;
if (isHandler) {
  server = serve(async (_, { client }) => {
    if (!client.isWebsocketRequest) return new Response("ok");
    for await (const _ of client.acceptWebsocket()!) fail();
    return new Response();
  }, {
    ...address,
    onListen: () => {},
    onError: (error) => {
      if (onError === undefined) console.error(error);
      else onError(error);
      return new Response("failed", { status: 500 });
    },
  });
} else {
  server = new HttpServer({
    ...address,
    onError: name === "an async onError" ? failLater : onError,
  });
  (async () => {
    for await (const client of server) {
      if (client.isWebsocketRequest) {
        const ws = client.acceptWebsocket()!;
        if (name === "a client's onmessage") {
          ws.send("x");
          ended = (await ws.closed).code;
        } else listen[0](ws);
      } else if (client.path === "/held") {
        SIGNALS[name]?.(client.signal);
        asked++;
      } else client.respond("ok");
    }
  })();
}

if (listen !== undefined || isHandler) {
  const peer = await new WebsocketPeer(
    (await RawClient.connect(server)).conn,
  ).open();
  // Many, of which one is enough to fail at.
  const sent = listen?.[1] ?? frame(0x81, "x");
  for (let i = 0; i < 20; i++) await peer.send(sent);
  ended = await peer.event();
  peer.close();
} else if (SIGNALS[name] !== undefined || name === "an async onError") {
  const peer = await RawClient.connect(server);
  if (name === "an async onError") {
    await peer.send("nonsense\r\n\r\n");
    await peer.rest();
  } else {
    await peer.send("GET /held HTTP/1.1\r\nHost: a\r\n\r\n");
    await eventually(() => asked > 0);
  }
  peer.close();
} else if (name === "a client's onmessage") {
  const client = new HttpClient(server.url);
  const ws = await client.websocket("/");
  ws.onmessage = fail;
  await ws.closed;
  await eventually(() => ended !== null);
  await client.close();
} else if (name === "a client's connect") {
  for (const listener of [fail, failLater]) {
    const client = new HttpClient(server.url, {
      connect: ({ signal }) => {
        signal.addEventListener("abort", listener);
        return new Promise(() => {});
      },
    });
    const request = client.get("/").then(() => {}, () => {});
    await new Promise((resolve) => setTimeout(resolve, 20));
    await client.close();
    await request;
  }
} else throw new Error(`No such fault: ${name}`);

// What is rejected later than all of this would still end the process.
await new Promise((resolve) => setTimeout(resolve, 50));
const client = new HttpClient(server.url);
const served = await (await client.get("/")).text();
await client.close();
await server.close();
console.log(JSON.stringify({ reports, ended, served }));
