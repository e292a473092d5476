// Bodies of requests: slow, many-parted, deep, or refused.
import { gzipSync } from "node:zlib";
import type { Attack, AttackScene } from "../scene.ts";

const CHUNKED = "Transfer-Encoding: chunked\r\n";
const MIB = 1_048_576;

function post(path: string, fields: string, body = ""): string {
  return `POST ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`;
}

/** A request with a body of known length. */
function whole(path: string, type: string, body: string): string {
  const fields = `Content-Type: ${type}\r\nContent-Length: ${body.length}\r\n`;
  return post(path, fields, body);
}

/** Sends a request again and again, and holds its answers to a status. */
async function again(
  scene: AttackScene,
  request: string | Uint8Array,
  status: RegExp,
): Promise<void> {
  while (scene.isOn) {
    const peer = await scene.connect();
    if (peer === null) break;
    const answered = peer.until("\r\n\r\n");
    await peer.send(request);
    const answer = await answered;
    if (answer !== null) {
      scene.expect(status.test(answer), `Answered: ${answer.slice(0, 30)}`);
    }
    peer.close();
    await scene.breath();
  }
}

function row(
  name: string,
  server: Attack["server"],
  request: () => string | Uint8Array,
  status: RegExp,
  bounds: Attack["bounds"] = {},
): Attack {
  return {
    name,
    phase: "body",
    server,
    bounds,
    play: (scene) => again(scene, request(), status),
  };
}

const JSON_TYPE = "application/json";
const FORM = "application/x-www-form-urlencoded";
const MULTIPART = "multipart/form-data; boundary=b";
const DEEP = "[".repeat(100_000) + "]".repeat(100_000);

const ALIKE = "a".repeat(69);
const LONG_BOUNDARY = `multipart/form-data; boundary=${ALIKE}b`;
/** What a search that begins anew at each byte takes long for. */
const NEARLY = `--${ALIKE}b\r\n\r\n${`\r\n--${ALIKE}`.repeat(10_000)}`;

/** A form of so many tiny parts. */
function parts(count: number, name = ""): string {
  const part = `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`;
  return `${`${part}\r\n`.repeat(count)}--b--\r\n`;
}

/** A form of fields that all have names of their own. */
function fields(count: number): string {
  return Array.from({ length: count }, (_, i) => i.toString(36)).join("&");
}

