import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { HttpConnection, RawConnection } from "@uhttp/uhttp";
import { latin1Text } from "../support/bytes.ts";
import { Arena } from "../support/arena.ts";
import { kinds, makePair } from "../support/certificates.ts";
import { bytesOf } from "../support/fuzz.ts";
import { MemoryScene, SPLITS } from "../support/memory_conn.ts";
import type { RawClient } from "../support/raw_client.ts";
import { eventually, Scene } from "../support/serving.ts";
import { has, wanting } from "../support/wanting.ts";

const pair = has("OpenSSL 3") ? await makePair() : null;
const KINDS = kinds(pair);

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const UPGRADE = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n" +
  "Upgrade: echo\r\n\r\n";
const CONNECT = "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n";

/** All that comes, to the end. */
async function readRest(raw: RawConnection, size = 65536): Promise<string> {
  let text = "";
  const buffer = new Uint8Array(size);
  for (let length; (length = await raw.read(buffer)) !== null;) {
    assert(length > 0);
    text += latin1Text(buffer.subarray(0, length));
  }
  return text;
}

async function readExactly(
  raw: RawConnection,
  length: number,
): Promise<string> {
  let text = "";
  while (text.length < length) {
    const buffer = new Uint8Array(length - text.length);
    const read = await raw.read(buffer);
    if (read === null) throw new Error(`Ended behind ${JSON.stringify(text)}`);
    text += latin1Text(buffer.subarray(0, read));
  }
  return text;
}

interface Way {
  name: string;
  request: string;
  take: (client: HttpConnection) => RawConnection;
  /** The head that comes first. */
  answer: RegExp;
}

const WAYS: Way[] = [
  {
    name: "hijack()",
    request: GET,
    take: (client) => client.hijack(),
    answer: /^$/,
  },
  {
    name: "upgrade()",
    request: UPGRADE,
    take: (client) => client.upgrade("echo"),
    answer:
      /^HTTP\/1\.1 101 Switching Protocols\r\n(?=[^]*upgrade: echo\r\n)(?=[^]*connection: Upgrade\r\n)(?![^]*content-length)[^]*\r\n\r\n$/,
  },
  {
    name: "upgrade() of CONNECT",
    request: CONNECT,
    take: (client) => client.upgrade(),
    answer:
      /^HTTP\/1\.1 200 OK\r\n(?![^]*(?:content-length|transfer-encoding|connection):)[^]*\r\n\r\n$/,
  },
];

