import { assert, assertEquals, assertRejects } from "@std/assert";
import { connectInsecure } from "../../transport/client_tls.ts";
import { makePair } from "../support/certificates.ts";
import { has, wanting } from "../support/wanting.ts";

const LOOPBACK = "127.0.0.1";
const MIB = 2 ** 20;
const encoder = new TextEncoder();
const pair = has("OpenSSL 3") ? await makePair() : { cert: "", key: "" };

/** Both ends of a connection: ours, that of the peer, and what is below ours. */
interface Ends {
  near: Deno.TlsConn;
  far: Deno.TlsConn;
  tcp: Deno.TcpConn;
}

/** A test with both ends of a connection, which it may close itself. */
function testEnds(name: string, body: (ends: Ends) => Promise<void>): void {
  Deno.test({
    ...wanting(name, "OpenSSL 3"),
    async fn() {
      const listener = Deno.listenTls({
        ...{ hostname: LOOPBACK, port: 0, ...pair },
        alpnProtocols: ["http/1.1"],
      });
      const { port } = listener.addr as Deno.NetAddr;
      const tcp = await Deno.connect({ hostname: LOOPBACK, port });
      const [near, far] = await Promise.all([
        connectInsecure(tcp, "another.test"),
        listener.accept(),
      ]);
      listener.close();
      try {
        await body({ near, far, tcp });
      } finally {
        for (const one of [near, far]) one[Symbol.dispose]();
      }
    },
  });
}

/** Bytes that do not repeat soon. */
function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let x = seed;
  for (let i = 0; i < length; i++) {
    x = Math.imul(x, 1664525) + 1013904223 | 0;
    bytes[i] = x >>> 24;
  }
  return bytes;
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let from = 0; from < bytes.length;) {
    from += await conn.write(bytes.subarray(from));
  }
}

/** Reads so much, or to the end, in pieces of at most so much. */
async function readAll(
  conn: Deno.Conn,
  length = Infinity,
  size = 4096,
): Promise<Uint8Array> {
  const pieces: number[][] = [];
  let total = 0;
  while (total < length) {
    const space = new Uint8Array(Math.min(size, length - total));
    const read = await conn.read(space);
    if (read === null) break;
    total += read;
    pieces.push([...space.subarray(0, read)]);
  }
  return new Uint8Array(pieces.flat());
}

/** Compares large arrays without writing them out. */
function assertSame(actual: Uint8Array, expected: Uint8Array): void {
  assertEquals(actual.length, expected.length);
  const at = actual.findIndex((byte, i) => byte !== expected[i]);
  assertEquals(at, -1, "first difference");
}

for (const size of [1, 100, 16_384, 65_536]) {
  const length = size === 1 ? 10_000 : MIB;
  testEnds(
    `connectInsecure() echoes ${length} bytes read by ${size}`,
    async (ends) => {
      const { near, far } = ends;
      const bytes = pattern(length, size);
      const echoing = (async () => {
        const space = new Uint8Array(10_000);
        for (;;) {
          const read = await far.read(space);
          if (read === null) break;
          await writeAll(far, space.subarray(0, read));
        }
        await far.closeWrite();
      })();
      const writing = (async () => {
        // The space is used again: what was taken may not be looked at later.
        const space = new Uint8Array(3000);
        for (let from = 0; from < length; from += space.length) {
          const piece = bytes.subarray(from, from + space.length);
          space.set(piece);
          await writeAll(near, space.subarray(0, piece.length));
        }
        await near.closeWrite();
      })();
      assertSame(await readAll(near, Infinity, size), bytes);
      assertEquals(await near.read(new Uint8Array(9)), null);
      await Promise.all([echoing, writing]);
    },
  );
}

testEnds(
  "connectInsecure() sends and receives large pieces at once",
  async (ends) => {
    const { near, far } = ends;
    const there = pattern(4 * MIB, 1);
    const back = pattern(4 * MIB, 2);
    const [got, received] = await Promise.all([
      readAll(near, back.length, 65_536),
      readAll(far, there.length, 65_536),
      writeAll(near, there),
      writeAll(far, back),
    ]);
    assertSame(got, back);
    assertSame(received, there);
  },
);

