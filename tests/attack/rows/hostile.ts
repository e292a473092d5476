// All hostile servers.
import { deflateRawSync, gzipSync } from "node:zlib";
import { acceptKey, frame, unmasked } from "../unmasked.ts";
import type { Hostile, HostilePeer } from "../hostile.ts";

const MIB = 1_048_576;
const OK = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
const EVENTS = `${OK}Content-Type: text/event-stream\r\n\r\n`;
const EMPTY = "Content-Length: 0\r\n\r\n";

async function never(peer: HostilePeer): Promise<void> {
  while (await peer.more());
}

function says(
  name: string,
  how: Hostile["how"],
  text: string | Uint8Array,
  flood: string | Uint8Array = "",
  rest: Partial<Hostile> = {},
): Hostile {
  return {
    name,
    how,
    ...rest,
    async play(peer) {
      await peer.send(text);
      if (flood.length > 0) await peer.flood(flood);
    },
  };
}

/** Frames for a client that has asked for a WebSocket. */
function sends(
  name: string,
  how: "websocket" | "listen",
  flood: Uint8Array,
  before?: Uint8Array,
  rest: Partial<Hostile> = {},
): Hostile {
  return {
    name,
    how,
    ...rest,
    async play(peer, request) {
      const key = /sec-websocket-key: (\S+)/i.exec(request)![1];
      await peer.send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
          `Connection: Upgrade\r\nSec-WebSocket-Accept: ${await acceptKey(
            key,
          )}\r\n` +
          "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
      );
      if (before !== undefined) await peer.send(before);
      const reading = (async () => {
        while (await peer.more()) peer.pending;
      })();
      if (flood.length > 0) await peer.flood(flood);
      await reading;
    },
  };
}

function much(one: Uint8Array): Uint8Array {
  const count = Math.ceil(MIB / one.length);
  const all = new Uint8Array(count * one.length);
  for (let i = 0; i < count; i++) all.set(one, i * one.length);
  return all;
}

/** A compressed message, without its last four bytes. */
function packed(bytes: Uint8Array): Uint8Array {
  const all = deflateRawSync(bytes, { finishFlush: 2 });
  return frame(0xc2, new Uint8Array(all.subarray(0, all.length - 4)));
}

const bomb = gzipSync(new Uint8Array(200 * MIB));
const gzip = (framing: string) =>
  `${OK}Content-Encoding: gzip\r\n${framing}\r\n\r\n`;
const bombs = new Uint8Array([
  ...new TextEncoder().encode(gzip(`Content-Length: ${bomb.length}`)),
  ...bomb,
]);

