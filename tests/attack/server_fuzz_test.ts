import { assert, assertEquals } from "@std/assert";
import type { HttpConnection } from "@uhttp/uhttp";
import { ParseEvent, RequestParser } from "@uhttp/uhttp/parse";
import { Arena } from "../support/arena.ts";
import {
  bytesOf,
  cut,
  mutate,
  Random,
  VALID_REQUESTS,
} from "../support/fuzz.ts";

const LIMITS = {
  maxHeadersLength: 2048,
  maxHeadersCount: 50,
  maxContentLength: 4096,
};
const SHORT = {
  requestTimeout: 200,
  bodyTimeout: 200,
  keepAliveTimeout: 200,
};

/** The statuses that bytes must be answered with, by the parser alone. */
function expected(bytes: Uint8Array): number[] {
  const statuses: number[] = [];
  const parser = new RequestParser(LIMITS);
  parser.push(bytes);
  let body: number[] = [];
  for (;;) {
    switch (parser.next()) {
      case ParseEvent.MORE:
        return statuses;
      case ParseEvent.FAILED:
        return [...statuses, parser.error!.status];
      case ParseEvent.HEAD:
        body = [];
        break;
      case ParseEvent.BODY:
        body.push(...parser.buffer.subarray(parser.bodyStart, parser.bodyEnd));
        break;
      case ParseEvent.END: {
        const type = (parser.readHeaders()["content-type"] ?? "").split(";")[0]
          .trim().toLowerCase();
        const isJson = type === "application/json" || type.endsWith("+json");
        if (body.length > 0 && isJson && !isJsonText(new Uint8Array(body))) {
          return [...statuses, 400];
        }
        statuses.push(200);
        if (!parser.keepAlive) return statuses;
      }
    }
  }
}

function isJsonText(bytes: Uint8Array): boolean {
  try {
    JSON.parse(
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
    );
    return true;
  } catch {
    return false;
  }
}

/** The statuses of final answers in a stream, each of them whole. */
function received(text: string): number[] {
  const statuses: number[] = [];
  while (text !== "") {
    const end = text.indexOf("\r\n\r\n");
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1]);
    assert(end > 0 && status >= 100, `Not an answer: ${text.slice(0, 100)}`);
    const head = text.slice(0, end);
    text = text.slice(end + 4);
    if (status < 200) continue;
    statuses.push(status);
    const length = Number(/\r\ncontent-length: (\d+)/.exec(head)?.[1]);
    const isHead = /\r\nx-method: HEAD\r\n/.test(head + "\r\n") ||
      status >= 400 && text === "";
    if (isHead) continue;
    assert(text.length >= length, "Answer is cut short");
    text = text.slice(length);
  }
  return statuses;
}

/** Uses all of a request, and answers. */
function answer(client: HttpConnection): Promise<boolean> {
  const { headers, query, cookies, path, host, fullUrl, data } = client;
  JSON.stringify([headers, query, cookies, path, host, fullUrl, data]);
  return client.respond("ok", { headers: { "x-method": client.method } });
}

type Ending = "half-closed" | "open" | "closed" | "reset";
const ENDINGS: readonly Ending[] = ["half-closed", "open", "closed", "reset"];

/** Sends bytes in a few writes, and then ends in one of four ways. */
async function attack(
  arena: Arena,
  random: Random,
  bytes: Uint8Array,
  ending: Ending,
): Promise<string | null> {
  const peer = await arena.connect();
  const isCut = ending === "closed" || ending === "reset";
  const whole = isCut
    ? bytes.subarray(0, random.below(bytes.length + 1))
    : bytes;
  let answers: Promise<string> | null = null;
  try {
    if (ending === "reset") {
      // Closing with an answer unread resets the connection.
      await peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      await peer.conn.read(new Uint8Array(1));
    } else if (!isCut) answers = peer.rest();
    for (const piece of cut(random, whole, 1 + random.below(4))) {
      await peer.send(piece);
    }
    if (ending === "half-closed") await peer.conn.closeWrite();
  } catch {
    // The server may have closed before it got all.
  }
  const text = answers === null ? null : await answers;
  peer.close();
  return text;
}

Deno.test("HttpServer survives 10,000 mutated requests", async () => {
  await using arena = new Arena(answer, {
    ...LIMITS,
    ...SHORT,
    maxWaitingClients: 64,
  });
  const random = new Random(9112);
  const count = 10_000;
  let made = 0;
  const work = async () => {
    while (made < count) {
      const batch = [];
      for (let size = 1 + random.below(20); size > 0 && made < count; size--) {
        batch.push(mutate(random, random.pick(VALID_REQUESTS)));
        made++;
        // Most faults end the connection: go on behind some only.
        if (random.below(3) === 0) break;
      }
      const bytes = bytesOf(batch.join(""));
      const ending = random.pick(ENDINGS);
      const text = await attack(arena, random, bytes, ending);
      if (text === null) continue;
      const statuses = received(text);
      const wanted = expected(bytes);
      if (statuses.at(-1) === 408 && wanted.at(-1) !== 408) statuses.pop();
      assertEquals(statuses, wanted, JSON.stringify(batch));
    }
  };
  await Promise.all(Array.from({ length: 40 }, work));
  await arena.until(() => arena.server.stats.openConnections === 0);
  assertEquals(arena.unsettled, 0);
  await arena.serves();
});

Deno.test("HttpServer answers valid requests however they are cut", async () => {
  await using arena = new Arena(answer, LIMITS);
  const random = new Random(7230);
  const work = async () => {
    for (let round = 0; round < 50; round++) {
      const requests = Array.from(
        { length: 1 + random.below(6) },
        () => random.pick(VALID_REQUESTS),
      );
      const bytes = bytesOf(requests.join(""));
      const peer = await arena.connect();
      (peer.conn as Deno.TcpConn).setNoDelay(true);
      const answers = peer.rest();
      for (const piece of cut(random, bytes, 2 + random.below(30))) {
        await peer.send(piece);
      }
      await peer.conn.closeWrite();
      assertEquals(received(await answers), requests.map(() => 200));
      peer.close();
    }
  };
  await Promise.all(Array.from({ length: 10 }, work));
});
