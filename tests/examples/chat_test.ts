import { assert, assertEquals, assertMatch } from "@std/assert";
import { RawClient } from "../support/raw_client.ts";
import { Browser, screenshot, waitForText } from "./browser.ts";
import { Example } from "./example.ts";
import { wanting } from "../support/wanting.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

function handshake(target: string, ...fields: string[]): string {
  return [
    `GET ${target} HTTP/1.1`,
    "Host: chat.test:1",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${KEY}`,
    ...fields,
    "\r\n",
  ].join("\r\n");
}

interface News {
  type: string;
  name: string;
  text?: string;
  members?: string[];
}

/** Somebody in the room. */
class Member implements AsyncDisposable {
  readonly #ws: WebSocket;
  readonly #news: News[] = [];
  readonly #closed = Promise.withResolvers<CloseEvent>();
  #notify: (() => void) | null = null;
  #isClosed = false;

  constructor(example: Example, query: string) {
    const url = new URL(`/chat${query}`, example.url);
    url.protocol = "ws:";
    this.#ws = new WebSocket(url);
    this.#ws.onmessage = ({ data }) => {
      this.#news.push(JSON.parse(data));
      this.#notify?.();
    };
    this.#ws.onclose = (event) => {
      this.#isClosed = true;
      this.#closed.resolve(event);
      this.#notify?.();
    };
  }

  static async join(example: Example, name: string): Promise<Member> {
    const member = new Member(example, `?name=${encodeURIComponent(name)}`);
    await member.until((news) => news.type === "joined" && news.name === name);
    return member;
  }

  /** Waits for some news; passes over others. */
  async until(matches: (news: News) => boolean): Promise<News> {
    for (;;) {
      const news = this.#news.shift();
      if (news !== undefined) {
        if (matches(news)) return news;
      } else if (this.#isClosed) throw new Error("Closed");
      else await new Promise<void>((resolve) => this.#notify = resolve);
    }
  }

  /** Waits for the next message. */
  message(): Promise<News> {
    return this.until(({ type }) => type === "message");
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    this.#ws.send(data);
  }

  closed(): Promise<CloseEvent> {
    return this.#closed.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ws.close();
    await this.#closed.promise;
  }
}

Deno.test("chat.ts tells everybody everything", async () => {
  await using example = await Example.start("chat.ts");
  await using ann = await Member.join(example, "Ann");
  await using bob = await Member.join(example, "Bob");
  const joined = await ann.until(({ name }) => name === "Bob");
  assertEquals(joined.members, ["Ann", "Bob"]);

  ann.send("  ä <b>  ");
  const message = { type: "message", name: "Ann", text: "ä <b>" };
  assertEquals(await ann.message(), message);
  assertEquals(await bob.message(), message);

  // What says nothing is not told, and what says too much is cut.
  ann.send("   ");
  ann.send(new Uint8Array([1, 2]));
  ann.send("x".repeat(1500));
  assertEquals((await bob.message()).text, "x".repeat(1000));

  // Who comes later learns what was said last.
  await using carl = new Member(example, "?name=Carl");
  assertEquals((await carl.message()).text, "ä <b>");
  assertEquals((await carl.message()).text, "x".repeat(1000));

  await bob[Symbol.asyncDispose]();
  const left = await ann.until(({ type }) => type === "left");
  assertEquals(left, { type: "left", name: "Bob", members: ["Ann", "Carl"] });

  // Far too much ends it: that is no message.
  carl.send("x".repeat(5000));
  assertEquals((await carl.closed()).code, 1009);
  await ann.until(({ type, name }) => type === "left" && name === "Carl");
});

Deno.test("chat.ts lets in who has a name of their own", async () => {
  await using example = await Example.start("chat.ts");
  await using _ann = await Member.join(example, "Ann");
  for (
    const [query, code, reason] of [
      ["", 4000, "Name is missing, or too long"],
      ["?name=", 4000, "Name is missing, or too long"],
      ["?name=a&name=b", 4000, "Name is missing, or too long"],
      ["?name=" + "a".repeat(31), 4000, "Name is missing, or too long"],
      ["?name=%20Ann", 4001, "Name is taken"],
    ] as const
  ) {
    await using member = new Member(example, query);
    const event = await member.closed();
    assertEquals([event.code, event.reason], [code, reason], query);
  }
});

Deno.test("chat.ts takes WebSockets of its own page only", async () => {
  await using example = await Example.start("chat.ts");
  for (
    const [origin, status] of [
      ["http://evil.test", 403],
      ["http://chat.test", 403], // another port
      ["null", 403],
      ["http://chat.test:1", 101],
      ["https://chat.test:1", 101],
    ] as const
  ) {
    using peer = await RawClient.connect(example);
    await peer.send(handshake("/chat?name=a", `Origin: ${origin}`));
    const head = await peer.until("\r\n\r\n");
    assertMatch(head, new RegExp(`^HTTP/1.1 ${status} `), origin);
    if (status === 101) {
      peer.close();
      await example.output.until(/^a left$/);
    }
  }
  using peer = await RawClient.connect(example);
  await peer.send("GET /chat HTTP/1.1\r\nHost: a\r\n\r\n");
  const answer = await peer.response();
  assertEquals(answer.status, 426);
  assertEquals(answer.headers.upgrade, "websocket");
});

Deno.test("chat.ts does without who does not read", async () => {
  const args = ["0", "0"];
  await using example = await Example.start("chat.ts", { args });
  using slow = await RawClient.connect(example);
  await slow.send(handshake("/chat?name=slow"));
  await example.output.until(/^slow joined$/);
  await using ann = await Member.join(example, "Ann");

  // She gets an answer to all she says, however much waits for the other. Each
  // of these characters takes six in JSON: what there is to wait is soon full.
  const text = "\x01".repeat(1000);
  let count = 0;
  let hasLeft = false;
  while (!hasLeft) {
    for (let i = 0; i < 8; i++) ann.send(text);
    for (let i = 0; i < 8;) {
      const { type } = await ann.until(() => true);
      if (type === "message") i++;
      else hasLeft = type === "left";
    }
    count += 8;
    if (count > 10_000) throw new Error("It is never dropped");
  }
  assert(count > 8);
  await example.output.until(/^slow left$/);
});

Deno.test({
  ...wanting("chat.ts has a page to chat on", "chromium"),
  async fn() {
    await using browser = await Browser.start();
    await using example = await Example.start("chat.ts");
    const join = async (name: string) => {
      const page = await browser.open(example.url);
      await page.fill("#name", name);
      await page.click("#join button");
      await waitForText(page, "#members", name);
      return page;
    };
    const ann = await join("Ann");
    const bob = await join("<i>Bob</i>");
    await waitForText(ann, ".notice", "<i>Bob</i> has joined");

    await ann.fill("#text", "Hello there");
    await ann.press("#text", "Enter");
    await waitForText(bob, "#log li", /^AnnHello there$/);
    await bob.fill("#text", "<img src=x onerror=alert(1)> & more");
    await bob.press("#text", "Enter");
    await waitForText(ann, "#log li", "<img src=x onerror=alert(1)> & more");
    await waitForText(bob, "#log .own", "<img");
    assertEquals(await ann.locator("#log img, #log i, #members i").count(), 0);
    await screenshot(ann, "chat");

    // A name that is taken brings the form back.
    const other = await browser.open(example.url);
    await screenshot(other, "chat_before");
    await other.fill("#name", "Ann");
    await other.press("#name", "Enter");
    await waitForText(other, "#state", "Name is taken");
    assert(await other.locator("#name").isVisible());
    await other.close();

    // The server goes, and comes back.
    assertEquals((await example.stop()).code, 0);
    await waitForText(bob, "#state", "reconnecting");
    const args = [example.url.port];
    await using again = await Example.start("chat.ts", { args });
    await waitForText(bob, "#state", /^connected$/);
    await waitForText(ann, "#members", /Ann.*Bob|Bob.*Ann/s);
    await bob.close();
    await waitForText(ann, ".notice", "<i>Bob</i> has left");
    await again.output.until(/ left$/);
    const problems = browser.problems.filter((text) => !/ERR_/.test(text));
    assertEquals(problems, []);
  },
});