for (const { name, request, take, answer } of WAYS) {
  for (const streaming of [false, true]) {
    const mode = streaming ? "streaming" : "default mode";
    Deno.test(`${name} gives all bytes behind the request (${mode})`, async () => {
      for (const split of SPLITS) {
        for (const size of [1, 3, 65536]) {
          const seen = Promise.withResolvers<string>();
          await using scene = new MemoryScene(async (client) => {
            const raw = take(client);
            const text = await readRest(raw, size);
            await raw.write(bytesOf("bye"));
            raw.close();
            seen.resolve(text);
          }, { allowConnect: true, streaming });
          const peer = scene.connect();
          const content = "early\r\n\r\nGET / HTTP/1.1\r\n\r\n\0\xff".repeat(
            99,
          );
          const bytes = bytesOf(request + content);
          for (const piece of split.pieces(bytes)) await peer.send(piece);
          await peer.conn.closeWrite();
          assertEquals(await seen.promise, content);
          const text = await peer.rest();
          assert(text.endsWith("bye"));
          assert(answer.test(text.slice(0, -3)), text);
        }
      }
    });
  }

  for (const { kind, options, wants } of KINDS) {
    Deno.test({
      ...wanting(`${name} speaks both ways at once (${kind})`, ...wants),
    }, async () => {
      await using arena = new Arena(async (client) => {
        if (client.url === "/") {
          return client.respond("ok");
        }
        const raw = take(client);
        const buffer = new Uint8Array(10_000);
        for (let read; (read = await raw.read(buffer)) !== null;) {
          assertEquals(await raw.write(buffer.subarray(0, read)), read);
        }
        await raw.closeWrite();
        raw.close();
        return undefined;
      }, { ...options, allowConnect: true });
      const peer = await arena.connect();
      await peer.send(request.replace("GET / ", "GET /?x "));
      if (name !== "hijack()") await peer.until("\r\n\r\n");
      const content = new Uint8Array(3_000_000);
      for (let i = 0; i < content.length; i++) content[i] = i * 7 % 253;
      const sending = peer.send(content).then(() => peer.conn.closeWrite());
      let at = 0;
      const buffer = new Uint8Array(100_000);
      for (let read; (read = await peer.conn.read(buffer)) !== null;) {
        for (let i = 0; i < read; i++) {
          if (buffer[i] !== content[at + i]) throw new Error(`At ${at + i}`);
        }
        at += read;
      }
      assertEquals(at, content.length);
      await sending;
      peer.close();
      await arena.until(() => arena.server.stats.openConnections === 0);
      await arena.serves();
    });

    for (const ending of ["close()", "shutdown()"] as const) {
      Deno.test({
        ...wanting(
          `${ending} of a server ends what ${name} took over (${kind})`,
          ...wants,
        ),
      }, async () => {
        const seen = Promise.withResolvers<unknown>();
        await using arena = new Arena(async (client) => {
          const raw = take(client);
          arena.hold(client);
          const error = await readRest(raw).catch((error) => error);
          seen.resolve(
            await raw.write(bytesOf("x")).catch((error) => error),
          );
          raw.close();
          return error;
        }, { ...options, allowConnect: true });
        const peer = await arena.connect();
        await peer.send(request);
        await arena.next();
        if (ending === "close()") await arena.server.close();
        else await arena.server.shutdown({ timeout: 50 });
        assert(await seen.promise instanceof Error);
        assert(answer.test(await peer.rest()));
        assertEquals(arena.server.stats.openConnections, 0);
      });
    }

    for (const ending of ["close", "reset"]) {
      Deno.test({
        ...wanting(
          `A ${ending} of a peer ends what ${name} took over (${kind})`,
          ...wants,
        ),
      }, async () => {
        await using arena = new Arena(async (client) => {
          if (client.path === "/ok") return client.respond("ok");
          const raw = take(client);
          arena.hold(client);
          const text = await readRest(raw).catch(() => "");
          raw.close();
          return text;
        }, { ...options, allowConnect: true });
        const peer = await arena.connect();
        if (ending === "reset") {
          await peer.send(GET.replace("/", "/ok"));
          await peer.conn.read(new Uint8Array(1));
        }
        await peer.send(request);
        await arena.next();
        peer.close();
        await arena.until(() => arena.unsettled === 0);
        await arena.until(() => arena.server.stats.openConnections === 0);
      });
    }
  }

  Deno.test(`${name} takes over under the eyes of signal, and loses nothing`, async () => {
    await using scene = new MemoryScene(async (client) => {
      assertEquals(client.signal.aborted, false); // a read is under way now
      await new Promise((resolve) => setTimeout(resolve, 0));
      const raw = take(client);
      await peer.send(" late");
      await new Promise((resolve) => setTimeout(resolve, 5));
      await peer.send(" later");
      await peer.conn.closeWrite();
      await raw.write(bytesOf(await readRest(raw)));
      raw.close();
    }, { allowConnect: true });
    const peer = scene.connect();
    await peer.send(request + "early");
    assert((await peer.rest()).endsWith("early late later"));
  });

  Deno.test(`${name} of a client whose peer has gone is at its end`, async () => {
    const seen = Promise.withResolvers<unknown[]>();
    await using scene = new MemoryScene(async (client) => {
      client.close();
      const raw = take(client);
      const read = await raw.read(new Uint8Array(9));
      const error = await raw.write(bytesOf("x")).catch((error) => error);
      await raw.closeWrite().catch(() => {});
      raw.close();
      seen.resolve([read, error instanceof Deno.errors.BrokenPipe]);
    }, { allowConnect: true });
    const peer = scene.connect();
    await peer.send(request);
    assertEquals(await seen.promise, [null, true]);
  });
}

