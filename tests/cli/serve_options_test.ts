import { assert, assertEquals, assertMatch } from "@std/assert";
import { Gate, pairsOf } from "../../cli/gate.ts";
import { queryOf, viewOf } from "../../cli/listing_view.ts";
import { Browser, screenshot } from "../examples/browser.ts";
import { wanting } from "../support/wanting.ts";
import { run } from "./fake_io.ts";
import { links, Served } from "./served.ts";

// ---- Who is let in ----------------------------------------------------------

const basic = (pair: string) =>
  `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(pair)))}`;

Deno.test("Gate lets in who knows a password, in whatever letters", () => {
  const gate = new Gate(["me:pw", "you:č:x"], () => 0);
  const rows: [field: string | undefined, isOpen: boolean][] = [
    [basic("me:pw"), true],
    [basic("you:č:x"), true],
    [basic("me:pw").replace("Basic", "bASIC "), true],
    [basic("me:pW"), false],
    [basic("me:"), false],
    [basic("me:pw "), false],
    [basic("you:pw"), false],
    [undefined, false],
    ["", false],
    ["Basic", false],
    ["Basic !", false],
    ["Basic 8A==", false],
    ["Bearer bWU6cHc=", false],
  ];
  for (const [field, isOpen] of rows) {
    assertEquals(gate.judge("10.0.0.1", field) === "open", isOpen, field);
  }
});

Deno.test("Gate looks at no more from where ten wrong ones came, for a minute", () => {
  let now = 0;
  const gate = new Gate(["me:pw"], () => now);
  const judge = (address: string, pair: string) =>
    gate.judge(address, basic(pair));
  for (let i = 0; i < 10; i++) {
    assertEquals(gate.judge("10.0.0.1", undefined), "unknown");
    assertEquals(judge("10.0.0.1", `me:${i}`), "unknown");
    assertEquals(judge(`2001:db8:0:1::${i + 1}`, `me:${i}`), "unknown");
  }
  assertEquals(judge("10.0.0.1", "me:pw"), "paused");
  assertEquals(judge("10.0.0.2", "me:pw"), "open");
  assertEquals(judge("2001:db8:0:1:ffff::1", "me:pw"), "paused");
  assertEquals(judge("2001:db8::1", "me:pw"), "open");
  assertEquals(judge("::1", "me:pw"), "open");
  now = 59_999;
  assertEquals(judge("10.0.0.1", "me:pw"), "paused");
  now = 60_000;
  assertEquals(judge("10.0.0.1", "me:pw"), "open");
  // Many who fail take so much memory, and no more: others are forgotten.
  for (let i = 0; i < 10; i++) judge("10.0.0.9", "me:x");
  assertEquals(judge("10.0.0.9", "me:pw"), "paused");
  for (let i = 0; i < 30_000; i++) {
    judge(`10.1.${i >> 8}.${i & 255}`, "me:x");
  }
  assertEquals(judge("10.0.0.9", "me:pw"), "open");
});

Deno.test("serve --auth asks for a user and a password", async () => {
  await using served = await Served.start(
    { "a.txt": "here" },
    ...["--auth", "me:pw", "--upload", "--cors"],
  );
  const get = async (pair: string | null, init: RequestInit = {}) => {
    const headers: Record<string, string> = pair === null
      ? {}
      : { authorization: basic(pair) };
    return await served.get("/a.txt", { ...init, headers });
  };
  const [status, text, headers] = await get(null);
  assertEquals([status, text], [401, "Who are you?\n"]);
  assertMatch(headers.get("www-authenticate")!, /^Basic realm=/);
  assertEquals((await get("me:pw")).slice(0, 2), [200, "here"]);
  assertEquals((await get("me:no"))[0], 401);
  assertEquals((await get(null, { method: "PUT", body: "x" }))[0], 401);
  assertEquals((await get(null, { method: "OPTIONS" }))[0], 204);
  for (const path of ["/", "/missing", "/../x"]) {
    assertEquals((await served.get(path))[0], 401);
  }
  for (let i = 0; i < 10; i++) await get(`me:${i}`);
  assertEquals((await get("me:pw"))[0], 429);
  assertMatch(served.io.stderr.text, /\nWhoever logs in may upload files\n/);
});

Deno.test("serve --auth takes users from a file", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "# us\r\nme:pw\r\n\r\nyou:#:x\n");
  assertEquals(pairsOf(await Deno.readTextFile(path)), ["me:pw", "you:#:x"]);
  await using served = await Served.start({ a: "" }, "--auth", `@${path}`);
  const status = async (pair: string) =>
    (await served.get("/a", { headers: { authorization: basic(pair) } }))[0];
  assertEquals([await status("you:#:x"), await status("x:y")], [200, 401]);
  for (const text of ["", "# me:pw", "me", "me:pw\n:x"]) {
    await Deno.writeTextFile(path, text);
    const args = ["serve", served.folder, "--auth", `@${path}`];
    const { code, err } = await run(args);
    assertEquals([code, err], [
      2,
      `uhttp: ${path} has no users: USER:PASSWORD, one a line\n`,
    ]);
  }
  await Deno.remove(path);
});

