import { assert, assertEquals } from "@std/assert";
import { Transport, type TransportHandler } from "../../transport/transport.ts";
import { isSame } from "../support/bytes.ts";
import { Random } from "../support/splits.ts";

/** A connection whose writes are taken as far as a test says. */
class SlowConn {
  readonly writes: number[] = [];
  /** Takes so much of the write under way. */
  take: (length: number) => void = () => {};
  /** Breaks the write under way. */
  break: (error: Error) => void = () => {};
  isClosed = false;

  write(bytes: Uint8Array): Promise<number> {
    this.writes.push(bytes.length);
    return new Promise((resolve, reject) => {
      this.take = resolve;
      this.break = reject;
    });
  }

  close(): void {
    this.isClosed = true;
  }
}

/** Owns a transport that only writes. */
class Owner implements TransportHandler {
  tick = 0;
  /** When the clock was late last; never before that. */
  lateFrom = Infinity;
  error: unknown;
  begun(since: number): number {
    return since < this.lateFrom ? since : Math.max(since, this.tick - 1);
  }
  space(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(0);
  }
  received(): boolean {
    return false;
  }
  readingEnded(): void {}
  ended(): void {}
  sent(): void {}
  gone(error: unknown): void {
    this.error = error;
  }
}

class TestTransport extends Transport {
  readonly #owner: Owner;

  constructor(conn: object) {
    const owner = new Owner();
    super(conn as Deno.Conn, { bytesIn: 0, bytesOut: 0 }, owner, owner);
    this.#owner = owner;
  }
  get now(): number {
    return this.#owner.tick;
  }
  /** Lets time go by; the clock may have stood still meanwhile. */
  pass(ticks: number, isLate = false): void {
    const owner = this.#owner;
    if (isLate) owner.lateFrom = owner.tick;
    owner.tick += ticks;
    this.swept();
    owner.lateFrom = Infinity;
  }
  get error(): unknown {
    return this.#owner.error;
  }
  look(): void {
    this.probe();
  }
  /** The first tick at which the peer counts as one that does not read. */
  stallsAt(timeout: number, rate: number): number {
    const owner = this.#owner;
    const last = owner.tick + 1_000_000;
    for (; owner.tick < last; owner.tick++) {
      if (this.isStalled(timeout, rate)) return owner.tick;
    }
    return Infinity;
  }
}

function make(conn: object = new SlowConn()): TestTransport {
  return new TestTransport(conn);
}

/** Lets the callbacks of a write run. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

// ---- Time -------------------------------------------------------------------

Deno.test("Transport counts a clock that was late as one tick of a write", async () => {
  const conn = new SlowConn();
  const transport = make(conn);
  transport.append(new Uint8Array(100));
  transport.flush();
  transport.pass(3);
  assertEquals(transport.writeAge, 3);
  conn.take(10);
  await turn();
  assertEquals(transport.writeAge, 0);
  transport.pass(50, true);
  assertEquals(transport.writeAge, 1);
  transport.pass(2);
  assertEquals(transport.writeAge, 3);
  transport.destroy();
});

// ---- Slow readers -----------------------------------------------------------

const MIB = 1024 * 1024;
const STALLS: {
  name: string;
  /** What the system takes at once, of one write after the other. */
  taken: number[];
  timeout: number;
  /** Bytes a tick. */
  rate: number;
  at: number;
}[] = [
  { name: "took nothing", taken: [], timeout: 10, rate: 100, at: 11 },
  { name: "took 1000", taken: [1000], timeout: 10, rate: 100, at: 21 },
  {
    name: "took in three",
    taken: [500, 250, 250],
    timeout: 10,
    rate: 100,
    at: 21,
  },
  {
    name: "took very much",
    taken: [9 * MIB],
    timeout: 10,
    rate: 2 * MIB,
    at: 12,
  },
  {
    name: "has no rate",
    taken: [9 * MIB],
    timeout: 10,
    rate: Infinity,
    at: 11,
  },
];

