import { assert, assertEquals, assertMatch } from "@std/assert";
import type { HttpConnection, Websocket } from "@uhttp/uhttp";
import { main } from "../../cli.ts";
import { Scene } from "../support/serving.ts";
import { FakeIo, type FakeOptions, run } from "./fake_io.ts";

/** A server that talks to one WebSocket after the other. */
function scene(
  talk: (ws: Websocket, client: HttpConnection) => unknown,
  protocols?: string[],
): Scene {
  return new Scene(async (client) => {
    const ws = client.acceptWebsocket({ protocol: protocols });
    if (ws !== null) await talk(ws, client);
  });
}

async function echo(ws: Websocket): Promise<void> {
  for await (const message of ws) ws.send(message);
}

/** Starts it; `stop` presses Ctrl-D. */
function start(
  scene: Scene,
  args: string[] = [],
  options: FakeOptions = { terminals: "in" },
): { io: FakeIo; done: Promise<number> } {
  const io = new FakeIo(options);
  const url = scene.server.url.replace("http", "ws");
  return { io, done: main(["ws", url, ...args], io) };
}

Deno.test("ws sends lines, shows messages, and closes at the end", async () => {
  const closes: number[] = [];
  await using server = scene(async (ws) => {
    await echo(ws);
    closes.push((await ws.closed).code);
  });
  const { io, done } = start(server);
  io.stdin.push("one\ntw");
  await io.stdout.until(/^one\n$/);
  io.stdin.push("o\r\n\n");
  await io.stdout.until(/^one\ntwo\n\n$/);
  io.stdin.push(null);
  assertEquals(await done, 0);
  assertEquals(io.stdout.text, "one\ntwo\n\n");
  assertEquals(io.stderr.text, "");
  assertEquals(closes, [1000]);
  assertEquals(io.isListening, false);
});

Deno.test("ws waits for answers when a pipe has ended", async () => {
  await using server = scene(echo);
  const { io, done } = start(server, ["--wait", "0.2"], {
    input: "one\nlast without end",
  });
  assertEquals(await done, 0);
  assertEquals(io.stdout.text, "one\nlast without end\n");
});

Deno.test("ws takes messages as they come, also when none is sent", async () => {
  await using server = scene(async (ws) => {
    await ws.send("a");
    await ws.send(Uint8Array.from([0, 65, 255]));
    await ws.send(new Uint8Array(300));
    ws.close(1000);
    await ws.closed;
  });
  const { io, done } = start(server);
  assertEquals(await done, 0);
  assertMatch(
    io.stdout.text,
    /^a\n\[binary message, 3 B\]\n0000 {2}00 41 ff {41}\.A\.\n\[binary message, 300 B\]\n(?:00[0-9a-f]0 .*\n){16}\.\.\.\n$/,
  );
  io.stdin.push(null);
});

Deno.test("ws lets no message command the terminal", async () => {
  await using server = scene(async (ws) => {
    await ws.send("\x1b[2Jx\r\ny\x9b");
    await ws.send('{"a":1,"b":"\x9b"}');
    ws.close(1000, "bye\x1b[2J");
    await ws.closed;
  });
  const { io, done } = start(server, ["--no-color"], { terminals: "all" });
  assertEquals(await done, 0);
  assertEquals(io.stdout.text, '␛[2Jx\ny\ufffd\n{"a": 1, "b": "\ufffd"}\n');
  assertEquals(io.stderr.text, "* connected\n* closed with 1000: bye␛[2J\n");
  io.stdin.push(null);
});

Deno.test("ws comes to what the close code means", async () => {
  for (
    const [code, expected, err] of [
      [1000, 0, ""],
      [1001, 0, ""],
      [1011, 1, "uhttp: closed with 1011: why\n"],
      [4000, 1, "uhttp: closed with 4000: why\n"],
    ] as const
  ) {
    await using server = scene((ws) => ws.close(code, "why"));
    const { io, done } = start(server);
    assertEquals([await done, io.stderr.text], [expected, err]);
    io.stdin.push(null);
  }
  await using server = scene((_ws, client) => {
    client.socket.close();
  });
  const { io, done } = start(server);
  assertEquals(await done, 56);
  assertEquals(io.stderr.text, "uhttp: the connection broke off\n");
  io.stdin.push(null);
});

Deno.test("ws offers protocols, and sends fields", async () => {
  let seen: Record<string, string> = {};
  await using server = scene((ws, client) => {
    seen = { ...client.headers };
    ws.close(1000);
  }, ["b"]);
  const args = ["--protocol", "a", "--protocol", "b", "-H", "X-A: 1", "-v"];
  const { io, done } = start(server, [...args, "--bearer", "t"]);
  assertEquals(await done, 0);
  assertEquals(seen["sec-websocket-protocol"], "a, b");
  assertEquals([seen["x-a"], seen.authorization], ["1", "Bearer t"]);
  assertEquals(
    io.stderr.text,
    "* connected, protocol b\n* closed with 1000\n",
  );
  io.stdin.push(null);
});

Deno.test("ws --ping pings again and again", async () => {
  await using server = scene(echo);
  const { io, done } = start(server, ["--ping", "0.01", "-v"]);
  await io.stderr.until(/\* pong after [\d.]+ ms\n\* pong after [\d.]+ ms\n/);
  io.stdin.push(null);
  assertEquals(await done, 0);
});

Deno.test("ws ends with 130 when it is interrupted", async () => {
  const closes: number[] = [];
  await using server = scene(async (ws) => {
    await echo(ws);
    closes.push((await ws.closed).code);
  });
  const { io, done } = start(server);
  io.stdin.push("x\n");
  await io.stdout.until(/x/);
  io.interrupt();
  assertEquals(await done, 130);
  assertEquals(closes, [1000]);
  io.stdin.push(null);
});

Deno.test("ws says why there is no WebSocket", async () => {
  await using server = new Scene((client) =>
    client.respond("no", { status: 403 })
  );
  const refused = start(server);
  assertEquals(await refused.done, 1);
  assertEquals(
    refused.io.stderr.text,
    "uhttp: No WebSocket is there: answered 403 Forbidden\n",
  );
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  assertEquals((await run(["ws", `127.0.0.1:${port}`])).code, 7);
  assertEquals((await run(["ws", "nowhere.invalid"])).code, 6);
  const wrong = await run(["ws", "a", "--protocol", "a b"]);
  assertEquals(wrong.code, 2);
  assert(/^uhttp: .+\n$/.test(wrong.err));
});

Deno.test("ws ends when nobody takes what it shows", async () => {
  await using server = scene(async (ws) => {
    await ws.send("x");
    await ws.closed;
  });
  const io = new FakeIo({ terminals: "in" });
  io.stdout.error = new Deno.errors.BrokenPipe("Broken pipe");
  const url = server.server.url.replace("http", "ws");
  assertEquals(await main(["ws", url], io), 23);
  io.stdin.push(null);
});
