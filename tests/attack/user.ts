// A process that asks hostile servers for all that a client can do, and an
// honest one beside: how long that takes is what is measured.
import { HttpClient, type HttpClientOptions } from "@uhttp/uhttp/client";
import { answer, tell } from "./children.ts";
import { type Gauges, openThings, read, watch } from "./gauges.ts";
import { pause } from "./peer.ts";

/** What is asked of a hostile server. */
export type How =
  | "get"
  | "stream"
  | "lines"
  | "events"
  | "parts"
  | "post"
  | "websocket"
  | "listen";

/** What it is started with. */
export interface UserOptions {
  honest: string;
  hostile: Record<
    string,
    { url: string; how: How; options: HttpClientOptions }
  >;
  /** Between two requests to the honest server, in ms. */
  interval: number;
}

/** What it says of itself. */
export interface UserStats extends Gauges {
  /** Of the honest server. */
  answered: number;
  lost: string[];
  /** The longest wait for its answer, in ms. */
  wait: number;
  /** What hostile servers brought: answers, and errors by class. */
  hostile: Record<string, Record<string, number>>;
}

const { honest, hostile, interval }: UserOptions = JSON.parse(Deno.args[0]);

let seen = { answered: 0, lost: [] as string[], wait: 0 };
let isOn = false;

async function askHonest(): Promise<void> {
  const client = new HttpClient(honest);
  for (let i = 0;; i++) {
    const began = performance.now();
    try {
      const response = await client.post("/json", { json: { a: [i] } });
      if (response.status !== 200) throw new Error(`Status ${response.status}`);
      if ((await response.json()).a[0] !== i) {
        throw new Error("Another's answer");
      }
      seen.answered++;
    } catch (error) {
      if (!seen.lost.includes(`${error}`)) seen.lost.push(`${error}`);
    }
    seen.wait = Math.max(seen.wait, performance.now() - began);
    await pause(interval);
  }
}

/** Does one thing with a hostile server, to its end. */
const WAYS: Record<How, (client: HttpClient) => Promise<unknown>> = {
  get: (client) => client.get("/").then(({ data }) => data),
  post: (client) => client.post("/", { data: new Uint8Array(1_000_000) }),
  async stream(client) {
    using response = await client.get("/", { stream: true });
    while (await response.read() !== null);
  },
  async lines(client) {
    using response = await client.get("/", { stream: true });
    for await (const _ of response.lines());
  },
  async events(client) {
    using response = await client.get("/", { stream: true });
    for await (const _ of response.events({ reconnect: true }));
  },
  async parts(client) {
    using response = await client.get("/", { stream: true });
    for await (const _ of response.parts());
  },
  async websocket(client) {
    const ws = await client.websocket("/", { compress: true });
    for await (const _ of ws);
  },
  async listen(client) {
    const ws = await client.websocket("/", { compress: true });
    ws.onmessage = () => {};
    await ws.closed;
  },
};

const clients: HttpClient[] = [];
const counts: UserStats["hostile"] = {};

async function ask(name: string): Promise<void> {
  const { url, how, options } = hostile[name];
  const count: Record<string, number> = counts[name] = {};
  const client = new HttpClient(url, options);
  clients.push(client);
  while (isOn) {
    let what = "done";
    try {
      await WAYS[how](client);
    } catch (error) {
      const { name, code } = error as { name: string; code?: string };
      what = code ?? name;
    }
    count[what] = (count[what] ?? 0) + 1;
    await pause(5);
  }
}

watch();
askHonest();
tell("ready");
await answer(async (what): Promise<unknown> => {
  if (what === "start") {
    isOn = true;
    for (const name of Object.keys(hostile)) ask(name);
    return "started";
  }
  if (what === "open") return await openThings();
  if (what === "stop") {
    isOn = false;
    await Promise.race([
      Promise.all(clients.splice(0).map((client) => client.close())),
      pause(2000),
    ]);
    return "stopped";
  }
  const own = seen;
  seen = { answered: 0, lost: [], wait: 0 };
  return { ...await read(), ...own, hostile: counts };
});
