import { assertEquals, assertMatch } from "@std/assert";
import { RawClient } from "../support/raw_client.ts";
import { Example } from "./example.ts";

/** Values as they come, one a line. */
class Values {
  readonly response: Response;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  constructor(response: Response) {
    this.response = response;
    this.#reader = response.body!.pipeThrough(new TextDecoderStream())
      .getReader();
  }

  /** The next one; undefined at the end. */
  async next(): Promise<unknown> {
    for (;;) {
      const end = this.#text.indexOf("\n");
      if (end >= 0) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        return JSON.parse(line);
      }
      const { value, done } = await this.#reader.read();
      if (done) return undefined;
      this.#text += value;
    }
  }

  async rest(): Promise<unknown[]> {
    const values = [];
    for (let value; (value = await this.next()) !== undefined;) {
      values.push(value);
    }
    return values;
  }

  close(): Promise<void> {
    return this.#reader.cancel();
  }
}

Deno.test("ndjson.ts sends each row when it is made", async () => {
  const args = ["0", "50"];
  await using example = await Example.start("ndjson.ts", { args });
  const get = async (path: string) =>
    new Values(await fetch(new URL(path, example.url)));

  const rows = await get("/numbers?count=3");
  const { headers } = rows.response;
  assertEquals(headers.get("content-type"), "application/x-ndjson");
  assertEquals(await rows.next(), { n: 1, square: 1 });
  assertEquals(await rows.rest(), [{ n: 2, square: 4 }, { n: 3, square: 9 }]);
  assertEquals(await (await get("/numbers?count=0")).rest(), []);

  const many = await get("/numbers?count=1000000");
  await many.next();
  await many.close();
  await example.output.until(/ has gone$/);

  for (const count of ["-1", "x", "1.5", "1&count=2"]) {
    const refused = await get(`/numbers?count=${count}`);
    assertEquals(refused.response.status, 400, count);
    await refused.close();
  }
});

/** Posts a body in chunks that the test sends one by one. */
async function post(example: Example): Promise<RawClient> {
  const peer = await RawClient.connect(example);
  await peer.send(
    "POST /sum HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
  );
  return peer;
}

function chunk(data: string | Uint8Array): Uint8Array {
  const encoder = new TextEncoder();
  const bytes = typeof data === "string" ? encoder.encode(data) : data;
  const size = encoder.encode(bytes.length.toString(16) + "\r\n");
  return new Uint8Array([...size, ...bytes, 13, 10]);
}

Deno.test("ndjson.ts answers lines while others are to come", async () => {
  await using example = await Example.start("ndjson.ts");
  using peer = await post(example);
  await peer.send(chunk("1\n"));
  assertMatch(await peer.until("\r\n\r\n"), /^HTTP\/1.1 200 /);
  await peer.until('{"line":1,"sum":1}\n');
  // Lines are not what the network makes of them.
  await peer.send(chunk("2"));
  await peer.send(chunk("0\r\n\n  \n3"));
  await peer.until('{"line":2,"sum":21}\n');
  await peer.send(chunk('0\n"€'.slice(0, 4)));
  await peer.until('{"line":3,"sum":51}\n');
  await peer.send(chunk(new Uint8Array([0xe2, 0x82])));
  await peer.send(chunk(new Uint8Array([0xac, 0x22, 0x0a])));
  await peer.until('{"line":4,"problem":"Not a number"}\n');
  await peer.send(chunk("nonsense\n0.5"));
  await peer.until('{"line":5,"problem":"Not a number"}\n');
  await peer.send("0\r\n\r\n");
  await peer.until('{"line":6,"sum":51.5}\n');
  await peer.until("\r\n0\r\n\r\n");

  // The connection lives on.
  await peer.send("GET /none HTTP/1.1\r\nHost: a\r\n\r\n");
  assertEquals((await peer.response()).status, 404);
});

Deno.test("ndjson.ts reads a body of any length", async () => {
  await using example = await Example.start("ndjson.ts");
  // More than `maxContentLength`, and no length that is announced.
  const lines = 100_000;
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(
        new TextEncoder().encode("1234.00000000\n".repeat(1000)),
      );
      sent += 1000;
      if (sent === lines) controller.close();
    },
  });
  const url = new URL("/sum", example.url);
  const values = new Values(await fetch(url, { method: "POST", body }));
  let last: unknown;
  for (let value; (value = await values.next()) !== undefined;) last = value;
  assertEquals(last, { line: lines, sum: lines * 1234 });

  const nothing = new Values(await fetch(url, { method: "POST", body: "" }));
  assertEquals(await nothing.rest(), []);
});

Deno.test("ndjson.ts refuses what is no NDJSON", async () => {
  await using example = await Example.start("ndjson.ts");
  for (const body of ["1".repeat(2000), new Uint8Array([0x31, 0xff])]) {
    using peer = await post(example);
    await peer.send(chunk(body));
    const answer = await peer.response();
    assertEquals(answer.status, 400);
    assertEquals(answer.body, '{"problem":"Not NDJSON"}');

    // Where the answer has begun, it can only be broken off.
    using other = await post(example);
    await other.send(chunk("1\n"));
    await other.until('{"line":1,"sum":1}\n');
    await other.send(chunk(body));
    assertEquals(await other.rest(), "\r\n");
  }
  using peer = await post(example);
  await peer.send(chunk("1\n2"));
  await peer.until('{"line":1,"sum":1}\n');
  peer.close();
  await example.output.until(/: HttpError: /);
});