for (const { name, taken, timeout, rate, at } of STALLS) {
  Deno.test(`Transport.isStalled() gives a peer its time whose system ${name}`, async () => {
    const conn = new SlowConn();
    const transport = make(conn);
    transport.append(new Uint8Array(10 * MIB));
    transport.flush();
    for (const length of taken) {
      conn.take(length);
      await turn();
    }
    assertEquals(transport.stallsAt(timeout, rate), at);
    // Nothing that happened before counts against the next wait.
    if (taken.length > 0) {
      conn.take(1);
      await turn();
      const began = transport.now;
      assertEquals(transport.stallsAt(timeout, rate) - began, at);
    }
    transport.destroy();
  });
}

Deno.test("Transport.isStalled() is false where nothing is to be written", () => {
  const transport = make();
  assertEquals(transport.stallsAt(1, Infinity), Infinity);
});

// ---- Writes -----------------------------------------------------------------

const WRITES: {
  name: string;
  isSecure: boolean;
  pieces: number[];
  writes: number[];
}[] = [
  {
    name: "a head and a small body",
    isSecure: false,
    pieces: [200, 5000],
    writes: [5200],
  },
  {
    name: "a head and a large body",
    isSecure: false,
    pieces: [200, 100_000],
    writes: [200, 100_000],
  },
  {
    name: "a head and 10 KB, TLS",
    isSecure: true,
    pieces: [200, 10_000],
    writes: [10_200],
  },
  {
    name: "a head and 64 KiB, TLS",
    isSecure: true,
    pieces: [200, 65_536],
    writes: [65_736],
  },
  {
    name: "a head and 65 KiB, TLS",
    isSecure: true,
    pieces: [200, 66_560],
    writes: [200, 66_560],
  },
  {
    name: "many small pieces",
    isSecure: true,
    pieces: Array(40).fill(1000),
    writes: [40_000],
  },
];

for (const { name, isSecure, pieces, writes } of WRITES) {
  Deno.test(`Transport writes ${name} in ${writes.length}`, async () => {
    const conn = new SlowConn();
    const transport = make(
      isSecure ? Object.assign(conn, { handshake: () => {} }) : conn,
    );
    for (const length of pieces) transport.append(new Uint8Array(length));
    transport.flush();
    for (let i = 0; i < writes.length; i++) {
      conn.take(conn.writes[i]);
      await turn();
    }
    assertEquals(conn.writes, writes);
    assertEquals(transport.bufferedAmount, 0);
  });
}

// ---- Text ---------------------------------------------------------------------

const PART = 262_144;
const TEXTS: Record<string, string> = {
  "ASCII": "x".repeat(10_000),
  "much ASCII": "0123456789".repeat(100_000),
  "Latin-1": "\u00e9".repeat(300_000),
  "three bytes a character": "\u20ac".repeat(200_000),
  "four bytes a character": "\u{1f600}".repeat(200_000),
  "a character at the end of a part": "x".repeat(PART - 1) + "\u{1f600}y",
  "half a character at the end of a part": "x".repeat(PART - 1) + "\ud83dy",
  "half a character at the end": "x".repeat(PART) + "\ud83d",
  "halves in the wrong order": "\ude00\ud83d".repeat(100_000),
};

for (const [name, text] of Object.entries(TEXTS)) {
  for (const before of [0, 300, 50_000]) {
    Deno.test(`Transport.appendText() sends ${name} behind ${before} bytes`, async () => {
      const written: Uint8Array[] = [];
      let turns = 0;
      const transport = make({
        write(bytes: Uint8Array) {
          // Now and then the system takes but a part.
          const part = ++turns % 3 === 0 ? bytes.subarray(0, 777) : bytes;
          written.push(new Uint8Array(part));
          return Promise.resolve(part.length);
        },
      });
      const expected = new TextEncoder().encode(text);
      transport.append(new Uint8Array(before));
      transport.appendText(text, expected.length);
      transport.append(new Uint8Array([1, 2, 3]));
      assertEquals(transport.bufferedAmount, before + expected.length + 3);
      await transport.flush();
      await transport.whenBelow(0);
      const got = new Uint8Array(
        await new Blob(written as BlobPart[]).arrayBuffer(),
      );
      assertEquals(got.length, before + expected.length + 3);
      assert(isSame(got.subarray(before, -3), expected));
      assertEquals([...got.subarray(-3)], [1, 2, 3]);
      assertEquals(transport.bufferedAmount, 0);
    });
  }
}