Deno.test("RawConnection.closeWrite() leaves the other side open", async () => {
  await using scene = new Scene(async (client) => {
    const raw = client.hijack();
    await raw.write(bytesOf("hello"));
    await raw.closeWrite();
    seen.resolve(await readRest(raw));
    raw.close();
  });
  const seen = Promise.withResolvers<string>();
  const peer = await scene.connect();
  await peer.send(GET);
  assertEquals(await peer.rest(), "hello");
  await peer.send("still here");
  await peer.conn.closeWrite();
  assertEquals(await seen.promise, "still here");
});

Deno.test("RawConnection writes on when its peer has said all", async () => {
  await using scene = new Scene(async (client) => {
    const raw = client.hijack();
    assertEquals(await readRest(raw), "all");
    await raw.write(bytesOf("one "));
    await raw.write(bytesOf("two"));
    raw.close();
  });
  const peer = await scene.connect();
  await peer.send(GET + "all");
  await peer.conn.closeWrite();
  assertEquals(await peer.rest(), "one two");
});

Deno.test("RawConnection.close() lets writes that were waited for arrive", async () => {
  const content = "x".repeat(1_000_000);
  await using scene = new Scene(async (client) => {
    using raw = client.hijack();
    await raw.write(bytesOf(content));
  });
  const peer = await scene.connect();
  await peer.send(GET);
  assertEquals((await peer.rest()).length, content.length);
});

Deno.test("RawConnection writes in order without being waited for", async () => {
  await using scene = new Scene(async (client) => {
    const raw = client.hijack();
    const writes: Promise<number>[] = [];
    for (let i = 0; i < 300; i++) {
      writes.push(raw.write(bytesOf(`${i} `.padEnd(i * 50, "."))));
    }
    await Promise.all(writes);
    raw.close();
  });
  const peer = await scene.connect();
  await peer.send(GET);
  const text = await peer.rest();
  assertEquals(
    text.match(/\d+ /g),
    Array.from({ length: 300 }, (_, i) => `${i} `),
  );
});

Deno.test("RawConnection has streams", async () => {
  await using scene = new Scene(async (client) => {
    const raw = client.hijack();
    await raw.readable
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(
        new TransformStream<string, string>({
          transform: (text, controller) =>
            controller.enqueue(text.toUpperCase()),
        }),
      )
      .pipeThrough(new TextEncoderStream())
      .pipeTo(raw.writable);
    raw.close();
  });
  const peer = await scene.connect();
  await peer.send(GET + "early ");
  await peer.send("late");
  await peer.conn.closeWrite();
  assertEquals(await peer.rest(), "EARLY LATE");
});

for (
  const [name, cancel] of Object.entries<(raw: RawConnection) => unknown>({
    "cancelling readable": (raw) => raw.readable.cancel(),
    "aborting writable": (raw) => raw.writable.abort(),
    "close()": (raw) => raw.close(),
    "close() twice": (raw) => {
      raw.close();
      raw.close();
    },
    "using": (raw) => raw[Symbol.dispose](),
  })
) {
  Deno.test(`RawConnection is closed by ${name}, and its reads end`, async () => {
    const seen = Promise.withResolvers<unknown>();
    await using arena = new Arena(async (client) => {
      if (client.path === "/") return client.respond("ok");
      const raw = client.hijack();
      const reading = raw.read(new Uint8Array(9)).catch(() => null);
      await new Promise((resolve) => setTimeout(resolve, 5));
      await cancel(raw);
      seen.resolve(await reading);
      await assertRejects(
        () => raw.write(bytesOf("x")),
        Deno.errors.BrokenPipe,
      );
      return undefined;
    });
    const peer = await arena.connect();
    await peer.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    assertEquals(await peer.rest(), "");
    assertEquals(await seen.promise, null);
    await arena.serves();
  });
}

