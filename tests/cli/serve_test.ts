import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { Buffer } from "node:buffer";
import { main } from "../../cli.ts";
import { AllowedHosts } from "../../cli/allowed_hosts.ts";
import { PARTIAL_PREFIX, safeName } from "../../cli/file_name.ts";
import { Browser, screenshot } from "../examples/browser.ts";
import { Lines } from "../examples/example.ts";
import { makePair } from "../support/certificates.ts";
import { assertLinear } from "../support/cost.ts";
import { RawClient } from "../support/raw_client.ts";
import { eventually } from "../support/serving.ts";
import { FakeIo, run } from "./fake_io.ts";
import { links, Served } from "./served.ts";
import { wanting } from "../support/wanting.ts";

Deno.test("serve answers with files, their types and parts", async () => {
  await using served = await Served.start({ "a.txt": "0123456789" });
  const [status, text, headers] = await served.get("/a.txt");
  assertEquals([status, text], [200, "0123456789"]);
  assertEquals(headers.get("content-type"), "text/plain; charset=utf-8");
  assertEquals(headers.get("x-content-type-options"), "nosniff");
  assertEquals(headers.get("access-control-allow-origin"), null);
  const etag = headers.get("etag")!;

  const part = await served.get("/a.txt", { headers: { range: "bytes=2-4" } });
  assertEquals(part.slice(0, 2), [206, "234"]);
  const none = await served.get("/a.txt", { headers: { range: "bytes=99-" } });
  assertEquals(none[0], 416);
  const same = await served.get("/a.txt", {
    headers: { "if-none-match": etag },
  });
  assertEquals(same.slice(0, 2), [304, ""]);
  const head = await served.get("/a.txt", { method: "HEAD" });
  assertEquals(head.slice(0, 2), [200, ""]);
  assertEquals(head[2].get("content-length"), "10");

  for (const method of ["POST", "PUT", "DELETE", "X"]) {
    const [status, , headers] = await served.get("/a.txt", { method });
    assertEquals(
      [status, headers.get("allow")],
      [405, "GET, HEAD, OPTIONS"],
    );
  }
  assertEquals(await served.stop(), 0);
  const log = served.io.stdout.text.replaceAll(/\[[^\]]*\]/g, "[]")
    .replaceAll(/ \d+\.\d{3}\n/g, "\n");
  assert(log.includes('127.0.0.1 - - [] "GET /a.txt HTTP/1.1" 200 10\n'), log);
  assert(log.includes('"GET /a.txt HTTP/1.1" 206 3\n'), log);
  assert(log.includes('"GET /a.txt HTTP/1.1" 416 0\n'), log);
  assert(log.includes('"GET /a.txt HTTP/1.1" 304 0\n'), log);
  assert(log.includes('"HEAD /a.txt HTTP/1.1" 200 0\n'), log);
  assert(/"DELETE \/a.txt HTTP\/1.1" 405 [1-9]\d+\n/.test(log), log);
});

Deno.test("serve compresses text, unless told not to", async () => {
  const files = { "a.txt": "a".repeat(5000) };
  const headers = { "accept-encoding": "gzip" };
  {
    await using served = await Served.start(files);
    const [, text, answer] = await served.get("/a.txt", { headers });
    assertEquals(text.length, 5000);
    assertEquals(answer.get("vary"), "accept-encoding");
  }
  await using served = await Served.start(files, "--no-compress", "-q");
  const [, , answer] = await served.get("/a.txt", { headers });
  assertEquals(answer.get("vary"), null);
  assertEquals(served.io.stdout.text, "");
});