// ---- Peers that are gone ----------------------------------------------------

Deno.test("Transport.probe() finds a broken connection by sending nothing", async () => {
  const conn = new SlowConn();
  const transport = make(conn);
  transport.look();
  assertEquals(conn.writes, [0]);
  conn.take(0);
  await turn();
  assertEquals(transport.isClosed, false);
  transport.look();
  const error = new Deno.errors.BrokenPipe("broken");
  conn.break(error);
  await turn();
  assertEquals([transport.isClosed, conn.isClosed], [true, true]);
  assertEquals(transport.error, error);
});

Deno.test("Transport.probe() leaves a write under way alone, and TLS", () => {
  const conn = new SlowConn();
  const transport = make(conn);
  transport.append(new Uint8Array(9));
  transport.flush();
  transport.look();
  assertEquals(conn.writes, [9]);
  transport.destroy();
  const secure = Object.assign(new SlowConn(), { handshake: () => {} });
  make(secure).look();
  assertEquals(secure.writes, []);
});

// ---- Long texts ---------------------------------------------------------------

/** Takes of each write what a test says, and keeps it. */
class PartConn extends SlowConn {
  readonly taken: Uint8Array[] = [];
  readonly #lengths: () => number;

  constructor(lengths: () => number) {
    super();
    this.#lengths = lengths;
  }

  override write(bytes: Uint8Array): Promise<number> {
    this.writes.push(bytes.length);
    const length = Math.min(bytes.length, this.#lengths());
    this.taken.push(bytes.slice(0, length));
    return Promise.resolve(length);
  }

  get text(): string {
    const decoder = new TextDecoder();
    return this.taken.map((part) => decoder.decode(part, { stream: true }))
      .join("") + decoder.decode();
  }
}

/** So much is held for a peer that does not read. */
const HELD = 132_096;

for (const mix of ["a", "aé", "a€é", "😀", "a😀€\ud800é"]) {
  Deno.test(`Transport sends long texts that are taken in any parts (${JSON.stringify(mix)})`, async () => {
    const random = new Random(5);
    for (const count of [140_000, 1_300_000, 3_000_000]) {
      const text = mix.repeat(count / mix.length);
      const conn: PartConn = new PartConn((): number =>
        1 + random.below(400_000)
      );
      const transport = make(conn);
      transport.append(new TextEncoder().encode("head "));
      const bytes = new TextEncoder().encode(text);
      transport.appendText(text, bytes.length);
      transport.append(new TextEncoder().encode(" next"));
      assertEquals(await transport.flush(), true);
      assert(conn.text === `head ${text.toWellFormed()} next`);
      assertEquals(transport.bufferedAmount, 0);
    }
  });
}

Deno.test("Transport holds no more than a part of a text for a peer that does not read", async () => {
  const text = "a".repeat(5_000_000);
  // What the system takes at once, and then a little.
  const conn: PartConn = new PartConn((): number =>
    conn.taken.length < 2 ? 1_000_000 : 100
  );
  const transport = make(conn);
  transport.appendText(text, text.length);
  transport.flush();
  for (let i = 0; i < 100; i++) await null;
  transport.destroy();
  assert(conn.writes.length > 5);
  assert(conn.writes.slice(1).every((length) => length <= HELD));
});

Deno.test("Transport sends a text in large parts again to a peer that has read much", async () => {
  const text = "a".repeat(30_000_000);
  const conn: PartConn = new PartConn((): number =>
    conn.taken.length === 0 ? 1000 : Infinity
  );
  const transport = make(conn);
  transport.appendText(text, text.length);
  assertEquals(await transport.flush(), true);
  assert(conn.writes[1] <= HELD && Math.max(...conn.writes.slice(1)) > 1e6);
  assert(conn.text === text);
});
