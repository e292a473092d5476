/**
 * Mixed load on a server in another process, in the clear and over TLS, for as
 * many minutes as are given, and then a verdict: whether each request was
 * answered right, memory stayed flat, and all descriptors came back.
 *
 *     deno task soak [minutes, 20 by default]
 *
 * @module
 */
import { HttpClient } from "@uhttp/uhttp/client";
import { has } from "../support/wanting.ts";
import { makePair } from "../support/certificates.ts";
import { Child } from "./children.ts";
import { pause, Peer, type Target } from "./peer.ts";
import type { VictimOptions, VictimStats } from "./victim.ts";

const minutes = Number(Deno.args[0] ?? 20);
if (!(minutes > 0)) throw new TypeError("Minutes are not a number above 0");

/** Which part of the time is for warming up, before memory is compared. */
const WARM_UP = 1 / 4;
/** What memory may grow by from then on: in MiB, and as a part of it. */
const GROWTH = 24;
const SHARE = 0.15;
/** What may be in use at the end that was not at the beginning, in MiB. */
const LEFT = 12;
/** How long servers may take to let go of everything, in ms. */
const RECOVERY = 35_000;

const pair = has("OpenSSL 3") ? await makePair() : null;
const options: VictimOptions = { plain: {}, streaming: { streaming: true } };
if (pair !== null) {
  options.tls = { ...pair };
  options.guarded = { ...pair, guardedTls: true, streaming: true };
}
const victim = new Child("victim.ts", options, ["--v8-flags=--expose-gc"]);
const ports = await victim.heard<Record<string, number>>();
const stats = () => victim.ask<VictimStats>("stats");

let isOn = true;
let right = 0;
const wrong = new Map<string, number>();

function fail(what: string): void {
  wrong.set(what, (wrong.get(what) ?? 0) + 1);
}

/** Says a thing is as it must be, or not. */
function check(isRight: boolean, what: string): void {
  if (isRight) right++;
  else fail(what);
}

/** Does something again and again; what it throws is an answer that was lost. */
async function again(
  what: string,
  ms: number,
  work: (i: number) => Promise<unknown>,
): Promise<void> {
  for (let i = 0; isOn; i++) {
    try {
      await work(i);
    } catch (error) {
      fail(`${what}: ${error}`);
    }
    await pause(ms);
  }
}