Deno.test("serve lists a folder, folders first", async () => {
  await using served = await Served.start({
    "b10.txt": "x".repeat(1234),
    "b9.txt": "",
    "z/": "",
    "a.txt": "",
    "c/d/e.txt": "",
    ".hidden": "",
  });
  const [status, html, headers] = await served.get("/");
  assertEquals(status, 200);
  assertEquals(headers.get("content-type"), "text/html; charset=utf-8");
  assertMatch(headers.get("content-security-policy")!, /default-src 'none'/);
  assertEquals(links(html), [
    "./c/",
    "./z/",
    "./a.txt",
    "./b9.txt",
    "./b10.txt",
  ]);
  assert(html.includes("1.2 kB"));
  assert(html.includes("2 folders, 3 files, 1.2 kB"));
  assert(!html.includes('type="file"'));

  const [, deep] = await served.get("/c/d/");
  assertMatch(
    deep,
    /<a href="\.\.\/\.\.\/">Home<\/a>.*<a href="\.\.\/">c<\/a>.*<b>d<\/b>/,
  );
  assert((await served.get("/z/"))[1].includes("Nothing here"));
  const head = await served.get("/", { method: "HEAD" });
  assertEquals(head.slice(0, 2), [200, ""]);
});

Deno.test("serve prefers index.html to a listing", async () => {
  await using served = await Served.start({
    "a/index.html": "hi",
    "b.txt": "",
  });
  assertEquals((await served.get("/a/"))[1], "hi");
  assertEquals((await served.get("/a/index.html"))[1], "hi");
});

