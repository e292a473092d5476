import { assert, assertEquals, assertMatch } from "@std/assert";
import { main } from "../../cli.ts";
import { readArguments } from "../../cli/command_line.ts";
import { FakeIo, run } from "./fake_io.ts";

/** Runs the server while `use()` asks it. */
async function echoing(
  args: string[],
  use: (url: string, io: FakeIo) => Promise<void>,
): Promise<void> {
  const io = new FakeIo();
  const code = main(["echo", "-p", "0", ...args], io);
  const [, url] = await io.stderr.until(/^Telling what was asked on (\S+)\n/);
  try {
    await use(url, io);
  } finally {
    io.interrupt();
    assertEquals(await code, 0);
  }
}

Deno.test("echo tells what was asked", () =>
  echoing([], async (url, io) => {
    const headers = { "X-A": "1", cookie: "a=1; b=2" };
    const ask = async (path: string, init: RequestInit = {}) => {
      const response = await fetch(url + path, init);
      assertEquals(response.status, 200);
      assertEquals(response.headers.get("content-type"), "application/json");
      return await response.json();
    };
    const plain = await ask("a%20b/c?q=1&q=2&r", { headers });
    assertEquals(
      [plain.method, plain.url, plain.path, plain.query, plain.body],
      ["GET", "/a%20b/c?q=1&q=2&r", "/a b/c", { q: ["1", "2"], r: null }, null],
    );
    assertEquals([plain.headers["x-a"], plain.cookies], [
      "1",
      { a: "1", b: "2" },
    ]);
    const put = (body: BodyInit, type: string) =>
      ask("", { method: "PUT", body, headers: { "content-type": type } });
    const json = await put('{"a":[1]}', "application/vnd.x+json");
    assertEquals([json.body, json.json], ['{"a":[1]}', { a: [1] }]);
    assertEquals((await put("{", "application/json")).body, "{");
    const deep = "[".repeat(50_000) + "]".repeat(50_000);
    assertEquals((await put(deep, "application/json")).body, deep);
    // Far to the right and on many lines, it would be 200 times as much.
    const nested = "[".repeat(99) + "1,".repeat(400_000) + "1" + "]".repeat(99);
    const response = await fetch(url, {
      method: "PUT",
      body: nested,
      headers: { "content-type": "application/json" },
    });
    assert((await response.text()).length < 3 * nested.length);
    const form = await put("a=1&a=%C4%8D", "application/x-www-form-urlencoded");
    assertEquals(form.form, [["a", "1"], ["a", "č"]]);
    const bytes = await put(new Uint8Array([255, 0]), "text/plain");
    assertEquals([bytes.body, bytes.bodyCoding], ["/wA=", "base64"]);
    const large = await fetch(url, {
      method: "POST",
      body: new Uint8Array(1024 * 1024 + 1),
    });
    assertEquals(large.status, 413);
    await large.body?.cancel();
    const head = await fetch(url, { method: "HEAD" });
    assertEquals([head.status, await head.text()], [200, ""]);
    await io.stdout.until(/"HEAD \/ HTTP\/1\.1" 200 0 /);
  }));

Deno.test("echo has a page for browsers, on which nothing runs", () =>
  echoing(["--cors"], async (url) => {
    const response = await fetch(`${url}<script>?a=%3Cscript%3E`, {
      headers: { accept: "text/html", "x-a": "</pre><script>\u0080" },
    });
    const html = await response.text();
    assertMatch(html, /^<!DOCTYPE html>/);
    assert(!html.includes("<script"), html);
    const { headers } = response;
    assertMatch(headers.get("content-security-policy")!, /default-src 'none'/);
    assertEquals(headers.get("access-control-allow-origin"), "*");
  }));

Deno.test("echo --status and --delay are those of every answer", () =>
  echoing(["--status", "503", "--delay", "0.2", "-q"], async (url, io) => {
    const start = performance.now();
    const response = await fetch(url);
    assert(performance.now() - start > 190);
    assertEquals([response.status, (await response.json()).path], [503, "/"]);
    // Who leaves meanwhile holds nothing up.
    const signal = AbortSignal.timeout(50);
    await fetch(url, { signal }).catch(() => {});
    assertEquals(io.stdout.text, "");
  }));

Deno.test("echo answers to its own name alone on a loopback address", () =>
  echoing(["--allow-host", "box.example"], async (url) => {
    for (
      const [host, status] of [
        ["evil.example", 421],
        ["box.example", 200],
        ["localhost:1", 200],
      ] as const
    ) {
      const { out } = await run([
        url,
        ...["-H", `Host: ${host}`, "-w", "\n%{http_code}"],
      ]);
      assertEquals(out.split("\n").at(-1), `${status}`, host);
    }
  }));

Deno.test("readArguments() takes what echo can be told", () => {
  assertEquals(readArguments(["echo", "--status", "204", "--delay", "1"]), {
    command: "echo",
    places: [{ port: undefined, host: "127.0.0.1" }],
    allowedHosts: [],
    status: 204,
    delay: 1000,
    hasCors: false,
    log: "common",
  });
});

Deno.test("echo refuses what it cannot be told", async () => {
  for (
    const [args, message] of [
      [["x"], "Too many arguments: x"],
      [["--status", "100"], "--status is not a number from 200 to 599: 100"],
      [["--status", "600"], "--status is not a number from 0 to 599: 600"],
      [["--delay", "x"], "--delay is not a number of seconds: x"],
    ] as const
  ) {
    const { code, err } = await run(["echo", ...args]);
    assertEquals([code, err], [2, `uhttp: ${message}\n`]);
  }
});