// ---- What goes along --------------------------------------------------------

Deno.test("serve --header goes with every answer, and harms none", async () => {
  await using served = await Served.start(
    { "a.txt": "a", "sub/": "" },
    ...[
      "--upload",
      "--header",
      "X-A: 1",
      "--header",
      "cache-control: no-store",
    ],
    ...["--header", "Content-Security-Policy: default-src *"],
  );
  for (const path of ["/a.txt", "/", "/sub", "/missing"]) {
    const [, , headers] = await served.get(path);
    assertEquals(headers.get("x-a"), "1", path);
  }
  const [, , headers] = await served.get("/a.txt");
  assertEquals(headers.get("cache-control"), "no-store");
  // What others have sent stays where it is.
  assertEquals(headers.get("content-security-policy"), "sandbox");
});

Deno.test("serve --404 shows a file of the folder for what is missing", async () => {
  await using served = await Served.start(
    { "e.html": "gone", "sub/": "" },
    ...["--404", "e.html"],
  );
  const [status, text, headers] = await served.get("/x/y");
  assertEquals([status, text], [404, "gone"]);
  assertEquals(headers.get("content-type"), "text/html; charset=utf-8");
  assertEquals(headers.get("content-security-policy"), null);
  const head = await served.get("/x", { method: "HEAD" });
  assertEquals(head.slice(0, 2), [404, ""]);
  // Neither a part nor a condition makes it another status.
  const part = await served.get("/x", { headers: { range: "bytes=0-0" } });
  assertEquals(part.slice(0, 2), [404, "gone"]);
  {
    // Others may have sent it.
    const args = ["--404", "e.html", "--upload"];
    await using open = await Served.start({ "e.html": "gone" }, ...args);
    const [, text, headers] = await open.get("/x");
    assertEquals([text, headers.get("content-security-policy")], [
      "gone",
      "sandbox",
    ]);
  }
  await Deno.remove(`${served.folder}/e.html`);
  assertEquals((await served.get("/x"))[1], "Nothing is here\n");
  await Deno.symlink(`${served.parent}/secret.txt`, `${served.folder}/e.html`);
  assertEquals((await served.get("/x"))[1], "Nothing is here\n");
});

// ---- Listings ---------------------------------------------------------------

Deno.test("viewOf() takes what it knows, and queryOf() says it again", () => {
  const rows: [query: Record<string, unknown>, said: string][] = [
    [{}, ""],
    [{ sort: "name" }, ""],
    [{ sort: "-name" }, "?sort=-name"],
    [{ sort: "size" }, "?sort=size"],
    [{ sort: "-time", q: " A b& " }, "?sort=-time&q=a%20b%26"],
    [{ sort: "constructor", q: null }, ""],
    [{ sort: ["size", "time"], q: ["a"] }, ""],
    [{ q: "x".repeat(1000) }, `?q=${"x".repeat(100)}`],
    [{ q: "\ud800" }, "?q=%EF%BF%BD"],
  ];
  for (const [query, said] of rows) {
    assertEquals(queryOf(viewOf(query)), said, JSON.stringify(query));
  }
});

Deno.test("serve sorts and searches listings, without a script", async () => {
  await using served = await Served.start({
    "b.txt": "xxx",
    "a.txt": "x",
    "c10.md": "xx",
    "c9.md": "xx",
    "sub/": "",
    "other/": "",
  });
  await Deno.utime(`${served.folder}/a.txt`, 100, 100);
  await Deno.utime(`${served.folder}/b.txt`, 50, 50);
  const rows: [query: string, names: string[]][] = [
    ["", ["other/", "sub/", "a.txt", "b.txt", "c9.md", "c10.md"]],
    ["?sort=-name", ["sub/", "other/", "c10.md", "c9.md", "b.txt", "a.txt"]],
    ["?sort=size", ["other/", "sub/", "a.txt", "c9.md", "c10.md", "b.txt"]],
    ["?sort=-size&q=.", ["b.txt", "c9.md", "c10.md", "a.txt"]],
    ["?sort=time&q=TXT", ["b.txt", "a.txt"]],
    ["?sort=-time&q=txt", ["a.txt", "b.txt"]],
    ["?q=nothing", []],
    ["?q=%22%3E%3Cscript%3E", []],
  ];
  for (const [query, names] of rows) {
    const [status, html] = await served.get(`/${query}`);
    assertEquals(status, 200);
    assertEquals(links(html), names.map((name) => `./${name}`), query);
    assert(!html.includes("<script"));
  }
  const [, html] = await served.get("/?sort=-size&q=%22t");
  assert(html.includes('value="&quot;t"'));
  assert(html.includes('name="sort" value="-size"'));
  assert(html.includes("Nothing here has that name"));
  const [, sorted] = await served.get("/?sort=-size&q=t");
  assertMatch(
    sorted,
    /aria-sort="descending"><a href="\.\/\?sort=size&amp;q=t"/,
  );
});