Deno.test("serve leads to folders by a slash, and never elsewhere", async () => {
  await using served = await Served.start({
    "a b/": "",
    "evil.com/x/": "",
    "f.txt": "",
  });
  for (
    const [target, location] of [
      ["/a%20b", "/a%20b/"],
      ["/a%20b?x=1", "/a%20b/?x=1"],
      ["//evil.com/x", "/evil.com/x/"],
      ["//evil.com", "/evil.com/"],
      ["/evil.com//x", "/evil.com/x/"],
    ]
  ) {
    using peer = await RawClient.connect(served);
    await peer.send(`GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    const { status, headers } = await peer.response();
    assertEquals([status, headers.location], [301, location], target);
  }
  assertEquals((await served.get("/f.txt/"))[0], 404);
});

Deno.test("serve gives out nothing beside its folder", async () => {
  await using served = await Served.start({
    "a.txt": "a",
    "sub/b.txt": "b",
    ".env": "key",
    ".git/config": "key",
    "sub/.x/y.txt": "key",
  });
  const { folder, parent } = served;
  await Deno.symlink(`${parent}/secret.txt`, `${folder}/out.txt`);
  await Deno.symlink(parent, `${folder}/out`);
  await Deno.symlink(`${folder}/nowhere`, `${folder}/broken`);
  await Deno.symlink(`${folder}/round`, `${folder}/round`);
  await Deno.symlink(`${folder}/a.txt`, `${folder}/in.txt`);
  await Deno.symlink(`${folder}/sub`, `${folder}/in`);
  // A folder whose name begins alike is another one.
  await Deno.mkdir(`${parent}/site2`);
  await Deno.writeTextFile(`${parent}/site2/secret.txt`, "secret");
  await Deno.symlink(`${parent}/site2`, `${folder}/alike`);

  for (
    const target of [
      "/../secret.txt",
      "/%2e%2e/secret.txt",
      "/..%2fsecret.txt",
      "/sub/../../secret.txt",
      "/sub/%2e%2e%2f%2e%2e%2fsecret.txt",
      "//../secret.txt",
      `/${encodeURIComponent(`${parent}/secret.txt`)}`,
      `/${parent}/secret.txt`,
      "/./a.txt",
      "/sub/./b.txt",
      "/a.txt%00",
      "/a.txt%00.html",
      "/..%5csecret.txt",
      "/out.txt",
      "/out/",
      "/out/secret.txt",
      "/alike/secret.txt",
      "/broken",
      "/round",
      "/.env",
      "/%2eenv",
      "/.git/config",
      "/.git/",
      "/sub/.x/y.txt",
      "/sub/.x/",
    ]
  ) {
    const [status, body] = await served.raw(`GET ${target}`);
    assertEquals(status, 404, target);
    assert(!/secret|key/.test(body), target);
  }
  assertEquals((await served.get("/in.txt"))[1], "a");
  assertEquals((await served.get("/in/b.txt"))[1], "b");
  const [, html] = await served.get("/");
  assertEquals(links(html), ["./in/", "./sub/", "./a.txt", "./in.txt"]);
});

Deno.test("serve shows hidden files with --hidden", async () => {
  await using served = await Served.start({ ".env": "x" }, "--hidden");
  await Deno.writeTextFile(`${served.folder}/.uhttp-upload-1`, "half");
  assertEquals((await served.get("/.env"))[1], "x");
  assertEquals(links((await served.get("/"))[1]), ["./.env"]);
  assertEquals((await served.get("/.uhttp-upload-1"))[0], 404);
  assertEquals((await served.raw("GET /../secret.txt"))[0], 404);
});

Deno.test("serve copes with odd names", async () => {
  const names = [
    "<script>alert(1)</script>".replaceAll("/", "_"),
    "%2e%2e",
    "%2e",
    "q\"uote'.txt",
    "a&b?c#d;e.txt",
    "javascript:alert(1)",
    "řeka žluť.txt",
    "new\nline",
    "esc\x1b[2J",
    "back\\slash",
    " space ",
    "+plus+",
    "...dots",
  ].filter((name) => !name.startsWith("."));
  await using served = await Served.start(
    Object.fromEntries(names.map((name) => [name, name])),
  );
  const [, html] = await served.get("/");
  assert(!html.includes("<script>alert"));
  // deno-lint-ignore no-control-regex
  assert(!/[\x00-\x09\x0b-\x1f]/.test(html));
  const hrefs = links(html);
  assertEquals(hrefs.length, names.length);
  const found: string[] = [];
  for (const href of hrefs) {
    const [status, text] = await served.get(new URL(href, served.url).href);
    assertEquals(status, 200, href);
    found.push(text);
  }
  assertEquals(found.sort(), names.sort());
  // What is in the log cannot break its lines.
  await served.get('/%0a%1b[2J"');
  await served.stop();
  const { text } = served.io.stdout;
  assertEquals(text.split("\n").length - 1, names.length + 2);
});

Deno.test("serve lists a thousand files", async () => {
  const files: Record<string, string> = {};
  for (let i = 0; i < 1000; i++) files[`file ${i}.txt`] = "";
  await using served = await Served.start(files);
  const [, html] = await served.get("/");
  const hrefs = links(html);
  assertEquals(hrefs.length, 1000);
  assertEquals(hrefs[999], "./file%20999.txt");
  assertEquals(hrefs[10], "./file%2010.txt");
});

Deno.test("serve has a page for browsers that miss something, a line for others", async () => {
  await using served = await Served.start({});
  const [status, html, headers] = await served.get("/x.html", {
    headers: { accept: "text/html,application/xhtml+xml,*/*;q=0.8" },
  });
  assertEquals(status, 404);
  assert(html.includes("Nothing is here") && html.startsWith("<!DOCTYPE"));
  assertMatch(headers.get("content-security-policy")!, /default-src 'none'/);
  const plain = await served.get("/x.html");
  assertEquals(plain.slice(0, 2), [404, "Nothing is here\n"]);
  assertEquals(plain[2].get("content-type"), "text/plain; charset=utf-8");
  assertEquals(plain[2].get("vary"), "accept");
});

Deno.test("serve --spa answers paths of the application", async () => {
  const files = { "index.html": "app", "a.js": "code" };
  await using served = await Served.start(files, "--spa");
  for (const path of ["/", "/users", "/users/7?x=1", "/a.b/c"]) {
    assertEquals((await served.get(path)).slice(0, 2), [200, "app"], path);
  }
  for (const path of ["/x.js", "/.env", "/.git/x"]) {
    assertEquals((await served.get(path))[0], 404, path);
  }
  assertEquals((await served.get("/a.js"))[1], "code");
});

Deno.test("serve --cors lets pages of other sites read", async () => {
  await using served = await Served.start({ "a.txt": "a" }, "--cors");
  for (const path of ["/a.txt", "/", "/missing"]) {
    const [, , headers] = await served.get(path);
    assertEquals(headers.get("access-control-allow-origin"), "*", path);
  }
  const [status, text, headers] = await served.get("/a.txt", {
    method: "OPTIONS",
    headers: { origin: "http://b", "access-control-request-method": "GET" },
  });
  assertEquals([status, text], [204, ""]);
  assertEquals(headers.get("access-control-allow-origin"), "*");
  assertEquals(headers.get("access-control-allow-methods"), "GET, HEAD");
});

Deno.test("serve answers OPTIONS without --cors, and allows nobody", async () => {
  await using served = await Served.start({});
  const [status, , headers] = await served.get("/", { method: "OPTIONS" });
  assertEquals([status, headers.get("allow")], [204, "GET, HEAD, OPTIONS"]);
  assertEquals(headers.get("access-control-allow-origin"), null);
});

// ---- Uploads --------------------------------------------------------------

function form(...files: [name: string, text: string][]): FormData {
  const data = new FormData();
  for (const [name, text] of files) {
    data.append("file", new File([text], name));
  }
  return data;
}

Deno.test("serve --upload takes files from a form", async () => {
  await using served = await Served.start({ "sub/": "" }, "--upload");
  assert((await served.get("/"))[1].includes('type="file"'));
  const [status, , headers] = await served.get("/sub/", {
    method: "POST",
    body: form(["a.txt", "1"], ["a.txt", "2"], ["../../b", "3"], [".c", "4"]),
  });
  assertEquals([status, headers.get("location")], [303, "/sub/"]);
  const again = { method: "POST", body: form(["a.txt", "5"]) };
  assertEquals((await served.get("/sub/", again))[0], 303);
  const texts: Record<string, string> = {};
  for (const { name } of Deno.readDirSync(`${served.folder}/sub`)) {
    texts[name] = Deno.readTextFileSync(`${served.folder}/sub/${name}`);
  }
  assertEquals(texts, {
    "a.txt": "1",
    "a (1).txt": "2",
    "b": "3",
    "c": "4",
    "a (2).txt": "5",
  });
  assertEquals(served.names, ["sub"]);
});

Deno.test("serve --upload refuses what is no upload", async () => {
  await using served = await Served.start({ "a.txt": "a" }, "--upload");
  const post = async (path: string, init: RequestInit) =>
    (await served.get(path, { method: "POST", ...init }))[0];
  assertEquals(await post("/", { body: "x" }), 415);
  assertEquals(await post("/", { body: new FormData() }), 400);
  assertEquals(await post("/", { body: form(["", ""]) }), 400);
  assertEquals(await post("/a.txt", { body: form(["b", ""]) }), 404);
  assertEquals(await post("/x/", { body: form(["b", ""]) }), 404);
  // A page of another site sends the form.
  const { host } = new URL(served.url);
  for (
    const headers of [
      { origin: "http://evil.example" },
      { origin: `https://${host}` },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
    ] as Record<string, string>[]
  ) {
    assertEquals(await post("/", { body: form(["b", ""]), headers }), 403);
  }
  assertEquals(served.names, ["a.txt"]);
  const headers = { origin: `http://${host}`, "sec-fetch-site": "same-origin" };
  assertEquals(await post("/", { body: form(["b", ""]), headers }), 303);
});

