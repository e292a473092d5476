import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  handle,
  type HandleOptions,
  type HttpConnection,
  HttpServer,
  merge,
} from "@uhttp/uhttp";
import { eventually, startServer } from "../support/serving.ts";

/** A server, or two, whose clients are handled, for the length of a test. */
class Handling implements AsyncDisposable {
  readonly server: HttpServer = startServer({ streaming: true });
  readonly told: unknown[] = [];
  readonly done: Promise<void>;

  constructor(
    handler: (client: HttpConnection) => unknown,
    options: HandleOptions = {
      onError: (error) => this.told.push(error),
    },
  ) {
    this.done = handle(this.server, handler, options);
  }

  async ask(init?: RequestInit): Promise<[status: number, text: string]> {
    const response = await fetch(this.server.url, init);
    return [response.status, await response.text()];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
    await this.done;
  }
}

const FAILED: [number, string] = [500, "Internal Server Error\n"];

Deno.test("handle() answers 500 for what a handler throws, and tells of it", async () => {
  const fault = new Error("secret");
  for (
    const handler of [
      () => {
        throw fault;
      },
      () => Promise.reject(fault),
      async () => {
        await null;
        throw fault;
      },
    ]
  ) {
    await using handling = new Handling(handler);
    for (let i = 0; i < 2; i++) assertEquals(await handling.ask(), FAILED);
    assertEquals(handling.told, [fault, fault]);
  }
});

Deno.test("handle() answers what the peer did wrong with its own status", async () => {
  await using handling = new Handling(async (client) => {
    client.respond(await client.json());
  });
  assertEquals(
    await handling.ask({ method: "POST", body: "{" }),
    [400, "Body is not valid JSON\n"],
  );
  assertEquals(await handling.ask({ method: "POST", body: "[1]" }), [
    200,
    "[1]",
  ]);
});

Deno.test("handle() answers clients that are forgotten, and tells of them", async () => {
  for (const handler of [() => {}, async () => await null]) {
    await using handling = new Handling(handler);
    assertEquals(await handling.ask(), FAILED);
    const [error] = handling.told;
    assert(error instanceof Error);
    assertEquals(error.message, "Handler has left GET / without an answer");
  }
});

Deno.test("handle() tells nothing of a client whose peer has left", async () => {
  const left = Promise.withResolvers<void>();
  await using handling = new Handling(async ({ signal }) => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    left.resolve();
  });
  const controller = new AbortController();
  const asked = handling.ask({ signal: controller.signal }).catch(() => {});
  await eventually(() => handling.server.stats.requests === 1);
  controller.abort();
  await left.promise;
  await asked;
  await eventually(() => handling.server.stats.openConnections === 0);
  assertEquals(handling.told, []);
});

Deno.test("handle() leaves a stream to those who hold it, and breaks off where a handler threw", async () => {
  const viewers: HttpConnection[] = [];
  await using handling = new Handling((client) => {
    client.responseStream();
    client.sendChunk("begun");
    viewers.push(client);
    if (client.query.bad === null) throw new Error("x");
  });
  const asked = handling.ask();
  await eventually(() => viewers.length === 1);
  viewers[0].sendChunk(", done");
  viewers[0].responseStreamEnd();
  assertEquals(await asked, [200, "begun, done"]);
  const broken = await fetch(handling.server.url + "?bad");
  const outcome = await broken.text().then(() => "whole", () => "broken off");
  assertEquals(outcome, "broken off");
});

Deno.test("handle() has onError answer, and does where that fails", async () => {
  const fail = () => {
    throw new Error("x");
  };
  await using kind = new Handling(fail, {
    onError: (_, client) => client.respond("sorry", { status: 503 }),
  });
  assertEquals(await kind.ask(), [503, "sorry"]);
  const lines: unknown[] = [];
  const { error } = console;
  console.error = (...parts: unknown[]) => void lines.push(parts[0]);
  try {
    await using unkind = new Handling(fail, { onError: fail });
    assertEquals(await unkind.ask(), FAILED);
    await using silent = new Handling(fail, {});
    assertEquals(await silent.ask(), FAILED);
  } finally {
    console.error = error;
  }
  assertEquals(lines, [
    "Error in onError:",
    "Error in a client's handler:",
  ]);
});

Deno.test("handle() runs many at a time, of several servers, and ends when all are done", async () => {
  for (
    const of of [
      (servers: HttpServer[]) => servers,
      (servers: HttpServer[]) => merge(...servers),
    ]
  ) {
    const servers = [startServer(), startServer()];
    const all = Promise.withResolvers<void>();
    let running = 0;
    const done = handle(of(servers), async (client) => {
      if (++running === 6) all.resolve();
      await all.promise;
      client.respond("ok");
      await new Promise((resolve) => setTimeout(resolve, 20));
      running--;
    });
    const asked = [0, 1, 2].flatMap(() =>
      servers.map(async (server) => await (await fetch(server.url)).text())
    );
    assertEquals(await Promise.all(asked), Array(6).fill("ok"));
    for (const server of servers) server.close();
    await done;
    assertEquals(running, 0);
  }
});

Deno.test("handle() refuses what is no source and no handler", async () => {
  await using server = startServer();
  assertThrows(() => handle(server, undefined as never), TypeError, "Handler");
  assertThrows(() => handle({} as never, () => {}), TypeError, "no clients");
  assertThrows(() => handle([{}] as never, () => {}), TypeError, "merged");
  assertThrows(
    () => handle(server, () => {}, { onerror: () => {} } as never),
    TypeError,
    'did you mean "onError"?',
  );
});

Deno.test("unref() lets the process end, and ref() does not", async () => {
  const program = (call: string) => `
    import { HttpServer } from ${
    JSON.stringify(import.meta.resolve("../../mod.ts"))
  };
    const server = new HttpServer({ hostname: "127.0.0.1", port: 0 });
    const conn = await Deno.connect(server.addr);
    await conn.write(new TextEncoder().encode("GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"));
    (await server.wait())?.respond("ok");
    conn.unref();
    ${call}
    const late = await Deno.connect(server.addr);
    late.unref();
    await new Promise((resolve) => setTimeout(resolve, 50));
    console.log("end");`;
  const root = new URL("../..", import.meta.url);
  for (
    const [call, isOver] of [
      ["server.unref();", true],
      ["server.unref(); server.ref();", false],
      ["", false],
    ] as const
  ) {
    const controller = new AbortController();
    const child = new Deno.Command(Deno.execPath(), {
      cwd: root,
      args: ["run", "--no-check", "--allow-net", "-"],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
      signal: controller.signal,
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(program(call)));
    await writer.close();
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    assertEquals(new TextDecoder().decode(value), "end\n");
    const ended = child.status.then(() => true);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stays = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), isOver ? 10_000 : 300);
    });
    assertEquals(await Promise.race([ended, stays]), isOver, call);
    clearTimeout(timer);
    controller.abort();
    await child.status;
    await reader.cancel();
  }
});
