import { assert, assertEquals, assertRejects } from "@std/assert";
import { GuardedListener } from "../../transport/guarded_tls.ts";
import { makePair } from "../support/certificates.ts";
import { has, wanting } from "../support/wanting.ts";

const HOSTNAME = "127.0.0.1";
const pair = has("OpenSSL 3") ? await makePair() : { cert: "", key: "" };

function testListener(
  name: string,
  body: (listener: GuardedListener, port: number) => Promise<void>,
): void {
  Deno.test({
    ...wanting(name, "OpenSSL 3"),
    async fn() {
      const plain = Deno.listen({ hostname: HOSTNAME, port: 0 });
      const listener = new GuardedListener(plain, pair.cert, pair.key);
      try {
        await body(listener, (plain.addr as Deno.NetAddr).port);
      } finally {
        listener.close();
      }
    },
  });
}

for (const bytes of [0, 5]) {
  testListener(
    `GuardedListener's handshake ends with a peer that leaves behind ${bytes} bytes`,
    async (listener, port) => {
      const peer = await Deno.connect({ hostname: HOSTNAME, port });
      const conn = await listener.accept();
      if (bytes > 0) await peer.write(new Uint8Array([22, 3, 1, 2, 0]));
      peer.close();
      await assertRejects(() => conn.handshake(), Deno.errors.UnexpectedEof);
    },
  );
}

testListener(
  "GuardedListener's connections take no more at once than a peer may leave unread",
  async (listener, port) => {
    const [peer, conn] = await Promise.all([
      Deno.connectTls({ hostname: HOSTNAME, port, caCerts: [pair.cert] }),
      listener.accept(),
    ]);
    const [length] = await Promise.all([
      conn.write(new Uint8Array(2 ** 23)),
      peer.handshake(),
    ]);
    assert(length > 0 && length <= 65_536, `${length}`);
    // What is written as a stream is whole all the same.
    const writer = conn.writable.getWriter();
    const written = writer.write(new Uint8Array(2 ** 20))
      .then(() => writer.close());
    let received = 0;
    const buffer = new Uint8Array(65_536);
    for (let n; (n = await peer.read(buffer)) !== null;) received += n;
    assertEquals(received, length + 2 ** 20);
    await written;
    peer.close();
    conn.close();
  },
);

testListener(
  "GuardedListener's connections tell their peers when they are closed",
  async (listener, port) => {
    for (const bytes of [0, 1000, 100_000]) {
      for (let i = 0; i < 5; i++) {
        const [peer, conn] = await Promise.all([
          Deno.connectTls({ hostname: HOSTNAME, port, caCerts: [pair.cert] }),
          listener.accept(),
        ]);
        await Promise.all([conn.handshake(), peer.handshake()]);
        let left = bytes;
        while (left > 0) left -= await conn.write(new Uint8Array(left));
        conn.close();
        // Without a word of TLS, this were an unexpected end.
        let received = 0;
        const buffer = new Uint8Array(65_536);
        for (let n; (n = await peer.read(buffer)) !== null;) received += n;
        assertEquals(received, bytes);
        peer.close();
      }
    }
  },
);

Deno.test({
  ...wanting(
    "GuardedListener's connections read little ahead of who reads slowly",
    "OpenSSL 3",
  ),
}, async () => {
  const plain = Deno.listen({ hostname: HOSTNAME, port: 0 });
  let read = 0;
  const accept = plain.accept.bind(plain);
  plain.accept = async () => {
    const conn = await accept();
    const real = conn.read.bind(conn);
    conn.read = async (bytes: Uint8Array) => {
      const length = await real(bytes);
      read += length ?? 0;
      return length;
    };
    return conn;
  };
  const listener = new GuardedListener(plain, pair.cert, pair.key);
  const { port } = plain.addr as Deno.NetAddr;
  const [peer, conn] = await Promise.all([
    Deno.connectTls({ hostname: HOSTNAME, port, caCerts: [pair.cert] }),
    listener.accept(),
  ]);
  await Promise.all([conn.handshake(), peer.handshake()]);
  const sending = (async () => {
    const bytes = new Uint8Array(65_536);
    try {
      for (;;) await peer.write(bytes);
    } catch {
      // Closed.
    }
  })();
  const buffer = new Uint8Array(1000);
  let received = 0;
  for (let i = 0; i < 300; i++) {
    received += (await conn.read(buffer))!;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert(received > 100_000, `${received}`);
  assert(read - received < 250_000, `${read - received} ahead`);
  conn.close();
  peer.close();
  listener.close();
  await sending;
});