testEnds(
  "connectInsecure() reads no further ahead than it is asked",
  async (ends) => {
    const { near, far, tcp } = ends;
    let below = 0;
    const read = tcp.read.bind(tcp);
    tcp.read = async (space) => {
      const length = await read(space);
      below += length ?? 0;
      return length;
    };
    const bytes = pattern(8 * MIB, 3);
    const writing = writeAll(far, bytes);
    let above = 0;
    let ahead = 0;
    const space = new Uint8Array(1000);
    while (above < bytes.length) {
      above += (await near.read(space))!;
      ahead = Math.max(ahead, below - above);
    }
    await writing;
    assert(below > above && ahead < MIB / 2, `${ahead} bytes ahead`);
  },
);

testEnds(
  "connectInsecure() shows what Deno shows of a connection",
  async (ends) => {
    const { near, far, tcp } = ends;
    assertEquals(near.localAddr, far.remoteAddr);
    assertEquals(near.remoteAddr, far.localAddr);
    assertEquals(await near.handshake(), { alpnProtocol: "http/1.1" });
    assertEquals(await near.read(new Uint8Array(0)), 0);
    assertEquals(await near.write(new Uint8Array(0)), 0);
    const calls: string[] = [];
    tcp.unref = () => calls.push("unref");
    tcp.ref = () => calls.push("ref");
    near.unref();
    near.ref();
    assertEquals(calls, ["unref", "ref"]);
  },
);

testEnds(
  "connectInsecure() goes on reading when it has ended its side",
  async (ends) => {
    const { near, far } = ends;
    await near.write(encoder.encode("a"));
    await near.closeWrite();
    assertEquals(await readAll(far), encoder.encode("a"));
    await writeAll(far, encoder.encode("bc"));
    assertEquals(await readAll(near, 2, 1), encoder.encode("bc"));
    await far.closeWrite();
    assertEquals(await near.read(new Uint8Array(9)), null);
    assertEquals(await near.read(new Uint8Array(9)), null);
  },
);

testEnds(
  "connectInsecure() goes on writing when the peer has ended its side",
  async (ends) => {
    const { near, far } = ends;
    await writeAll(far, encoder.encode("a"));
    await far.closeWrite();
    assertEquals(await readAll(near), encoder.encode("a"));
    await writeAll(near, encoder.encode("bc"));
    assertEquals(await readAll(far, 2), encoder.encode("bc"));
    await near.closeWrite();
    assertEquals(await far.read(new Uint8Array(9)), null);
  },
);

testEnds(
  "connectInsecure() gives what came before the peer closed",
  async (ends) => {
    const { near, far } = ends;
    const bytes = pattern(100_000, 4);
    await Promise.all([
      writeAll(far, bytes).then(() => far.close()),
      (async () => assertSame(await readAll(near, Infinity, 999), bytes))(),
    ]);
  },
);

testEnds(
  "connectInsecure() rejects what is under way when the peer resets",
  async (ends) => {
    const { near, far, tcp } = ends;
    const { ConnectionReset } = Deno.errors;
    const writing = assertRejects(() => writeAll(near, pattern(16 * MIB, 5)));
    await far.read(new Uint8Array(9));
    tcp.read = () => Promise.reject(new ConnectionReset("Reset"));
    await writeAll(far, encoder.encode("a"));
    const space = new Uint8Array(9);
    const read = () => near.read(space);
    // Whether that byte comes through is for Node to say.
    await read().then(() => assertRejects(read, ConnectionReset), () => {});
    await writing;
    await assertRejects(read, ConnectionReset);
    await assertRejects(() => near.write(space), ConnectionReset);
    await assertRejects(() => near.closeWrite(), ConnectionReset);
  },
);

testEnds(
  "connectInsecure() rejects a write when the peer closes without reading",
  async (ends) => {
    const { near, far } = ends;
    const writing = assertRejects(() => writeAll(near, pattern(16 * MIB, 5)));
    await far.read(new Uint8Array(9));
    far.close();
    await writing;
    await assertRejects(() => near.write(new Uint8Array(9)));
    await assertRejects(() => near.closeWrite());
  },
);

