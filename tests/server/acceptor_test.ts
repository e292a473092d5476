// Connections that end before the server has them.
import { assert, assertEquals } from "@std/assert";
import { Arena } from "../support/arena.ts";
import { Timers } from "../support/timers.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
/** So many in a row had the server pause for a second each, before. */
const MANY = 3000;

class Leaving implements AsyncIterable<Deno.Conn> {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #error: () => Error;
  left = MANY;
  /** How many were gone at most in one turn of the event loop. */
  most = 0;
  #inTurn = 0;

  constructor(error: () => Error) {
    this.#error = error;
  }

  get addr(): Deno.Addr {
    return this.#listener.addr;
  }

  accept(): Promise<Deno.Conn> {
    if (this.left === 0) return this.#listener.accept();
    this.left--;
    if (this.#inTurn++ === 0) setImmediate(() => this.#inTurn = 0);
    this.most = Math.max(this.most, this.#inTurn);
    return Promise.reject(this.#error());
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Deno.Conn> {
    for (;;) yield await this.accept();
  }

  close(): void {
    this.#listener.close();
  }
}

const ERRORS: Record<string, () => Error> = {
  // What Linux says of one that was reset, and others.
  NotConnected: () => new Deno.errors.NotConnected("Not connected"),
  ConnectionAborted: () => new Deno.errors.ConnectionAborted("Aborted"),
  ConnectionReset: () => new Deno.errors.ConnectionReset("Reset"),
};

for (const [name, make] of Object.entries(ERRORS)) {
  Deno.test(`HttpServer waits for nobody who has left before it accepts him (${name})`, async () => {
    using timers = new Timers();
    const listener = new Leaving(make);
    await using arena = new Arena((client) => client.respond("ok"), {
      listener,
    });
    const peer = await arena.connect();
    await peer.send(GET);
    assertEquals((await peer.response()).body, "ok");
    assertEquals(listener.left, 0);
    assertEquals(arena.errors, []);
    // Its pauses begin with 5 ms.
    assert(!timers.set.includes(5), "It has paused");
    assert(listener.most < MANY / 2, `${listener.most} in one turn`);
  });
}
