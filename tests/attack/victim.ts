// A process with servers that are attacked: it is given their options as JSON,
// and answers with everything that a server of this library can do.
import {
  type HttpConnection,
  HttpServer,
  type HttpServerOptions,
} from "@uhttp/uhttp";
import { answer, tell } from "./children.ts";
import { type Gauges, openThings, read, watch } from "./gauges.ts";

/** What it is started with: the options of each server. */
export type VictimOptions = Record<string, HttpServerOptions>;

/** What it says of itself when it is asked for `stats`. */
export interface VictimStats extends Gauges {
  servers: Record<string, HttpServer["stats"] & { held: number }>;
  errors: number;
}

const FILE_SIZE = 10_485_760;
const PIECE = new Uint8Array(16_384).fill(97);
const TEXT = "a".repeat(16_000);

const file = await Deno.makeTempFile();
await Deno.truncate(file, FILE_SIZE);
const large = new Uint8Array(FILE_SIZE);
const longText = "é".repeat(FILE_SIZE / 2);

const held = new Map<HttpServer, Set<HttpConnection>>();
let errors = 0;

/** Makes parts of an answer for as long as somebody takes them. */
async function goOn(send: () => Promise<boolean>): Promise<void> {
  while (await send());
}

/** What answers a client; with `silent` behind it, streams bring nothing. */
type Handler = (client: HttpConnection, rest: string) => unknown;

const HANDLERS: Record<string, Handler> = {
  "": (client) => client.respond("hello"),
  held(client) {
    const others = held.get(client.server)!;
    others.add(client);
    client.signal.addEventListener("abort", () => {
      others.delete(client);
      client.close();
    });
  },
  later(client) {
    setTimeout(() => client.respond("at last"), 3000);
  },
  large: (client) => client.respond(large),
  text: (client) => client.respond(longText),
  file: (client) => client.respondFile(file),
  async events(client, rest) {
    client.responseEvents();
    if (rest !== "silent") await goOn(() => client.sendEvent({ data: TEXT }));
  },
  async ndjson(client, rest) {
    client.responseNdjson();
    if (rest !== "silent") await goOn(() => client.sendNdjson(TEXT));
  },
  async multipart(client, rest) {
    client.responseMultipart();
    if (rest === "silent") return;
    await goOn(() => client.responseMultipartFrame(PIECE));
  },
  async chunks(client, rest) {
    client.responseStream();
    if (rest !== "silent") await goOn(() => client.sendChunk(PIECE));
  },
  response: (client, rest) =>
    client.respondWith(
      new Response(
        new ReadableStream({
          pull(controller) {
            if (rest !== "silent") controller.enqueue(PIECE.slice());
          },
        }),
      ),
    ),
  async ws(client, rest) {
    const ws = client.acceptWebsocket({ compress: true });
    if (ws === null) return;
    if (rest === "listen") {
      ws.onmessage = ({ data }) => {
        if (ws.readyState === 1) ws.send(data);
      };
    } else if (rest === "deaf") await goOn(() => ws.send(TEXT));
    else for await (const message of ws) await ws.send(message);
  },
  async hijack(client, rest) {
    const conn = client.hijack();
    try {
      if (rest === "deaf") { while (await conn.write(PIECE)); }
      else await conn.readable.pipeTo(conn.writable);
    } catch {
      conn.close();
    }
  },
  async tunnel(client) {
    const conn = client.upgrade();
    await conn.readable.pipeTo(conn.writable).catch(() => conn.close());
  },
  json: async (client) =>
    client.respond(await client.json().catch(() => undefined) ?? null),
  async request(client) {
    const value = await client.request.json();
    await client.respondWith(Response.json(value));
  },
  async form(client) {
    const { data } = client;
    const values = client.isLoaded ? data : await client.form();
    client.respond(String(Object.keys(values).length));
  },
  async parts(client) {
    let count = 0;
    for await (const _ of client.parts()) count++;
    client.respond(String(count));
  },
  async body(client) {
    const body = client.body.getReader();
    let length = 0;
    for (;;) {
      const { value, done } = await body.read();
      if (done) break;
      length += value.length;
    }
    client.respond(String(length));
  },
  refuse: (client) => client.respond("No", { status: 403 }),
};

async function handle(client: HttpConnection): Promise<void> {
  try {
    const [, first, rest = ""] = client.method === "CONNECT"
      ? ["", "tunnel"]
      : client.path.split("/");
    await (HANDLERS[first] ?? HANDLERS[""])(client, rest);
  } catch (error) {
    if (client.isAnswered) client.close();
    else {client.respond("Bad", {
        status: (error as { status?: number }).status ?? 400,
      });}
  }
}

async function run(server: HttpServer): Promise<void> {
  for await (const client of server) handle(client);
}

const options: VictimOptions = JSON.parse(Deno.args[0]);
const servers: Record<string, HttpServer> = {};
for (const [name, own] of Object.entries(options)) {
  const server = servers[name] = new HttpServer({
    hostname: "127.0.0.1",
    port: 0,
    allowConnect: true,
    onError: () => errors++,
    ...own,
  });
  held.set(server, new Set());
  run(server);
}

async function stats(): Promise<VictimStats> {
  return {
    ...await read(),
    servers: Object.fromEntries(
      Object.entries(servers).map(([name, server]) => [
        name,
        { ...server.stats, held: held.get(server)!.size },
      ]),
    ),
    errors,
  };
}

watch();
addEventListener("unhandledrejection", (event) => {
  // As without this, but told: it is a fault of the library or of this file.
  console.error("Unhandled:", event.reason);
});
tell(
  Object.fromEntries(
    Object.entries(servers).map(([name, { port }]) => [name, port]),
  ),
);
addEventListener("unload", () => Deno.removeSync(file));
await answer(async (what) => {
  const [command, name] = what.split(" ");
  if (command === "stop") {
    const began = performance.now();
    await servers[name].shutdown({ timeout: 1000 });
    return performance.now() - began;
  }
  if (command === "answer") {
    const all = held.get(servers[name])!;
    const sent = [...all].map((client) => client.respond("at last"));
    all.clear();
    return (await Promise.all(sent)).filter((isSent) => isSent).length;
  }
  return command === "open" ? await openThings() : await stats();
});