testEnds(
  "connectInsecure() goes on reading when a write has failed",
  async (ends) => {
    const { near, far, tcp } = ends;
    const { BrokenPipe } = Deno.errors;
    await writeAll(far, encoder.encode("refused"));
    tcp.write = () => Promise.reject(new BrokenPipe("Broken"));
    await assertRejects(() => near.write(new Uint8Array(9)), BrokenPipe);
    await assertRejects(() => near.write(new Uint8Array(9)), BrokenPipe);
    assertEquals(await readAll(near, 7, 3), encoder.encode("refused"));
    await writeAll(far, encoder.encode("again"));
    assertEquals(await readAll(near, 5), encoder.encode("again"));
  },
);

testEnds(
  "connectInsecure() rejects what is under way when it is closed",
  async (ends) => {
    const { near, far } = ends;
    const { BadResource, Busy } = Deno.errors;
    const reading = assertRejects(
      () => near.read(new Uint8Array(9)),
      BadResource,
    );
    await assertRejects(() => near.read(new Uint8Array(9)), Busy);
    const writing = assertRejects(() => writeAll(near, pattern(16 * MIB, 6)));
    near.close();
    near.close();
    await Promise.all([reading, writing]);
    await assertRejects(() => near.read(new Uint8Array(9)), BadResource);
    await assertRejects(() => near.write(new Uint8Array(9)), BadResource);
    await assertRejects(() => near.closeWrite(), BadResource);
    await readAll(far).catch(() => {}); // the socket is closed
  },
);

testEnds(
  "connectInsecure() drops what was not read when it is closed",
  async (ends) => {
    const { near, far } = ends;
    await writeAll(far, encoder.encode("abc"));
    assertEquals(await near.read(new Uint8Array(1)), 1);
    near.close();
    await assertRejects(
      () => near.read(new Uint8Array(1)),
      Deno.errors.BadResource,
    );
  },
);

testEnds("connectInsecure() has streams", async (ends) => {
  const { near, far } = ends;
  const bytes = pattern(300_000, 7);
  const writer = near.writable.getWriter();
  const [received, got] = await Promise.all([
    readAll(far),
    new Response(near.readable).bytes(),
    writer.write(bytes).then(() => writer.close()),
    writeAll(far, bytes).then(() => far.closeWrite()),
  ]);
  assertSame(received, bytes);
  assertSame(got, bytes);
});

Deno.test({
  ...wanting(
    "connectInsecure() works over a Unix socket",
    "OpenSSL 3",
    "Unix sockets",
  ),
  async fn() {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/socket`;
    const unix = Deno.listen({ transport: "unix", path });
    const target = Deno.listenTls({ hostname: LOOPBACK, port: 0, ...pair });
    const { port } = target.addr as Deno.NetAddr;
    const [tcp, inner, outer] = await Promise.all([
      Deno.connect({ hostname: LOOPBACK, port }),
      unix.accept(),
      Deno.connect({ transport: "unix", path }),
    ]);
    const pipes = Promise.allSettled([
      inner.readable.pipeTo(tcp.writable),
      tcp.readable.pipeTo(inner.writable),
    ]);
    const [near, far] = await Promise.all([
      connectInsecure(outer, LOOPBACK),
      target.accept(),
    ]);
    await writeAll(near, encoder.encode("a"));
    assertEquals(await readAll(far, 1), encoder.encode("a"));
    for (const one of [near, far, unix, target]) one.close();
    await pipes;
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test("connectInsecure() rejects when the connection is closed meanwhile", async () => {
  const listener = Deno.listen({ hostname: LOOPBACK, port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const [tcp, peer] = await Promise.all([
    Deno.connect({ hostname: LOOPBACK, port }),
    listener.accept(),
  ]);
  const connecting = assertRejects(() => connectInsecure(tcp, "localhost"));
  await peer.read(new Uint8Array(4096)); // the peer has been spoken to
  tcp.close();
  await connecting;
  assertEquals(await peer.read(new Uint8Array(9)), null);
  for (const one of [peer, listener]) one.close();
});
