// Every string of a caller's that can become a part of a head is refused, or
// written in another way, where it would split that head.
import { assert, assertEquals } from "@std/assert";
import type { HttpConnection } from "@uhttp/uhttp";
import { MemoryScene } from "../support/memory_conn.ts";
import {
  changing,
  isSplit,
  ownFile,
  SPLITTING,
  turncoats,
} from "../support/splitting.ts";

const folder = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
await Deno.writeTextFile(`${folder}/file`, "x");

type Answer = (client: HttpConnection, evil: string) => unknown;

/** Places that a text is refused at. */
const REFUSING: Record<string, Answer> = {
  "a field's value": (client, a) => client.respond("x", { headers: { a } }),
  "one value of a field": (client, a) =>
    client.respond("x", { headers: { a: ["b", a] } }),
  "a field's name": (client, a) =>
    client.respond("x", { headers: { [a]: "b" } }),
  "content-type": (client, a) =>
    client.respond("x", { headers: { "content-type": a } }),
  "the reason phrase": (client, statusMessage) =>
    client.respond("x", { statusMessage }),
  "a cookie's name": (client, a) =>
    client.respond("x", { cookies: { [a]: "b" } }),
  "a cookie's value": (client, a) => client.respond("x", { cookies: { a } }),
  "the value of a cookie with attributes": (client, value) =>
    client.respond("x", { cookies: { a: { value } } }),
  "a cookie's domain": (client, domain) =>
    client.respond("x", { cookies: { a: { value: "b", domain } } }),
  "a cookie's path": (client, path) =>
    client.respond("x", { cookies: { a: { value: "b", path } } }),
  "a cookie's sameSite": (client, sameSite) =>
    client.respond("x", {
      cookies: { a: { value: "b", sameSite: sameSite as "Lax" } },
    }),
  "a Blob's type": (client, evil) =>
    client.respond(ownFile({ type: () => evil })),
  "a Blob's size": (client, evil) =>
    client.respond(ownFile({ size: () => evil as unknown as number })),
  "a redirect's URL": (client, evil) => client.respondRedirect(evil),
  "a redirect's field": (client, a) =>
    client.respondRedirect("/", { headers: { a } }),
  "a redirect's cookie": (client, a) =>
    client.respondRedirect("/", { cookies: { a } }),
  "a file's field": (client, a) =>
    client.respondFile(`${folder}/file`, { headers: { a } }),
  "a file's reason phrase": (client, statusMessage) =>
    client.respondFile(`${folder}/file`, { statusMessage }),
  "a stream's field": (client, a) => client.responseStream({ headers: { a } }),
  "a streamed body's field": (client, a) =>
    client.respond(["x"].values() as never, { headers: { a } }),
  "a field of events": (client, a) => client.responseEvents({ headers: { a } }),
  "a field of NDJSON": (client, a) => client.responseNdjson({ headers: { a } }),
  "a field of a multipart answer": (client, a) =>
    client.responseMultipart({ headers: { a } }),
  "the boundary": (client, boundary) => client.responseMultipart({ boundary }),
  "the protocol": (client, protocol) => client.upgrade(protocol),
  "a field of an upgrade": (client, a) =>
    client.upgrade("x", { headers: { a } }),
  "a field of a WebSocket": (client, a) =>
    client.acceptWebsocket({ headers: { a } }),
  "a WebSocket's subprotocol": (client, protocol) =>
    client.acceptWebsocket({ protocol }),
};

/** Places where a text is written in another way. */
const WRITING: Record<string, Answer> = {
  "a file's name for saving": (client, download) =>
    client.respondFile(`${folder}/file`, { download }),
  "a Blob's type that changes": (client, evil) =>
    client.respond(ownFile({ type: changing(evil) })),
};

const UPGRADE = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n" +
  "Upgrade: x, websocket\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
  "Sec-WebSocket-Protocol: x\r\n\r\n";

for (const [name, answer] of Object.entries(REFUSING)) {
  Deno.test(`${name} cannot split an answer's head`, async () => {
    const values = name.endsWith("name") // which is text, whatever it was
      ? SPLITTING
      : SPLITTING.flatMap((evil) => [evil, ...turncoats(evil)]);
    const problems: unknown[] = [];
    await using scene = new MemoryScene((client) => {
      for (const value of values) {
        try {
          const made = answer(client, value);
          problems.push(`Taken: ${JSON.stringify(String(value))} ${made}`);
        } catch (error) {
          if (!(error instanceof TypeError)) problems.push(error);
        }
        if (client.isAnswered) return void client.server.close();
      }
      client.respond("fine", { headers: { connection: "close" } });
    });
    const peer = scene.connect();
    await peer.send(new TextEncoder().encode(UPGRADE));
    const sent = await peer.rest();
    assertEquals(problems, []);
    assert(!isSplit(sent.split("\r\n\r\n")[0]), sent);
    assert(sent.endsWith("fine"), sent);
  });
}

for (const [name, answer] of Object.entries(WRITING)) {
  Deno.test(`${name} is written so that it splits no head`, async () => {
    for (const evil of SPLITTING) {
      await using scene = new MemoryScene(async (client) => {
        await answer(client, evil);
      });
      const peer = scene.connect();
      await peer.send(new TextEncoder().encode(UPGRADE));
      const head = await peer.until("\r\n\r\n");
      assert(!isSplit(head), head);
    }
  });
}

Deno.test("a part of a multipart answer cannot be split", async () => {
  await using scene = new MemoryScene(async (client) => {
    await client.responseMultipart({ boundary: "b" });
    for (const evil of SPLITTING) {
      for (const value of [evil, ...turncoats(evil)]) {
        for (const headers of [{ a: value }, { [evil]: "a" }]) {
          try {
            client.responseMultipartFrame("x", { headers });
            throw new Error("Taken");
          } catch (error) {
            if (!(error instanceof TypeError)) throw error;
          }
        }
      }
    }
    await client.responseMultipartEnd();
  });
  const peer = scene.connect();
  await peer.send(new TextEncoder().encode(UPGRADE));
  assert((await peer.rest()).endsWith("\r\n\r\n--b--\r\n"));
});