Deno.test("serve --upload leaves nothing of what breaks off", async () => {
  await using served = await Served.start({}, "--upload");
  const head = "Host: localhost\r\nContent-Length: 100000\r\n";
  const part = (name: string) =>
    `--B\r\nContent-Disposition: form-data; name=f; filename=${name}\r\n\r\n` +
    `${"x".repeat(1000)}\r\n`;
  for (
    const request of [
      `POST / HTTP/1.1\r\n${head}` +
      `Content-Type: multipart/form-data; boundary=B\r\n\r\n` +
      part("a") + part("b") + part("c").slice(0, -100),
      `PUT /a HTTP/1.1\r\n${head}\r\n${"x".repeat(1000)}`,
    ]
  ) {
    using peer = await RawClient.connect(served);
    await peer.send(request);
    await eventually(() =>
      served.names.some((name) => name.startsWith(".uhttp-upload-"))
    );
    // Nobody sees it meanwhile.
    assert(!(await served.get("/"))[1].includes(".uhttp"));
    peer.close();
    await eventually(() => served.names.length === 0);
  }
  // Malformed behind a whole file.
  using peer = await RawClient.connect(served);
  const body = part("a") + "--B!\r\n";
  await peer.send(
    `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n` +
      `Content-Type: multipart/form-data; boundary=B\r\n\r\n${body}`,
  );
  assertEquals((await peer.response()).status, 400);
  assertEquals(served.names, []);
});