Deno.test("sendTimeout holds for what is written raw", async () => {
  await using arena = new Arena(async (client) => {
    if (client.path === "/") return client.respond("ok");
    const raw = client.hijack();
    const piece = new Uint8Array(1_000_000);
    const error = await assertRejects(async () => {
      for (;;) await raw.write(piece);
    });
    assert(error instanceof Deno.errors.BrokenPipe);
    return undefined;
  }, { sendTimeout: 150 });
  const peer = await arena.connect();
  await peer.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  await arena.until(() => arena.count("upgraded") > 0);
  await arena.serves();
  await arena.until(() => arena.server.stats.timedOut === 1);
  await arena.until(() => arena.server.stats.openConnections === 0);
});

Deno.test("No timeout of HTTP ends a raw connection that is silent", async () => {
  await using arena = new Arena(async (client) => {
    const raw = client.hijack();
    assertEquals(await readExactly(raw, 4), "late");
    raw.close();
  }, {
    keepAliveTimeout: 100,
    requestTimeout: 100,
    bodyTimeout: 50,
    sendTimeout: 50,
  });
  const peer = await arena.connect();
  await peer.send(GET);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assertEquals(arena.server.stats.openConnections, 1);
  await peer.send("late");
  assertEquals(await peer.rest(), "");
});

Deno.test("A raw connection is not closed to make room for others", async () => {
  await using arena = new Arena(async (client) => {
    if (client.path === "/") return client.respond("ok");
    const raw = client.hijack();
    assertEquals(await readRest(raw), "still");
    raw.close();
    return undefined;
  }, { maxWaitingClients: 2 });
  const peer = await arena.connect();
  await peer.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  for (let i = 0; i < 5; i++) await arena.serves();
  await peer.send("still");
  await peer.conn.closeWrite();
  assertEquals(await peer.rest(), "");
});

Deno.test("Two reads at once both come to something", async () => {
  await using scene = new MemoryScene(async (client) => {
    assertEquals(client.signal.aborted, false); // a read is under way now
    const raw = client.hijack();
    const reads = [0, 1].map(() =>
      raw.read(new Uint8Array(1)).catch(() => "refused")
    );
    await peer.send("ab");
    await peer.conn.closeWrite();
    await Promise.all(reads);
    raw.close();
  });
  const peer = scene.connect();
  await peer.send(GET);
  let isOver = false;
  const over = peer.rest().then(() => isOver = true);
  await eventually(() => isOver);
  await over;
});

Deno.test("upgrade() and hijack() refuse to be misused", async () => {
  await using scene = new MemoryScene((client) => {
    if (client.method === "CONNECT") {
      assertThrows(() => client.upgrade("echo"), TypeError);
    } else {
      assertThrows(() => client.upgrade(), TypeError);
      assertThrows(() => client.upgrade("other"), TypeError);
      assertThrows(() => client.upgrade(""), TypeError);
      assertThrows(() => client.upgrade("a\r\nb: c"), TypeError);
    }
    const upgrade = (headers: Record<string, string>) => () =>
      client.method === "CONNECT"
        ? client.upgrade(undefined, { headers })
        : client.upgrade("echo", { headers });
    assertThrows(upgrade({ "a\n": "b" }), TypeError);
    assertThrows(upgrade({ "a": "b\r\nc" }), TypeError);
    assertEquals(client.isAnswered, false);
    client.respond("ok");
    assertThrows(() => client.hijack(), TypeError);
    assertThrows(upgrade({}), TypeError);
  }, { allowConnect: true });
  for (const request of [UPGRADE, CONNECT]) {
    const peer = scene.connect();
    await peer.send(request);
    assertEquals((await peer.response()).status, 200);
  }
});