/** Honest users of one server: each answer is looked at. */
function honest(name: string, target: Target): Promise<void>[] {
  const scheme = target.isSecure ? "https" : "http";
  const url = `${scheme}://localhost:${target.port}`;
  const caCerts = pair === null ? undefined : [pair.cert];
  const client = new HttpClient(url, { caCerts, maxResponseLength: 2 ** 24 });
  const hello = async (own: HttpClient) => {
    const text = await (await own.get("/")).text();
    check(text === "hello", `${name}: hello was ${text.length} long`);
  };
  return [
    ...Array.from(
      { length: 4 },
      () => again(`${name}: hello`, 2, () => hello(client)),
    ),
    again(`${name}: one shot`, 20, async () => {
      const own = new HttpClient(url, { caCerts, keepAlive: false });
      await hello(own);
      await own.close();
    }),
    again(`${name}: JSON`, 5, async (i) => {
      const json = { i, list: Array.from({ length: i % 200 }, (_, j) => j) };
      const response = await client.post("/json", { json });
      const back = await response.json();
      check(
        back.i === i && back.list.length === i % 200,
        `${name}: JSON was another`,
      );
    }),
    again(`${name}: file`, 200, async () => {
      using response = await client.get("/file", { stream: true });
      let length = 0;
      for (let piece; (piece = await response.read()) !== null;) {
        length += piece.length;
      }
      check(length === 10_485_760, `${name}: file was ${length} long`);
    }),
    again(`${name}: stream`, 100, async (i) => {
      const path = ["/events", "/ndjson", "/multipart", "/chunks"][i % 4];
      using response = await client.get(path, { stream: true });
      let length = 0;
      while (length < 300_000) {
        const piece = await response.read();
        if (piece === null) break;
        length += piece.length;
      }
      check(length >= 300_000, `${name}: ${path} ended after ${length}`);
    }),
    again(`${name}: WebSocket`, 50, async (i) => {
      const ws = await client.websocket("/ws", { compress: i % 2 === 0 });
      for (let j = 0; j < 20; j++) {
        const text = `${i} `.repeat(j * j);
        await ws.send(text);
        const back = await ws.recv(10_000);
        check(back === text, `${name}: WebSocket message was another`);
      }
      ws.close();
      await ws.closed;
    }),
    again(`${name}: form`, 20, async (i) => {
      const form = { a: String(i), b: "x".repeat(1000), c: "1" };
      const text = await (await client.post("/form", { form })).text();
      check(text === "3", `${name}: form had ${text} fields`);
    }),
  ].concat(
    (async () => {
      while (isOn) await pause(100);
      await pause(1000);
      await client.close();
    })(),
  );
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

/** Others, who leave in the middle, or read slowly or nothing. */
function careless(name: string, target: Target): Promise<void>[] {
  const paths = [
    "/events",
    "/file",
    "/held",
    "/ws",
    "/large",
    "/chunks/silent",
  ];
  return [
    again(`${name}: leaves`, 100, async (i) => {
      const peer = await Peer.connect(target, "127.0.0.2");
      await peer?.send(get(paths[i % paths.length]));
      if (i % 3 === 0) await peer?.until("\r\n\r\n");
      await pause(i % 7 * 20);
      peer?.close();
    }),
    again(`${name}: half an upload`, 200, async () => {
      const peer = await Peer.connect(target, "127.0.0.2");
      await peer?.send(
        "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc",
      );
      await pause(50);
      peer?.close();
    }),
    again(`${name}: reads slowly`, 1000, async (i) => {
      const peer = await Peer.connect(target, "127.0.0.3");
      await peer?.send(get(paths[i % 2]));
      for (let j = 0; j < 50 && isOn && peer !== null && !peer.isGone; j++) {
        peer.sip(1000);
        await pause(100);
      }
      peer?.close();
    }),
    again(`${name}: is silent`, 500, async () => {
      const peer = await Peer.plain(target, "127.0.0.4");
      await pause(2000);
      peer?.close();
    }),
  ];
}

function show(minute: number, now: VictimStats): void {
  const open = Object.values(now.servers)
    .reduce((sum, { openConnections }) => sum + openConnections, 0);
  const lost = [...wrong.values()].reduce((sum, count) => sum + count, 0);
  console.log(
    `${minute.toFixed(1)} min: ${right} right, ${lost} wrong; ` +
      `RSS ${Math.round(now.rss)} MiB, in use ${now.heap.toFixed(1)} MiB; ` +
      `${now.descriptors} descriptors, ${open} connections; ` +
      `longest turn ${Math.round(now.turn)} ms`,
  );
}

await pause(500);
await stats();
const before = await stats();
const playing = Object.entries(ports).flatMap(([name, port]) => {
  const target = { port, isSecure: name === "tls" || name === "guarded" };
  return [...honest(name, target), ...careless(name, target)];
});
const began = Date.now();
const passed = () => (Date.now() - began) / 60_000;
const samples: [at: number, rss: number][] = [];
for (let due = 0; passed() < minutes;) {
  await pause(Math.min(10_000, minutes * 6000));
  const now = await stats();
  samples.push([passed(), now.rss]);
  if (passed() >= due || passed() >= minutes) {
    show(passed(), now);
    due = Math.floor(passed()) + 1;
  }
}
isOn = false;
await Promise.all(playing);
let after = await stats();
for (const end = Date.now() + RECOVERY; Date.now() < end;) {
  if (after.descriptors <= before.descriptors) break;
  await pause(500);
  after = await stats();
}
show(passed(), after);

/** The middle one: single values go up and down with the garbage. */
function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
const warm = samples.filter(([at]) => at >= minutes * WARM_UP);
const third = Math.ceil(warm.length / 3);
const [early, late] = [warm.slice(0, third), warm.slice(-third)]
  .map((some) => median(some.map(([, rss]) => rss)));

const faults = [...wrong].map(([what, count]) => `${what} (${count} times)`);
if (late > early * (1 + SHARE) + GROWTH) {
  faults.push(
    `Memory grew from ${Math.round(early)} to ${Math.round(late)} MiB`,
  );
}
if (after.heap - before.heap > LEFT) {
  faults.push(`${Math.round(after.heap - before.heap)} MiB are left in use`);
}
if (after.descriptors > before.descriptors) {
  faults.push(`${after.descriptors} descriptors, ${before.descriptors} before`);
}
console.log(
  `RSS ${Math.round(early)} MiB after warming up, ${
    Math.round(late)
  } at the end`,
);
for (const fault of faults) console.log(`! ${fault}`);
console.log(faults.length === 0 ? "Good" : "Not good");
await victim.end();
Deno.exit(faults.length === 0 ? 0 : 1);
