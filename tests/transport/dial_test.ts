import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  dial,
  DialError,
  type DialFailure,
  type DialOptions,
  type DialPhase,
  startTls,
} from "../../transport/dial.ts";
import { makePair } from "../support/certificates.ts";
import { has, wanting } from "../support/wanting.ts";

const LOOPBACK = "127.0.0.1";
const encoder = new TextEncoder();
const pair = has("OpenSSL 3") ? await makePair() : { cert: "", key: "" };

/** A listener on the loopback, and how to get at it. */
function listen(hostname = LOOPBACK): {
  listener: Deno.TcpListener;
  where: DialOptions;
} {
  const listener = Deno.listen({ hostname, port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  return { listener, where: { hostname, port, timeout: 5000 } };
}

/** What a dial ends with that should not succeed. */
async function failure(
  dialed: Promise<unknown>,
  phase: DialPhase,
  kind: DialFailure,
): Promise<DialError> {
  const error = await assertRejects(() => dialed, DialError);
  assertEquals([error.phase, error.kind], [phase, kind], error.message);
  assertEquals(error.name, "DialError");
  assert(error.message.endsWith(`: ${error.problem}`), error.message);
  return error;
}

/** Reads until the peer has closed, or broken off. */
async function untilClosed(conn: Deno.Conn): Promise<void> {
  const space = new Uint8Array(1024);
  try {
    while (await conn.read(space) !== null);
  } catch {
    // A reset is an end, too.
  }
  conn[Symbol.dispose]();
}

/**
 * Waits for the end of a handshake that was broken off. Deno's own TLS lets go
 * of the socket only when the peer closes or speaks.
 */
async function untilLetGo(peer: Deno.Conn, insecure: boolean): Promise<void> {
  if (insecure) await untilClosed(peer);
  else peer.close();
}

/** A signal that knows how many listen to it. */
function countedSignal(): { controller: AbortController; count: () => number } {
  const controller = new AbortController();
  const { signal } = controller;
  let count = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: unknown[]) => {
    count++;
    Reflect.apply(addEventListener, signal, args);
  };
  signal.removeEventListener = (...args: unknown[]) => {
    count--;
    Reflect.apply(removeEventListener, signal, args);
  };
  return { controller, count: () => count };
}

for (const hostname of [LOOPBACK, "localhost", "::1", "[::1]"]) {
  Deno.test({
    ...wanting(
      `dial() connects to ${hostname}`,
      ...hostname.includes(":") ? ["IPv6" as const] : [],
    ),
    async fn() {
      const { listener, where } = listen(
        hostname.includes(":") ? "::1" : LOOPBACK,
      );
      const [{ conn, connectTime, tlsTime }, peer] = await Promise.all([
        dial({ ...where, hostname }),
        listener.accept(),
      ]);
      assert(connectTime > 0);
      assertEquals(tlsTime, 0);
      await conn.write(encoder.encode("a"));
      assertEquals(await peer.read(new Uint8Array(9)), 1);
      for (const one of [conn, peer, listener]) one.close();
    },
  });
}

Deno.test("dial() turns off the algorithm of Nagle", async () => {
  const { listener, where } = listen();
  const probe = await Deno.connect({ hostname: LOOPBACK, port: where.port });
  const proto = Object.getPrototypeOf(probe);
  const { setNoDelay } = proto;
  const calls: unknown[][] = [];
  proto.setNoDelay = function (...args: unknown[]) {
    calls.push(args);
    return Reflect.apply(setNoDelay, this, args);
  };
  try {
    const { conn } = await dial(where);
    conn.close();
  } finally {
    proto.setNoDelay = setNoDelay;
  }
  assertEquals(calls, [[true]]);
  probe.close();
  listener.close();
});

Deno.test({
  ...wanting("dial() connects to a Unix socket", "Unix sockets"),
  async fn() {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/socket`;
    const where = { hostname: "ignored", port: 0, path, timeout: 5000 };
    try {
      const missing = await failure(dial(where), "connect", "failed");
      assertEquals(missing.problem, "no such socket");
      const listener = Deno.listen({ transport: "unix", path });
      const [{ conn }, peer] = await Promise.all([
        dial(where),
        listener.accept(),
      ]);
      await conn.write(encoder.encode("a"));
      assertEquals(await peer.read(new Uint8Array(9)), 1);
      for (const one of [conn, peer, listener]) one.close();
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("dial() says what is wrong when there is nobody to connect to", async () => {
  const { listener, where } = listen();
  listener.close();
  const cases: [Partial<DialOptions>, problem: RegExp][] = [
    [{}, /^connection refused$/],
    [{ hostname: "nobody.invalid" }, /^name (?:not found|lookup failed)/],
    [{ hostname: "a b" }, /^name is not valid$/],
    [{ hostname: "" }, /^name is not valid$/],
    [{ port: 0 }, /^port is out of range$/],
    [{ port: 65_536 }, /^port is out of range$/],
  ];
  for (const [change, problem] of cases) {
    const { controller, count } = countedSignal();
    const { signal } = controller;
    const options = { ...where, ...change, signal };
    const error = await failure(dial(options), "connect", "failed");
    assertMatch(error.problem, problem);
    assert(error.cause instanceof Error);
    assertEquals(count(), 0);
  }
});

Deno.test({
  name: "dial() says which permission is missing",
  permissions: { net: false },
  async fn() {
    const where = { hostname: LOOPBACK, port: 1, timeout: 5000 };
    const error = await failure(dial(where), "connect", "failed");
    assertMatch(error.problem, /^requires net access to "127\.0\.0\.1:1"/);
    assert(error.cause instanceof Deno.errors.NotCapable);
  },
});

Deno.test("dial() does nothing when the signal is aborted already", async () => {
  const { listener, where } = listen();
  const reason = new Error("Enough");
  const options = { ...where, signal: AbortSignal.abort(reason) };
  const error = await failure(dial(options), "connect", "aborted");
  assertEquals(error.cause, reason);
  const [{ conn }, peer] = await Promise.all([dial(where), listener.accept()]);
  assertEquals(peer.remoteAddr, conn.localAddr);
  for (const one of [conn, peer, listener]) one.close();
});

Deno.test("dial() closes what connects at the moment of the abort", async () => {
  const { listener, where } = listen();
  const peers: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const peer of listener) peers.push(untilClosed(peer));
  })();
  for (let round = 0; round < 200; round++) {
    const { controller, count } = countedSignal();
    const { signal } = controller;
    const dialed = dial({ ...where, signal }).then(
      ({ conn }) => conn.close(),
      (error) => assertEquals(error.kind, "aborted"),
    );
    await new Promise((done) => setTimeout(done, 0));
    // So that the connection is there, but has not been told of.
    const end = performance.now() + round / 1000;
    while (performance.now() < end);
    controller.abort();
    await dialed;
    assertEquals(count(), 0);
  }
  listener.close();
  await accepting;
  await Promise.all(peers);
});

Deno.test("dial() closes what has connected, whenever the abort comes behind that", async () => {
  const { connect } = Deno;
  try {
    for (let steps = 0; steps < 12; steps++) {
      const controller = new AbortController();
      let isOpen = true;
      const conn = {
        [Symbol.dispose]: () => isOpen = false,
        setNoDelay() {},
        setKeepAlive() {},
      };
      Deno.connect = (() => {
        // So many turns of the queue behind what awaits the connection.
        const connected = Promise.resolve(conn);
        let turn = connected.then(() => {});
        for (let i = 0; i < steps; i++) turn = turn.then(() => {});
        turn.then(() => controller.abort());
        return connected;
      }) as unknown as typeof Deno.connect;
      const { signal } = controller;
      const dialed = dial({ hostname: "a", port: 1, timeout: 9999, signal });
      const isHandedOut = await dialed.then(() => true, () => false);
      assertEquals(isOpen, isHandedOut, `${steps} turns behind`);
    }
  } finally {
    Deno.connect = connect;
  }
});

Deno.test("dial() leaves a connection alone when the abort comes later", async () => {
  const { listener, where } = listen();
  const { controller, count } = countedSignal();
  const [{ conn }, peer] = await Promise.all([
    dial({ ...where, signal: controller.signal }),
    listener.accept(),
  ]);
  assertEquals(count(), 0);
  controller.abort();
  await conn.write(encoder.encode("a"));
  assertEquals(await peer.read(new Uint8Array(9)), 1);
  for (const one of [conn, peer, listener]) one.close();
});

Deno.test({
  // There the kernel lets those wait for whom there is no room.
  ...wanting("dial() gives up when no answer comes", "Linux"),
  async fn() {
    const hostname = LOOPBACK;
    const listener = Deno.listen({ hostname, port: 0, tcpBacklog: 1 });
    const { port } = listener.addr as Deno.NetAddr;
    const where = { hostname, port, timeout: 200 };
    const conns: Deno.Conn[] = [];
    let last: unknown;
    while (last === undefined && conns.length < 20) {
      try {
        conns.push((await dial(where)).conn);
      } catch (error) {
        last = error;
      }
    }
    const error = await failure(Promise.reject(last), "connect", "timeout");
    assertEquals(error.problem, "timed out after 200 ms");
    assertEquals(error.cause, undefined);
    const { controller, count } = countedSignal();
    const { signal } = controller;
    const dialed = dial({ ...where, signal, timeout: Infinity });
    const aborted = failure(dialed, "connect", "aborted");
    assertEquals(count(), 1);
    controller.abort("enough");
    assertEquals((await aborted).cause, "enough");
    assertEquals(count(), 0);
    for (const one of [...conns, listener]) one.close();
  },
});

// Both ways of TLS are to fail alike.
for (const insecure of [false, true]) {
  const way = insecure ? "insecure" : "secure";
  const tls = { hostname: "localhost", caCerts: [pair.cert], insecure };

  const REFUSALS: [name: string, bytes: Uint8Array, problem: string][] = [
    [
      "speaks HTTP",
      encoder.encode("HTTP/1.1 400 Bad Request\r\n\r\n"),
      "peer does not speak TLS",
    ],
    ["sends zeros", new Uint8Array(300), "peer does not speak TLS"],
    [
      "refuses",
      new Uint8Array([21, 3, 3, 0, 2, 2, 40]),
      "peer refused: HandshakeFailure",
    ],
    ["closes", new Uint8Array(0), "peer closed"],
  ];
  for (const [name, bytes, problem] of REFUSALS) {
    Deno.test(`dial() fails with ${way} TLS when the peer ${name}`, async () => {
      const { listener, where } = listen();
      const dialed = failure(dial({ ...where, tls }), "tls", "failed");
      const peer = await listener.accept();
      await peer.read(new Uint8Array(4096));
      await peer.write(bytes);
      await peer.closeWrite();
      const error = await dialed;
      assertEquals(error.problem, problem);
      assert(error.cause instanceof Error);
      await untilClosed(peer);
      listener.close();
    });
  }

  Deno.test(`dial() fails with ${way} TLS when the peer is silent too long`, async () => {
    const { listener, where } = listen();
    const options = { ...where, tls, timeout: 50 };
    const dialed = failure(dial(options), "tls", "timeout");
    const peer = await listener.accept();
    assertEquals((await dialed).problem, "timed out after 50 ms");
    await untilLetGo(peer, insecure);
    listener.close();
  });

  Deno.test(`dial() breaks off ${way} TLS when it is aborted`, async () => {
    const { listener, where } = listen();
    const { controller, count } = countedSignal();
    const { signal } = controller;
    const options = { ...where, tls, signal, timeout: Infinity };
    const dialed = failure(dial(options), "tls", "aborted");
    const peer = await listener.accept();
    assert(await peer.read(new Uint8Array(4096)) !== null);
    controller.abort("enough");
    assertEquals((await dialed).cause, "enough");
    assertEquals(count(), 0);
    await untilLetGo(peer, insecure);
    listener.close();
  });

  Deno.test(`startTls() does nothing but close with ${way} TLS when it is aborted already`, async () => {
    const { listener, where } = listen();
    const [{ conn }, peer] = await Promise.all([
      dial(where),
      listener.accept(),
    ]);
    const options = { ...tls, signal: AbortSignal.abort(), timeout: 5000 };
    await failure(startTls(conn, options), "tls", "aborted");
    assertEquals(await peer.read(new Uint8Array(9)), null);
    for (const one of [peer, listener]) one.close();
  });

  Deno.test({
    ...wanting(`dial() speaks ${way} TLS with whom it may`, "OpenSSL 3"),
    async fn() {
      for (
        const alpnProtocols of [undefined, ["http/1.1"], ["h2", "http/1.1"]]
      ) {
        const listener = Deno.listenTls({
          ...{ hostname: LOOPBACK, port: 0, ...pair, alpnProtocols },
        });
        const { port } = listener.addr as Deno.NetAddr;
        for (const hostname of ["localhost", "localhost.", LOOPBACK]) {
          const where = { hostname: LOOPBACK, port, timeout: 5000 };
          const [{ conn, connectTime, tlsTime }, peer] = await Promise.all([
            dial({ ...where, tls: { ...tls, hostname } }),
            listener.accept(),
          ]);
          assert(connectTime > 0 && tlsTime > 0);
          await conn.write(encoder.encode("a"));
          assertEquals(await peer.read(new Uint8Array(9)), 1);
          for (const one of [conn, peer]) one.close();
        }
        listener.close();
      }
    },
  });

  Deno.test({
    ...wanting(
      `dial() refuses ${way} TLS with who speaks only h2`,
      "OpenSSL 3",
    ),
    async fn() {
      const alpnProtocols = ["h2"];
      const listener = Deno.listenTls({
        ...{ hostname: LOOPBACK, port: 0, ...pair, alpnProtocols },
      });
      const { port } = listener.addr as Deno.NetAddr;
      const where = { hostname: LOOPBACK, port, timeout: 5000 };
      const dialed = failure(dial({ ...where, tls }), "tls", "failed");
      const peer = await listener.accept();
      await peer.handshake().catch(() => {});
      const error = await dialed;
      assertEquals(error.problem, "peer refused: NoApplicationProtocol");
      for (const one of [peer, listener]) one.close();
    },
  });

  Deno.test({
    ...wanting(
      `dial() leaves nothing behind with ${way} TLS, whenever it is aborted`,
      "OpenSSL 3",
    ),
    async fn() {
      const listener = Deno.listenTls({
        ...{ hostname: LOOPBACK, port: 0, ...pair },
      });
      const { port } = listener.addr as Deno.NetAddr;
      const peers: Promise<void>[] = [];
      const accepting = (async () => {
        for await (const peer of listener) peers.push(untilClosed(peer));
      })();
      const phases = new Set<string>();
      for (let round = 0; round < 120; round++) {
        const { controller, count } = countedSignal();
        const { signal } = controller;
        const where = { hostname: LOOPBACK, port, timeout: 5000, signal };
        const dialed = dial({ ...where, tls }).then(({ conn }) => {
          conn.close();
          return "done";
        }, (error: DialError) => {
          assertEquals(error.kind, "aborted");
          return error.phase;
        });
        let isOver = false;
        dialed.then(() => isOver = true);
        for (let turn = round % 30; turn > 0 && !isOver; turn--) {
          if (round < 60) await new Promise((done) => setTimeout(done, 0));
          else await Promise.resolve();
        }
        controller.abort();
        phases.add(await dialed);
        assertEquals(count(), 0);
      }
      listener.close();
      await accepting;
      await Promise.all(peers);
      assert(phases.has("connect"));
    },
  });
}

Deno.test({
  ...wanting("dial() refuses certificates that do not fit", "OpenSSL 3"),
  async fn() {
    const listener = Deno.listenTls({ hostname: LOOPBACK, port: 0, ...pair });
    const { port } = listener.addr as Deno.NetAddr;
    const where = { hostname: LOOPBACK, port, timeout: 5000 };
    const caCerts = [pair.cert];
    const broken = pair.cert.replace(/\n[\s\S]*\n(?=-)/, "\nAAAA\n");
    const cases: [DialOptions["tls"], problem: string][] = [
      [{ hostname: "localhost" }, "certificate is not trusted: UnknownIssuer"],
      [{ hostname: "a.test", caCerts }, "certificate is for another name"],
      [{ hostname: "::1", caCerts }, "certificate is for another name"],
      [{ hostname: "[::1]", caCerts }, "certificate is for another name"],
      [{ hostname: "a b", caCerts }, "name is not valid"],
      [{ hostname: "localhost", caCerts: [broken] }, "caCerts are not valid"],
    ];
    for (const [tls, problem] of cases) {
      const dialed = failure(dial({ ...where, tls }), "tls", "failed");
      const peer = await listener.accept();
      const shaken = peer.handshake().catch(() => {});
      assertEquals((await dialed).problem, problem);
      await shaken;
      await untilClosed(peer);
    }
    for (const hostname of ["a.test", "::1", "[::1]"]) {
      const [{ conn }, peer] = await Promise.all([
        dial({ ...where, tls: { hostname, insecure: true } }),
        listener.accept(),
      ]);
      await conn.write(encoder.encode("a"));
      assertEquals(await peer.read(new Uint8Array(9)), 1);
      for (const one of [conn, peer]) one.close();
    }
    listener.close();
  },
});

Deno.test({
  ...wanting(
    "startTls() says that Deno's TLS takes no Unix socket",
    "Unix sockets",
  ),
  async fn() {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/socket`;
    try {
      const listener = Deno.listen({ transport: "unix", path });
      const tls = { hostname: "localhost" };
      const where = { hostname: "", port: 0, path, tls, timeout: 5000 };
      const dialed = failure(dial(where), "tls", "failed");
      const peer = await listener.accept();
      assertEquals((await dialed).problem, "connection cannot carry TLS");
      assertEquals(await peer.read(new Uint8Array(9)), null);
      for (const one of [peer, listener]) one.close();
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  ...wanting("dial() runs the tunnel before TLS", "OpenSSL 3"),
  async fn() {
    for (const insecure of [false, true]) {
      const { listener, where } = listen();
      const target = Deno.listenTls({ hostname: LOOPBACK, port: 0, ...pair });
      const { port } = target.addr as Deno.NetAddr;
      const dialed = dial({
        ...where,
        tls: { hostname: "localhost", caCerts: [pair.cert], insecure },
        tunnel: async (conn) => {
          await conn.write(encoder.encode("CONNECT"));
          assertEquals(await conn.read(new Uint8Array(9)), 2);
        },
      });
      const proxy = await listener.accept();
      assertEquals(await proxy.read(new Uint8Array(9)), 7);
      await proxy.write(encoder.encode("OK"));
      const onward = await Deno.connect({ hostname: LOOPBACK, port });
      const pipes = Promise.allSettled([
        proxy.readable.pipeTo(onward.writable),
        onward.readable.pipeTo(proxy.writable),
      ]);
      const [{ conn }, peer] = await Promise.all([dialed, target.accept()]);
      await conn.write(encoder.encode("a"));
      assertEquals(await peer.read(new Uint8Array(9)), 1);
      for (const one of [conn, peer, listener, target]) one.close();
      await pipes;
    }
  },
});

Deno.test("dial() passes on what the tunnel throws", async () => {
  const { listener, where } = listen();
  const refusal = new Error("Refused");
  const tunnel = () => Promise.reject(refusal);
  const dialed = assertRejects(() => dial({ ...where, tunnel }));
  const peer = await listener.accept();
  assertEquals(await dialed, refusal);
  assertEquals(await peer.read(new Uint8Array(9)), null);
  for (const one of [peer, listener]) one.close();
});

Deno.test("dial() does not wait for a tunnel that never ends", async () => {
  const { listener, where } = listen();
  const never = () => new Promise<void>(() => {});
  const reading = async (conn: Deno.Conn) => {
    await conn.read(new Uint8Array(9));
  };
  for (const tunnel of [never, reading]) {
    const late = dial({ ...where, tunnel, timeout: 50 });
    const timedOut = failure(late, "proxy", "timeout");
    await untilClosed(await listener.accept());
    await timedOut;
    const { controller, count } = countedSignal();
    const { signal } = controller;
    const begun = Promise.withResolvers<void>();
    const told = (conn: Deno.Conn) => {
      begun.resolve();
      return tunnel(conn);
    };
    const cut = dial({ ...where, tunnel: told, signal, timeout: Infinity });
    const aborted = failure(cut, "proxy", "aborted");
    const peer = await listener.accept();
    await begun.promise;
    controller.abort("enough");
    assertEquals((await aborted).cause, "enough");
    assertEquals(count(), 0);
    await untilClosed(peer);
  }
  listener.close();
});