Deno.test("upgrade() takes only what the peer has asked for", async (t) => {
  const rows: Record<string, [request: string, isTaken: boolean]> = {
    "as it is": [UPGRADE, true],
    "in other letters": [UPGRADE.replace("echo", "ECHO"), true],
    "among others": [UPGRADE.replace("echo", "h2c, echo, x"), true],
    "with other options": [
      UPGRADE.replace("Upgrade\r", "keep-alive, UPGRADE\r"),
      true,
    ],
    "no Connection": [UPGRADE.replace("Connection: Upgrade\r\n", ""), false],
    "another Connection": [UPGRADE.replace("n: Upgrade", "n: close"), false],
    "no Upgrade": [UPGRADE.replace("Upgrade: echo\r\n", ""), false],
    "HTTP/1.0": [UPGRADE.replace("1.1", "1.0"), false],
    "another protocol": [UPGRADE.replace("echo", "echo2"), false],
  };
  for (const [name, [request, isTaken]] of Object.entries(rows)) {
    await t.step(name, async () => {
      await using scene = new MemoryScene((client) => {
        if (!isTaken) {
          assertThrows(() => client.upgrade("echo"), TypeError);
          client.respond("no", { status: 400 });
        } else client.upgrade("echo", { headers: { "x-a": "b" } }).close();
      });
      const peer = scene.connect();
      await peer.send(request);
      const head = await peer.until("\r\n\r\n").catch(() => "");
      if (isTaken) assert(head === "" || head.includes("x-a: b\r\n"), head);
      else assert(head.startsWith("HTTP/1.1 400"), head);
    });
  }
});

Deno.test("CONNECT needs allowConnect, and may be refused", async () => {
  await using scene = new MemoryScene((client) =>
    client.respond("no", { status: 403 })
  );
  const one = scene.connect();
  await one.send(CONNECT);
  assertEquals((await one.response()).status, 501);
  await using other = new MemoryScene(
    (client) => client.respond("no", { status: 403 }),
    { allowConnect: true },
  );
  const two = other.connect();
  await two.send(CONNECT + GET);
  assertEquals((await two.response()).status, 403);
});