export const BODIES: Attack[] = [
  {
    name: "bodies that drip",
    phase: "body",
    server: "few",
    bounds: { wait: 5000 }, // slow is who is so for a second
    play: (scene) =>
      scene.army(scene.times(70), async (peer) => {
        await peer.send(post("/json", "Content-Length: 1000000\r\n"));
        await scene.drip(peer, "a", 200);
      }),
  },
  {
    name: "bodies of a byte in 12 seconds at all places",
    phase: "body",
    server: "few",
    isLong: true,
    bounds: { wait: 5000 },
    play: (scene) =>
      scene.army(80, async (peer) => {
        await peer.send(post("/json", "Content-Length: 1000000\r\n"));
        await scene.drip(peer, "a", 12_000);
      }),
  },
  {
    name: "bodies that drip, read as they come",
    phase: "body",
    server: "streaming",
    play: (scene) =>
      scene.army(scene.times(30), async (peer) => {
        await peer.send(post("/body", "Content-Length: 1000000\r\n"));
        await scene.drip(peer, "a", 200);
      }),
  },
  row(
    "chunks of one byte",
    "whole",
    () => post("/", CHUNKED, "1\r\na\r\n".repeat(100_000) + "0\r\n\r\n"),
    / 200 /,
  ),
  row(
    "chunks of one byte, read as they come",
    "streaming",
    () => post("/body", CHUNKED, "1\r\na\r\n".repeat(100_000) + "0\r\n\r\n"),
    / 200 /,
  ),
  row(
    "chunks with extensions",
    "whole",
    () => post("/", CHUNKED, `1;${"a".repeat(200)}\r\na\r\n`.repeat(10_000)),
    / 400 | 413 /,
  ),
  row(
    "a chunk extension that never ends",
    "whole",
    () => post("/", CHUNKED, `1;${"a".repeat(MIB)}`),
    / 400 /,
  ),
  row(
    "a trailer that never ends",
    "whole",
    () => post("/", CHUNKED, `0\r\n${"a: b\r\n".repeat(100_000)}`),
    / 431 /,
  ),
  {
    name: "trailers that drip at all places",
    phase: "body",
    server: "few",
    bounds: { wait: 5000 },
    play: (scene) =>
      scene.army(scene.times(70), async (peer) => {
        await peer.send(post("/", CHUNKED, "1\r\na\r\n0\r\n"));
        await scene.drip(peer, "a: b\r\n", 200);
      }),
  },
  row(
    "a chunk of 2^53 bytes",
    "whole",
    () => post("/", CHUNKED, `1fffffffffffff\r\n${"a".repeat(MIB)}`),
    / 413 | 400 /,
  ),
  ...["whole", "streaming"].flatMap((mode) => {
    const server = mode as Attack["server"];
    const how = mode === "whole" ? "" : ", read as it comes";
    return [
      row(
        `deep JSON${how}`,
        server,
        () => whole("/json", JSON_TYPE, DEEP),
        mode === "whole" ? / 400 / : / 200 | 400 /,
      ),
      row(
        `JSON of empty arrays${how}`,
        server,
        () => whole("/json", JSON_TYPE, `[${"[],".repeat(330_000)}0]`),
        / 200 /,
        { grown: 256 },
      ),
      row(
        `deep JSON of a Request${how}`,
        server,
        () => whole("/request", JSON_TYPE, DEEP),
        / 400 /,
      ),
      row(
        `a form of a million fields${how}`,
        server,
        () => whole("/form", FORM, fields(200_000)),
        / 413 /,
      ),
      row(
        `a form of one field a million times${how}`,
        server,
        () => whole("/form", FORM, "a&".repeat(500_000)),
        / 413 /,
      ),
      row(
        `a form of escapes${how}`,
        server,
        () => whole("/form", FORM, "a=" + "%e4%25".repeat(150_000)),
        / 200 /,
      ),
      row(
        `a form of ten thousand parts${how}`,
        server,
        () => whole("/form", MULTIPART, parts(10_000)),
        / 413 /,
      ),
      row(
        `a form whose boundary never comes${how}`,
        server,
        () =>
          whole("/form", MULTIPART, `--b\r\n\r\n${"\r\n--".repeat(200_000)}`),
        / 400 /,
      ),
      row(
        `a form of what is nearly its boundary${how}`,
        server,
        () => whole("/form", LONG_BOUNDARY, NEARLY),
        / 400 /,
      ),
      row(
        `a part whose head never ends${how}`,
        server,
        () => whole("/form", MULTIPART, `--b\r\n${"a: b\r\n".repeat(100_000)}`),
        / 400 | 413 | 431 /,
      ),
    ];
  }),
  row(
    "parts without number, read as they come",
    "streaming",
    () => whole("/parts", MULTIPART, parts(10_000)),
    / 413 /,
  ),
  {
    name: "a compressed body that would be 100 MiB",
    phase: "body",
    async play(scene) {
      // Bodies are handed over as they come: nothing unpacks it.
      const bomb = gzipSync(new Uint8Array(100 * MIB));
      const head = post(
        "/json",
        `Content-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n`,
      );
      while (scene.isOn) {
        const peer = await scene.connect();
        await peer?.send(head);
        await peer?.send(bomb);
        await peer?.until("\r\n\r\n");
        peer?.close();
        await scene.breath();
      }
    },
  },
  {
    name: "uploads that nobody reads",
    phase: "body",
    server: "streaming",
    play: (scene) =>
      scene.army(scene.times(20), async (peer) => {
        await peer.send(post("/later", "Content-Length: 100000000\r\n"));
        await scene.flood(peer, "a".repeat(MIB / 4));
      }),
  },
  {
    name: "many bodies of the largest size at once",
    phase: "body",
    bounds: { held: 128 },
    play: (scene) =>
      scene.army(scene.times(20), async (peer) => {
        await peer.send(post("/", `Content-Length: ${MIB}\r\n`));
        await peer.send(new Uint8Array(MIB - 1));
        await scene.over;
      }),
  },
];
