import { assert, assertEquals } from "@std/assert";
import { FrameEvent, FrameReader, Websocket } from "../../websocket.ts";
import { pattern } from "../support/bytes.ts";
import { FakeSink, turns } from "./fake_sink.ts";

const PART = 262_144;
/** Lengths around all that is done in another way from there on. */
const LENGTHS = [
  ...[0, 1, 24, 25, 125, 126, 1024, 1025, 65_535, 65_536, 65_537],
  ...[PART - 15, PART - 14, PART - 13, PART - 1, PART, PART + 1],
  ...[2 * PART - 14, 2 * PART + 3, 600_001],
];

/** A sink that has a buffer which is filled on, as a connection has. */
class FillingSink extends FakeSink {
  #out = new Uint8Array(0);

  override room(length: number): Uint8Array {
    if (this.#out.length - this.outEnd < length) {
      this.#out = new Uint8Array(length + 1000);
      this.outEnd = 0;
    }
    return this.#out;
  }

  override wrote(end: number): void {
    assert(end >= this.outEnd && end <= this.#out.length);
    this.append(this.#out.subarray(this.outEnd, end));
    this.outEnd = end;
  }
}

for (const role of ["server", "client"] as const) {
  const send = async (...messages: (string | Uint8Array<ArrayBuffer>)[]) => {
    const sink = new FillingSink();
    const ws = new Websocket(sink, { role, maxSendBufferSize: Infinity });
    for (const message of messages) {
      assertEquals(await ws.send(message), true);
      // What is sent is a copy.
      if (typeof message !== "string") message.fill(0xee);
    }
    await turns();
    ws.gone();
    const reader = new FrameReader({
      role: role === "server" ? "client" : "server",
      maxMessageLength: 1e8,
    });
    const got: (string | Uint8Array)[] = [];
    reader.feed(Uint8Array.from(sink.output));
    while (reader.next() === FrameEvent.MESSAGE) {
      got.push(reader.isText ? reader.text : reader.payload);
    }
    assertEquals(reader.error, null);
    assertEquals(reader.isInMessage, false);
    return got;
  };

  Deno.test(`Websocket.send() (${role}) sends bytes of all lengths`, async () => {
    for (const length of LENGTHS) {
      const bytes = pattern(length);
      assertEquals(await send("x", bytes.slice(), "y"), ["x", bytes, "y"]);
    }
  });

  Deno.test(`Websocket.send() (${role}) sends text of all lengths, of any characters`, async () => {
    const same = async (text: string) => {
      const [got, last] = await send(text, "last");
      assert(got === text, `${text.length} of ${text.slice(0, 3)}`);
      assertEquals(last, "last");
    };
    for (const length of LENGTHS) await same("a".repeat(length));
    for (const char of ["é", "€", "😀"]) {
      for (const count of [12, 13, 512, 513, 1025]) {
        await same(char.repeat(count));
      }
      // Cut in two, in several places.
      for (const before of ["", "ü"]) {
        await same(before + char.repeat(PART / 2 + 1));
      }
    }
    for (const at of [16, 15, 14, 13, 2, 1]) {
      await same("a".repeat(PART - at) + "😀".repeat(20));
    }
    const lone = ("x".repeat(2000) + "\ud83d").repeat(3);
    assertEquals(await send(lone), [lone.toWellFormed()]);
  });
}