Deno.test("upgrade() and hijack() give no body of a request for raw bytes", async (t) => {
  // RFC 9110 section 7.8: the request is complete before the protocol changes.
  const bodies: Record<string, string> = {
    "of known length": "Content-Length: 5\r\n\r\nhello",
    "in chunks": "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  };
  for (const [name, rest] of Object.entries(bodies)) {
    for (const streaming of [false, true]) {
      await t.step(`${name}, streaming ${streaming}`, async () => {
        const seen = Promise.withResolvers<string>();
        await using scene = new MemoryScene(async (client) => {
          if (streaming) assertEquals(await client.text(), "hello");
          const raw = client.upgrade("echo");
          seen.resolve(await readRest(raw));
          raw.close();
        }, { streaming });
        const peer = scene.connect();
        await peer.send(
          UPGRADE.replace("GET", "POST").slice(0, -2) + rest + "raw",
        );
        await peer.until("\r\n\r\n");
        await peer.conn.closeWrite();
        assertEquals(await seen.promise, "raw");
      });
    }
  }
});

Deno.test("upgrade() before the body is in never takes the body for raw bytes", async () => {
  const seen = Promise.withResolvers<string>();
  await using scene = new MemoryScene(async (client) => {
    let raw: RawConnection;
    try {
      raw = client.upgrade("echo");
    } catch (error) {
      assert(error instanceof TypeError);
      seen.resolve("refused");
      client.close();
      return;
    }
    seen.resolve(await readRest(raw));
    raw.close();
  }, { streaming: true });
  const peer = scene.connect();
  await peer.send(
    UPGRADE.replace("GET", "POST").slice(0, -2) +
      "Content-Length: 5\r\n\r\nhelloraw",
  );
  await peer.conn.closeWrite();
  const text = await seen.promise;
  assert(text === "raw" || text === "refused", text);
});

Deno.test("upgrade() in the middle of a body is answered with 400", async () => {
  const seen = Promise.withResolvers<unknown[]>();
  await using scene = new MemoryScene(async (client) => {
    const raw = client.upgrade("echo");
    const read = await raw.read(new Uint8Array(9));
    const error = await raw.write(bytesOf("x")).catch((error) => error);
    raw.close();
    seen.resolve([read, error instanceof Deno.errors.BrokenPipe]);
  }, { streaming: true, bodyTimeout: 200 });
  const peer = scene.connect();
  await peer.send(
    UPGRADE.replace("GET", "POST").slice(0, -2) +
      "Content-Length: 9\r\n\r\nhalf",
  );
  assertEquals((await peer.response()).status, 400);
  await peer.send("raw");
  assertEquals(await peer.rest(), "");
  assertEquals(await seen.promise, [null, true]);
});

Deno.test("RawConnection.read() under the eyes of signal ends with the connection", async (t) => {
  const ends: Record<string, (raw: RawConnection, peer: RawClient) => unknown> =
    {
      "close()": (raw) => raw.close(),
      "the peer's end": (_raw, peer) => peer.conn.closeWrite(),
      "the peer's close": (_raw, peer) => peer.close(),
    };
  for (const [name, end] of Object.entries(ends)) {
    await t.step(name, async () => {
      const seen = Promise.withResolvers<unknown>();
      await using scene = new MemoryScene(async (client) => {
        assertEquals(client.signal.aborted, false); // a read is under way now
        const raw = client.hijack();
        raw.read(new Uint8Array(1)).then(seen.resolve, seen.resolve);
        await new Promise((resolve) => setTimeout(resolve, 0));
        await end(raw, peer);
      });
      const peer = scene.connect();
      await peer.send(GET);
      let isOver = false;
      seen.promise.then(() => isOver = true);
      await eventually(() => isOver);
      if (name === "close()") {
        // What we cut off ourselves is not the peer's end.
        assert(await seen.promise instanceof Deno.errors.ConnectionAborted);
      } else assertEquals(await seen.promise, null);
    });
  }
});

Deno.test("A request's other ways end with its takeover", async () => {
  await using arena = new Arena(async (client) => {
    if (client.path === "/") return client.respond("ok");
    const raw = client.hijack();
    assertThrows(() => client.respond("x"), TypeError);
    assertThrows(() => client.responseStream(), TypeError);
    client.close(); // is not this request's any more
    await raw.write(bytesOf("raw"));
    raw.close();
    return undefined;
  });
  const peer = await arena.connect();
  await peer.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  assertEquals(await peer.rest(), "raw");
});

const [, { options: secure, wants }] = KINDS;

for (const first of ["the peer", "we"]) {
  Deno.test({
    // Where nothing but this tells that the connection is over.
    ...wanting(
      `RawConnection is at its end when both sides have closed, ${first} first`,
      ...wants,
    ),
  }, async () => {
    const read: (number | null)[] = [];
    await using arena = new Arena(async (client) => {
      const conn = client.hijack();
      const buffer = new Uint8Array(4);
      if (first === "we") await conn.closeWrite();
      // Nobody closes it; what came before the end is read all the same.
      for (let i = 0; i < 4; i++) read.push(await conn.read(buffer));
      if (first !== "we") await conn.closeWrite();
      read.push(await conn.read(buffer));
    }, { ...secure, guardedTls: true });
    const peer = await arena.connect();
    await peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nabcdefghi");
    await peer.conn.closeWrite();
    await arena.until(() => arena.count("closed") === 1);
    await arena.until(() => arena.unsettled === 0);
    assertEquals(read, [4, 4, 1, null, null]);
  });
}