Deno.test("serve --max-upload is a limit, announced or not", async () => {
  await using served = await Served.start(
    {},
    "--upload",
    "--max-upload",
    "10k",
  );
  {
    using peer = await RawClient.connect(served);
    await peer.send(
      "PUT /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10001\r\n" +
        "Expect: 100-continue\r\n\r\n",
    );
    assertEquals((await peer.response()).status, 413);
  }
  {
    using peer = await RawClient.connect(served);
    await peer.send(
      "PUT /a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" +
        `2710\r\n${"x".repeat(10000)}\r\n1\r\nx\r\n`,
    );
    assertEquals((await peer.response()).status, 413);
  }
  const large = form(["a", "1"], ["b", "x".repeat(10_000)]);
  const [status] = await served.get("/", { method: "POST", body: large });
  assertEquals(status, 413);
  assertEquals(served.names, []);
  const [created] = await served.get("/a", {
    method: "PUT",
    body: "x".repeat(10_000),
  });
  assertEquals(created, 201);
  await served.stop();
  assertEquals(served.io.stdout.text.match(/ 413 /g)?.length, 3);
  assertEquals(served.io.stderr.text.includes("uhttp:"), false);
});

Deno.test("serve --upload takes a file by PUT, and overwrites none", async () => {
  await using served = await Served.start({ "sub/": "", "a": "a" }, "--upload");
  const { folder, parent } = served;
  await Deno.symlink(`${parent}/new`, `${folder}/link`);
  await Deno.symlink(parent, `${folder}/out`);
  const put = async (path: string, body = "x", headers = {}) =>
    (await served.get(path, { method: "PUT", body, headers }))[0];
  const response = await served.get("/sub/b%20c.txt", {
    method: "PUT",
    body: "hello",
  });
  assertEquals(response[0], 201);
  assertEquals(response[2].get("location"), "/sub/b%20c.txt");
  assertEquals((await served.get("/sub/b%20c.txt"))[1], "hello");
  assertEquals(await put("/empty", ""), 201);
  assertEquals(await put("/a"), 409);
  assertEquals(await put("/link"), 409);
  assertEquals(await put("/sub"), 409);
  assertEquals(await put("/sub/"), 400);
  assertEquals(await put("/"), 400);
  assertEquals(await put("/.hidden"), 400);
  assertEquals(await put("/x%0ay"), 400);
  assertEquals(await put("/x/y"), 404);
  assertEquals(await put("/a/y"), 404);
  assertEquals(await put("/out/y"), 404);
  assertEquals(await put("/y", "x", { "content-range": "bytes 0-0/2" }), 400);
  assertEquals(await put("/y", "x", { origin: "http://evil.example" }), 403);
  assertEquals((await served.raw("PUT /../y"))[0], 400);
  assertEquals(await Deno.readTextFile(`${folder}/a`), "a");
  assertEquals(served.names, ["a", "empty", "link", "out", "sub"]);
  assertEquals([...Deno.readDirSync(parent)].length, 2);
});

Deno.test("serve --upload says so where it cannot write", async () => {
  await using served = await Served.start({ "sub/": "" }, "--upload");
  const { uid } = await Deno.stat(served.folder);
  // Root may write anywhere: there the folder is taken away instead.
  if (uid === 0) {
    using peer = await RawClient.connect(served);
    await peer.send(
      "PUT /sub/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nx",
    );
    await eventually(() =>
      [...Deno.readDirSync(`${served.folder}/sub`)].length > 0
    );
    await Deno.remove(`${served.folder}/sub`, { recursive: true });
    await peer.send("x");
    assertEquals((await peer.response()).status, 500);
  } else {
    await Deno.chmod(served.folder, 0o500);
    const [status] = await served.get("/a", { method: "PUT", body: "x" });
    assertEquals(status, 500);
    await Deno.chmod(served.folder, 0o700);
  }
  assertMatch(served.io.stderr.text, /\nuhttp: .*\n$/);
});

