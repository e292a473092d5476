import { assert, assertEquals } from "@std/assert";
import { RawClient } from "../support/raw_client.ts";
import { Browser, screenshot, waitForText } from "./browser.ts";
import { Example } from "./example.ts";
import { wanting } from "../support/wanting.ts";

interface Figures {
  viewers: number;
  memory: number;
  requests: number;
  bytesOut: number;
  delay: number;
}

/** One who reads events. */
class Viewer {
  readonly response: Response;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  private constructor(response: Response) {
    this.response = response;
    this.#reader = response.body!.pipeThrough(new TextDecoderStream())
      .getReader();
  }

  static async open(example: Example, lastId?: number): Promise<Viewer> {
    const url = new URL("/events", example.url);
    const headers: Record<string, string> = lastId === undefined
      ? {}
      : { "last-event-id": String(lastId) };
    const viewer = new Viewer(await fetch(url, { headers }));
    assertEquals(await viewer.#block(), "retry: 1000");
    return viewer;
  }

  async #block(): Promise<string> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return block;
      }
      const { value, done } = await this.#reader.read();
      if (done) throw new Error("Ended");
      this.#text += value;
    }
  }

  async event(): Promise<{ id: number; data: Figures }> {
    const [, id, data] = /^id: (\d+)\ndata: (.*)$/.exec(await this.#block())!;
    return { id: Number(id), data: JSON.parse(data) };
  }

  async rest(): Promise<void> {
    while (!(await this.#reader.read()).done);
  }

  close(): Promise<void> {
    return this.#reader.cancel();
  }
}

Deno.test("sse.ts sends the same events to all", async () => {
  const args = ["0", "50"];
  await using example = await Example.start("sse.ts", { args });
  const one = await Viewer.open(example);
  const { headers } = one.response;
  assertEquals(headers.get("content-type"), "text/event-stream");
  assertEquals(headers.get("cache-control"), "no-cache");
  const other = await Viewer.open(example);

  // Until an event knows of both, which both then get.
  let event = await one.event();
  while (event.data.viewers < 2) event = await one.event();
  let same = await other.event();
  while (same.id < event.id) same = await other.event();
  assertEquals(same, event);
  assert(event.data.memory > 1e6);
  assert(event.data.requests >= 2);

  await one.close();
  await example.output.until(/ has gone$/);
  while (same.data.viewers > 1) same = await other.event();
  await other.close();
});

Deno.test("sse.ts goes on where a viewer has left", async () => {
  const args = ["0", "50"];
  await using example = await Example.start("sse.ts", { args });
  const viewer = await Viewer.open(example);
  const ids: number[] = [];
  while (ids.length < 6) ids.push((await viewer.event()).id);
  await viewer.close();
  assertEquals(ids, ids.toSorted());

  const again = await Viewer.open(example, ids[1]);
  const [, from] = await example.output.until(/ watches, from ([1-9]\d*)$/);
  assertEquals(Number(from), ids[1]);
  for (const id of ids.slice(2)) assertEquals((await again.event()).id, id);
  await again.close();

  // What makes no sense is as good as nothing.
  using peer = await RawClient.connect(example);
  await peer.send(
    "GET /events HTTP/1.1\r\nHost: a\r\nLast-Event-ID: x\r\n\r\n",
  );
  await peer.until(`id: ${ids[0]}\n`);
});

Deno.test("sse.ts ends its streams when it is ended", async () => {
  const args = ["0", "50"];
  await using example = await Example.start("sse.ts", { args });
  const viewer = await Viewer.open(example);
  await viewer.event();

  // HEAD wants no events, and is not counted among those who do.
  using peer = await RawClient.connect(example);
  await peer.send("HEAD /events HTTP/1.1\r\nHost: a\r\n\r\n");
  assertEquals((await peer.response(true)).status, 200);
  assertEquals((await viewer.event()).data.viewers, 1);
  peer.close();

  const ended = example.stop();
  await viewer.rest(); // would reject if it was broken off
  assertEquals((await ended).code, 0);
});

/** Passes connections on to a port, until they are cut. */
class Relay implements AsyncDisposable {
  readonly port: number;
  readonly #listener: Deno.TcpListener;
  readonly #conns = new Set<Deno.Conn>();
  readonly #work: Promise<unknown>[] = [];

  constructor(target: number) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    this.#work.push(this.#accept(target));
  }

  async #accept(port: number): Promise<void> {
    for await (const conn of this.#listener) {
      const target = await Deno.connect({ port });
      this.#conns.add(conn).add(target);
      for (const [from, to] of [[conn, target], [target, conn]]) {
        this.#work.push(
          from.readable.pipeTo(to.writable).catch(() => {}),
        );
      }
    }
  }

  /** Cuts all connections; new ones may be made. */
  cut(): void {
    for (const conn of this.#conns) {
      try {
        conn.close();
      } catch {
        // Closed already.
      }
    }
    this.#conns.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await Promise.all(this.#work);
  }
}

Deno.test({
  ...wanting(
    "sse.ts has a page that comes back and misses nothing",
    "chromium",
  ),
  async fn() {
    await using browser = await Browser.start();
    const args = ["0", "100"];
    await using example = await Example.start("sse.ts", { args });
    await using relay = new Relay(Number(example.url.port));
    const page = await browser.open(`http://127.0.0.1:${relay.port}/`);

    await waitForText(page, "#count", /^[2-9]\d$/);
    await waitForText(page, "#state", "connected");
    assertEquals(await page.locator(".number").first().textContent(), "1");
    await screenshot(page, "sse");

    relay.cut();
    await waitForText(page, "#state", "reconnecting");
    await screenshot(page, "sse_reconnecting");
    await example.output.until(/ has gone$/);
    await example.output.until(/ watches, from [1-9]\d*$/);
    await waitForText(page, "#state", "connected");
    await waitForText(page, "#count", /^[4-9]\d$/);

    const [count, time] = await page.evaluate<[string, string]>(
      "[$('count').textContent, $('time').dateTime]",
    );
    const viewer = await Viewer.open(example, 0);
    let made = 0;
    while ((await viewer.event()).id <= Date.parse(time)) made++;
    await viewer.close();
    assertEquals(made, Number(count));
    assertEquals(browser.problems.filter((text) => !/ERR_/.test(text)), []);
  },
});