Deno.test("serve lists for programs in JSON, where they ask for that", async () => {
  await using served = await Served.start({
    "b.txt": "xxx",
    "a b/": "",
    "c/<d>.txt": "",
    ".hidden": "",
  });
  const accept = (accept: string) => ({ headers: { accept } });
  const [status, text, headers] = await served.get(
    "/?sort=-size",
    accept("application/json"),
  );
  assertEquals(status, 200);
  assertEquals(headers.get("content-type"), "application/json");
  assertEquals(headers.get("vary"), "accept");
  const { path, entries, omitted } = JSON.parse(text);
  assertEquals([path, omitted], ["/", 0]);
  assertMatch(entries[2].modified, /^\d{4}-.*Z$/);
  assertEquals(
    entries.map(({ name, type, size }: Record<string, unknown>) => [
      name,
      type,
      size,
    ]),
    [["a b", "folder", null], ["c", "folder", null], ["b.txt", "file", 3]],
  );
  const deep = await served.get("/c/", accept("application/json;q=1, */*"));
  assertEquals(JSON.parse(deep[1]).entries[0].name, "<d>.txt");
  for (const other of ["text/html, application/json", "*/*"]) {
    assertMatch((await served.get("/", accept(other)))[1], /^<!DOCTYPE/);
  }
});

Deno.test({
  ...wanting(
    "serve's listings are sorted, searched and changed in a browser, and live pages load again",
    "chromium",
  ),
  async fn() {
    await using browser = await Browser.start();
    await using served = await Served.start({
      "photos/": "",
      "notes.txt": "notes",
      "film.mp4": "x".repeat(7_300_000),
      "a long name that somebody has brought from elsewhere.tar.gz": "x",
    }, ...["--write", "--archive"]);
    const page = await browser.open(served.url);
    const names = () => page.locator("td:first-child a").allTextContents();
    await page.getByRole("link", { name: "Size" }).click();
    assertEquals((await names())[1], "film.mp4");
    await page.getByRole("searchbox").fill("NOTES");
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "All" }).waitFor();
    assertEquals(await names(), ["notes.txt"]);
    assertEquals(new URL(page.url()).search, "?q=NOTES&sort=-size");
    await screenshot(page, "listing_search");
    await page.getByRole("link", { name: "All" }).click();
    assertEquals((await names()).length, 4);
    await page.setViewportSize({ width: 375, height: 700 });
    await screenshot(page, "listing_search_narrow");
    const width = await page.evaluate<number>(
      "document.documentElement.scrollWidth",
    );
    assertEquals(width, 375);
    await page.getByRole("row", { name: "notes.txt" }).locator("summary")
      .click();
    await page.getByRole("textbox", { name: "New name" }).fill("it's <new>");
    await page.emulateMedia({ colorScheme: "dark" });
    await screenshot(page, "listing_write_narrow");
    await page.getByRole("button", { name: "Rename" }).click();
    await page.getByRole("link", { name: "it's <new>" }).waitFor();
    await page.getByRole("row", { name: "film.mp4" }).locator("summary")
      .click();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("link", { name: "film.mp4" })
      .waitFor({ state: "detached" });
    assertEquals(served.names, [
      "a long name that somebody has brought from elsewhere.tar.gz",
      "it's <new>",
      "photos",
    ]);
    await using live = await Served.start({
      "index.html": "<link rel=icon href=data:,><p>one",
    }, "--live");
    const other = await browser.open(live.url);
    await other.getByText("one").waitFor();
    await Deno.writeTextFile(
      `${live.folder}/index.html`,
      "<link rel=icon href=data:,><p>two",
    );
    await other.getByText("two").waitFor();
    assertEquals(browser.problems, []);
  },
});

Deno.test("serve --log json writes a line of JSON for each request", async () => {
  await using served = await Served.start({ a: "12" }, "--log", "json");
  await served.get("/a?b=%0a");
  await served.get("/missing");
  await served.stop();
  const lines = served.io.stdout.text.trimEnd().split("\n").map((line) =>
    JSON.parse(line)
  );
  assertEquals(
    lines.map((
      { method, url, status, length },
    ) => [method, url, status, length]),
    [["GET", "/a?b=%0a", 200, 2], ["GET", "/missing", 404, 16]],
  );
});