const PLAIN: Hostile[] = [
  { name: "says nothing", how: "get", play: never },
  {
    name: "TLS that says nothing",
    how: "get",
    isSecure: true,
    isSilent: true,
    play: never,
  },
  {
    name: "TLS that is none",
    how: "get",
    isSecure: true,
    isSilent: true,
    play: (peer) => peer.flood("a".repeat(65_536)),
  },
  {
    name: "closes at once",
    how: "get",
    isSilent: true,
    play: () => Promise.resolve(),
  },
  says("a head that never ends", "get", `${OK}X: `, "a".repeat(65_536)),
  says("fields that never end", "get", OK, "a: b\r\n".repeat(10_000)),
  says(
    "a field of folded lines that never ends",
    "get",
    `${OK}X: a\r\n`,
    " b\r\n".repeat(10_000),
  ),
  says(
    "interim responses that never end",
    "get",
    "",
    "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(2000),
  ),
  { name: "a head that drips", how: "get", play: (peer) => peer.drip(OK) },
  {
    name: "a body that drips",
    how: "get",
    async play(peer) {
      await peer.send(`${OK}Content-Length: 1000000\r\n\r\n`);
      await peer.drip("a");
    },
  },
  says("a body that never ends", "get", `${OK}\r\n`, "a".repeat(65_536)),
  says(
    "a body that never ends, read as it comes",
    "stream",
    `${OK}\r\n`,
    "a".repeat(65_536),
  ),
  says(
    "chunks of one byte that never end",
    "stream",
    CHUNKED,
    "1\r\na\r\n".repeat(20_000),
  ),
  says(
    "a chunk of 2^53 bytes",
    "get",
    `${CHUNKED}1fffffffffffff\r\n`,
    "a".repeat(65_536),
  ),
  says(
    "a chunk that is longer than it says",
    "get",
    `${CHUNKED}5\r\n${"a".repeat(65_536)}`,
  ),
  says(
    "a chunk extension that never ends",
    "get",
    `${CHUNKED}1;`,
    "a".repeat(65_536),
  ),
  says(
    "a trailer that never ends",
    "get",
    `${CHUNKED}0\r\n`,
    "a: b\r\n".repeat(10_000),
  ),
  says(
    "a length of 2^53 bytes",
    "get",
    `${OK}Content-Length: 9007199254740991\r\n\r\n`,
    "a".repeat(65_536),
  ),
  says("a body that unpacks to 200 MiB", "get", bombs),
  says(
    "a body that unpacks to 200 MiB, read as it comes",
    "stream",
    bombs,
    "",
    {
      bounds: { held: 64 },
    },
  ),
  says(
    "a body of many empty gzip members",
    "stream",
    gzip("Connection: close"),
    much(gzipSync("")),
  ),
  says(
    "an answer that goes on behind its end",
    "get",
    `${OK}${EMPTY}`,
    "a".repeat(65_536),
  ),
  says("answers that nobody asked for", "get", `${OK}${EMPTY}`.repeat(1000)),
  {
    name: "redirects that never end",
    how: "get",
    options: { maxRedirects: 20 },
    async play(peer) {
      for (let i = 0; peer.isOn; i++) {
        await peer.send(`HTTP/1.1 302 Found\r\nLocation: /${i}\r\n${EMPTY}`);
        await peer.until("\r\n\r\n");
      }
    },
  },
  {
    name: "challenges that never end",
    how: "get",
    options: { auth: { digest: ["user", "password"] } },
    async play(peer) {
      for (let i = 0; peer.isOn; i++) {
        await peer.send(
          "HTTP/1.1 401 Unauthorized\r\n" +
            `WWW-Authenticate: Digest realm="a", nonce="${i}", stale=true, qop="auth"\r\n${EMPTY}`,
        );
        await peer.until("\r\n\r\n");
      }
    },
  },
  says(
    "hundreds of challenges",
    "get",
    `HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: ${
      'Digest realm="a", '.repeat(3000)
    }\r\n${EMPTY}`,
    "",
    { options: { auth: { digest: ["user", "password"] } } },
  ),
  {
    name: "cookies without number",
    how: "get",
    async play(peer) {
      for (let i = 0; peer.isOn; i++) {
        const cookies = Array.from(
          { length: 80 },
          (_, j) => `Set-Cookie: c${i}_${j}=${"v".repeat(500)}\r\n`,
        );
        await peer.send(`${OK}${cookies.join("")}${EMPTY}`);
        await peer.until("\r\n\r\n");
      }
    },
  },
  says(
    "fields of the largest size",
    "get",
    `${OK}${`Link: ${"a".repeat(600)}\r\n`.repeat(90)}${EMPTY}`,
  ),
  says(
    "an event stream that asks to come back at once",
    "events",
    `${EVENTS}retry: 0\n\n`,
  ),
  says(
    "events without an end of line",
    "events",
    EVENTS,
    "data: ".repeat(10_000),
  ),
  says(
    "an event of lines without number",
    "events",
    EVENTS,
    "data\n".repeat(10_000),
  ),
  says("empty events", "events", EVENTS, "\n".repeat(65_536)),
  says("tiny events", "events", EVENTS, "data\n\n".repeat(10_000)),
  says("event ids without end", "events", EVENTS, "id: ".padEnd(60_000, "a")),
  says("lines without end", "lines", `${OK}\r\n`, "a".repeat(65_536)),
  says("empty lines", "lines", `${OK}\r\n`, "\n".repeat(65_536)),
  says(
    "parts without number",
    "parts",
    `${OK}Content-Type: multipart/mixed; boundary=b\r\n\r\n`,
    "--b\r\n\r\n\r\n".repeat(5000),
  ),
  says(
    "a part whose head never ends",
    "parts",
    `${OK}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n`,
    "a: b\r\n".repeat(10_000),
  ),
  says(
    "a part of what is nearly its boundary",
    "parts",
    `${OK}Content-Type: multipart/mixed; boundary=${"a".repeat(69)}b\r\n\r\n--${
      "a".repeat(69)
    }b\r\n\r\n`,
    `\r\n--${"a".repeat(69)}`.repeat(1000),
  ),
  says(
    "a part that never ends",
    "parts",
    `${OK}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n`,
    "\r\n--".repeat(10_000),
  ),
  says(
    "deep JSON",
    "get",
    `${OK}Content-Type: application/json\r\nContent-Length: 200000\r\n\r\n${
      "[".repeat(100_000)
    }${"]".repeat(100_000)}`,
  ),
  {
    name: "an upload that is not read",
    how: "post",
    play: (peer) =>
      new Promise((resolve) => {
        const timer = setInterval(() => {
          if (!peer.isOn) {
            clearInterval(timer);
            resolve(0);
          }
        }, 50);
      }),
  },
  says(
    "a WebSocket that is refused with a body that never ends",
    "websocket",
    `HTTP/1.1 403 No\r\n\r\n`,
    "a".repeat(65_536),
  ),
  sends("empty messages", "websocket", much(unmasked(0x81))),
  sends("empty messages to who listens", "listen", much(unmasked(0x81))),
  sends("pings", "websocket", much(unmasked(0x89))),
  sends("pongs", "listen", much(unmasked(0x8a))),
  sends("empty fragments", "websocket", much(unmasked(0x00)), unmasked(0x01)),
  sends("compressed empty messages", "listen", much(packed(new Uint8Array(0)))),
  sends("compression bombs", "websocket", packed(new Uint8Array(64 * MIB))),
  sends("a WebSocket that says nothing", "websocket", new Uint8Array(0)),
  sends(
    "closes, and messages behind them",
    "listen",
    much(unmasked(0x81)),
    frame(0x88, new Uint8Array([3, 232])),
  ),
];

/** Those for which it makes a difference how a connection is read. */
const LOWER = /says nothing|that never ends?(?:$|, read)|not read|tiny events/;

export const HOSTILE: Hostile[] = [
  ...PLAIN,
  ...(["deno", "node"] as const).flatMap((tls) =>
    PLAIN.filter(({ name, isSecure }) => !isSecure && LOWER.test(name))
      .map((row) => ({ ...row, name: `${row.name} (TLS, ${tls})`, tls }))
  ),
];