// ---- Start and end --------------------------------------------------------

Deno.test("serve says plainly why it cannot start", async () => {
  const folder = await Deno.makeTempDir();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  await Deno.writeTextFile(`${folder}/file`, "x");
  for (
    const [args, err] of [
      [
        [folder, "--port", String(port)],
        `uhttp: Cannot listen on 127.0.0.1 port ${port}: the port is taken\n`,
      ],
      [
        [`${folder}/x`],
        `uhttp: Cannot serve ${folder}/x: No such file or directory\n`,
      ],
      [
        [`${folder}/file`],
        `uhttp: Cannot serve ${folder}/file: Not a directory\n`,
      ],
      [
        [folder, "--cert", `${folder}/x`, "--key", `${folder}/y`],
        `uhttp: Cannot read ${folder}/x: No such file or directory\n`,
      ],
      [
        [folder, "--cert", `${folder}/file`, "--key", `${folder}/file`],
        "uhttp: Cannot listen on 127.0.0.1 port 8000: " +
        "Certificate and key are not valid, or not of one pair\n",
      ],
    ] as const
  ) {
    const outcome = await run(["serve", ...args]);
    assertEquals([outcome.code, outcome.out, outcome.err], [1, "", err]);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("serve takes the next port when nobody asked for one", async () => {
  const folder = await Deno.makeTempDir();
  const io = new FakeIo();
  const other = new FakeIo();
  const codes = [main(["serve", folder], io)];
  const [, first] = await io.stderr.until(/ on http:\S+:(\d+)\/\n/);
  codes.push(main(["serve", folder], other));
  const [, second] = await other.stderr.until(/ on http:\S+:(\d+)\/\n/);
  assert(Number(first) >= 8000 && Number(second) > Number(first));
  await io.stderr.until(/For this machine alone; --host 0\.0\.0\.0 lets/);
  io.interrupt();
  other.interrupt();
  assertEquals(await Promise.all(codes), [0, 0]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("serve says where it can be reached when all may come", async () => {
  await using served = await Served.start({}, "--host", "0.0.0.0");
  await served.get("/");
  const { text } = served.io.stderr;
  assert(!text.includes("For this machine alone"));
  for (const { address, family } of Deno.networkInterfaces()) {
    if (family !== "IPv4" || address.startsWith("127.")) continue;
    assert(text.includes(`  and on http://${address}:`), text);
  }
});

Deno.test("serve lets downloads finish at the end, unless pressed", async () => {
  await using served = await Served.start({});
  const size = 50_000_000;
  await Deno.truncate(
    await Deno.writeTextFile(`${served.folder}/large`, "").then(() =>
      `${served.folder}/large`
    ),
    size,
  );
  using peer = await RawClient.connect(served);
  await peer.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await peer.until("\r\n\r\n");
  served.io.interrupt();
  let received = peer.pending.length;
  const buffer = new Uint8Array(1_000_000);
  for (let n; (n = await peer.conn.read(buffer)) !== null;) received += n;
  assertEquals(received, size);
});

Deno.test({
  ...wanting("serve speaks TLS with a certificate", "OpenSSL 3"),
  async fn() {
    const folder = await Deno.makeTempDir();
    const { cert, key } = await makePair();
    await Deno.writeTextFile(`${folder}/cert.pem`, cert);
    await Deno.writeTextFile(`${folder}/key.pem`, key);
    await using served = await Served.start(
      { "a.txt": "a" },
      ...["--cert", `${folder}/cert.pem`, "--key", `${folder}/key.pem`],
    );
    assertMatch(served.url, /^https:/);
    using client = Deno.createHttpClient({ caCerts: [cert] });
    const response = await fetch(`${served.url}a.txt`, { client });
    assertEquals(await response.text(), "a");
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test("cli.ts serves until a signal, with little permission", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/a.txt`, "a");
  const cli = fromFileUrl(import.meta.resolve("../../cli.ts"));
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-prompt", "--no-check", "--allow-net"],
        ...[`--allow-read=${folder}`, cli, "serve", folder, "--port", "0"],
      ],
      env: { DENO_NO_UPDATE_CHECK: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const output = new Lines(child.stdout);
    const errors = new Lines(child.stderr);
    const [, url] = await errors.until(/ on (http:\S+)$/);
    assertEquals(await (await fetch(`${url}a.txt`)).text(), "a");
    await output.until(/"GET \/a.txt HTTP\/1.1" 200 1 /);
    child.kill(signal);
    await Promise.all([output.rest(), errors.rest()]);
    assertEquals((await child.status).code, 0);
  }
  await Deno.remove(folder, { recursive: true });
});

// ---- In a browser ---------------------------------------------------------

Deno.test({
  ...wanting("serve's pages work in a browser", "chromium"),
  async fn() {
    await using browser = await Browser.start();
    await using served = await Served.start({
      "photos/summer 2026/a.jpg": "x".repeat(30_000),
      "documents/": "",
      "<b>bold<b>": "x",
      "notes.txt": "notes",
      "film.mp4": "x".repeat(7_300_000),
      "a rather long name of a file that somebody has brought here from another system.tar.gz":
        "x".repeat(1200),
    }, "--upload");
    const page = await browser.open(served.url);
    await screenshot(page, "listing_light");
    await page.emulateMedia({ colorScheme: "dark" });
    await screenshot(page, "listing_dark");
    await page.emulateMedia({ colorScheme: "light" });

    await page.getByRole("link", { name: "photos/" }).click();
    await page.getByRole("link", { name: "summer 2026/" }).click();
    assertEquals(
      decodeURIComponent(new URL(page.url()).pathname),
      "/photos/summer 2026/",
    );
    await screenshot(page, "listing_deep");
    await page.setInputFiles("input[type=file]", [
      { name: "b.txt", mimeType: "text/plain", buffer: Buffer.from("hello") },
      { name: "a.jpg", mimeType: "image/jpeg", buffer: Buffer.from("other") },
    ]);
    await page.getByRole("button", { name: "Upload", exact: true }).click();
    await page.getByRole("link", { name: "a (1).jpg" }).waitFor();
    assertEquals(
      await page.locator("td:first-child a").allTextContents(),
      ["a (1).jpg", "a.jpg", "b.txt"],
    );
    assertEquals(
      await Deno.readTextFile(`${served.folder}/photos/summer 2026/b.txt`),
      "hello",
    );
    await page.getByRole("link", { name: "photos" }).click();
    await page.getByRole("link", { name: "Home" }).click();
    assertEquals(new URL(page.url()).pathname, "/");
    assertEquals(browser.problems, []);
    await page.goto(`${served.url}missing`);
    await screenshot(page, "listing_missing");
    await page.setViewportSize({ width: 380, height: 700 });
    await page.goto(served.url);
    await screenshot(page, "listing_narrow");
    const width = await page.evaluate<number>(
      "document.documentElement.scrollWidth",
    );
    assertEquals(width, 380);
  },
});

// ---- Names ---------------------------------------------------------------------

const HOSTS: [
  listens: string,
  allowed: string[],
  host: string,
  isFine: boolean,
][] = [
  ["127.0.0.1", [], "localhost", true],
  ["127.0.0.1", [], "LocalHost:8000", true],
  ["127.0.0.1", [], "a.localhost.", true],
  ["127.0.0.1", [], "127.0.0.1:8000", true],
  ["127.0.0.1", [], "[::1]:8000", true],
  ["::1", [], "192.168.1.5", true],
  ["127.0.0.1", [], "evil.example", false],
  ["127.0.0.1", [], "evil.example:8000", false],
  ["::1", [], "localhost.evil.example", false],
  ["127.0.0.1", [], "evillocalhost", false],
  ["127.0.0.1", [], "127.0.0.1.evil.example", false],
  ["127.0.0.1", [], "", false],
  ["127.0.0.1", ["Box.Example"], "box.example:1", true],
  ["127.0.0.1", ["box.example"], "evil.example", false],
  ["0.0.0.0", [], "anything.example", true],
  ["0.0.0.0", ["box.example"], "evil.example", false],
  ["0.0.0.0", ["box.example"], "192.168.1.5", true],
];

for (const [listens, allowed, host, isFine] of HOSTS) {
  const more = allowed.length > 0 ? `, which allows ${allowed}` : "";
  Deno.test(`AllowedHosts ${isFine ? "has" : "has not"} "${host}" on ${listens}${more}`, () => {
    assertEquals(new AllowedHosts(allowed, [listens]).has(host), isFine);
  });
}

Deno.test("uhttp serve answers 421 to a name that is not its own", async () => {
  await using served = await Served.start(
    { "a.txt": "here" },
    ...["--upload", "--allow-host", "box.example"],
  );
  const ask = (host: string, line = "GET /a.txt") =>
    served.raw(
      `${line} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
    );
  for (
    const [host, status] of [
      ["evil.example", 421],
      ["localhost", 200],
      ["box.example:1", 200],
    ] as const
  ) assertEquals((await ask(host))[0], status, host);
  // Its own page would count as one of ours.
  const [status] = await served.raw(
    "PUT /b.txt HTTP/1.1\r\nHost: evil.example\r\n" +
      "Origin: http://evil.example\r\nContent-Length: 1\r\n" +
      "Connection: close\r\n\r\nx",
  );
  assertEquals(status, 421);
  assertEquals([...Deno.readDirSync(served.folder)].length, 1);
});

// ---- Uploads that cost --------------------------------------------------------------

Deno.test("safeName() shortens names of any length by computing", () => {
  const rows: [given: string, name: string | null][] = [
    ["a".repeat(15_900), "a".repeat(200)],
    ["a".repeat(15_900) + ".txt", "a".repeat(196) + ".txt"],
    ["é".repeat(15_900) + ".txt", "é".repeat(98) + ".txt"],
    ["😀".repeat(8000), "😀".repeat(50)],
    ["a." + "b".repeat(15_900), "a." + "b".repeat(198)],
    ["a".repeat(200), "a".repeat(200)],
  ];
  for (const [given, name] of rows) assertEquals(safeName(given, false), name);
  assertLinear("a long name", 200_000, (size) => {
    const name = "a".repeat(size);
    return () => safeName(name, false);
  });
});

Deno.test("uhttp serve takes a form of many files of one name, with a few tries for each", async () => {
  await using served = await Served.start({ "x.txt": "" }, "--upload");
  const form = new FormData();
  const count = 300;
  for (let i = 0; i < count; i++) form.append("f", new Blob([`${i}`]), "x.txt");
  const { open } = Deno;
  let tries = 0;
  Deno.open = (path, options) => {
    // Those of the names that are seen; each file has one of its own before.
    if (options?.createNew && !String(path).includes(PARTIAL_PREFIX)) tries++;
    return open(path, options);
  };
  try {
    const [status] = await served.get("/", { method: "POST", body: form });
    assertEquals(status, 303);
  } finally {
    Deno.open = open;
  }
  const names = [...Deno.readDirSync(served.folder)].map(({ name }) => name);
  assertEquals(names.length, count + 1);
  assert(names.includes(`x (${count}).txt`));
  assert(tries <= count + 2, `${tries}`);
});

Deno.test("uhttp serve finds a name though many are taken", async () => {
  const taken = [
    "x.txt",
    ...Array.from({ length: 120 }, (_, i) => `x (${i}).txt`),
  ];
  await using served = await Served.start(
    Object.fromEntries(taken.map((name) => [name, ""])),
    "--upload",
  );
  const form = new FormData();
  form.append("f", new Blob(["new"]), "x.txt");
  const [status] = await served.get("/", { method: "POST", body: form });
  assertEquals(status, 303);
  assertEquals([...Deno.readDirSync(served.folder)].length, taken.length + 1);
});

Deno.test("uhttp serve --upload keeps pages that were sent from running", async () => {
  for (const args of [[], ["--upload"]]) {
    await using served = await Served.start({ "a.svg": "<svg/>" }, ...args);
    const policy = async (path: string) =>
      (await served.get(path))[2].get("content-security-policy");
    assertEquals(await policy("/a.svg"), args.length > 0 ? "sandbox" : null);
    assert((await policy("/"))!.includes("default-src"));
  }
});
