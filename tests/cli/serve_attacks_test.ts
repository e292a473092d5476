import { assert, assertEquals, assertMatch } from "@std/assert";
import { main } from "../../cli.ts";
import { Folder } from "../../cli/folder.ts";
import { LineQueue } from "../../cli/line_queue.ts";
import { viewOf } from "../../cli/listing_view.ts";
import { type Listing, Listings } from "../../cli/listings.ts";
import { RawClient } from "../support/raw_client.ts";
import { eventually } from "../support/serving.ts";
import { FakeIo, FakeOutput } from "./fake_io.ts";
import { links, Served } from "./served.ts";

const VIEW = viewOf({});
const RLO = "\u202e";

/** Calls `use()` while a function of Deno's is another one. */
async function replacing<K extends "readDir" | "rename" | "open">(
  name: K,
  by: (original: typeof Deno[K]) => typeof Deno[K],
  use: () => Promise<void>,
): Promise<void> {
  const original = Deno[name];
  Deno[name] = by(original.bind(Deno) as typeof Deno[K]);
  try {
    await use();
  } finally {
    Deno[name] = original;
  }
}

// ---- Listings that cost -----------------------------------------------------

Deno.test("Listings makes one for all who wait for the same, few at a time", async () => {
  const made: string[] = [];
  let running = 0;
  let most = 0;
  const listings = new Listings();
  const make = async (key: string) => {
    made.push(key);
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 1));
    running--;
    if (key === "bad") throw new Error("bad");
    return { plain: new Uint8Array([made.length]), gzip: null } as Listing;
  };
  const get = (key: string) => listings.get(key, () => make(key));
  const keys = ["a", "b", "c", "bad", "d"];
  const all = Array.from({ length: 100 }, (_, i) => get(keys[i % 5]));
  const results = await Promise.allSettled(all);
  assertEquals(
    results.filter(({ status }) => status === "rejected").length,
    20,
  );
  // The first two were begun when the others came, and so are made again.
  assertEquals(made, ["a", "b", "c", "bad", "d", "a", "b"]);
  assertEquals(most, 2);
  assertEquals((await get("c"))!.plain[0], 8);
});

Deno.test("serve lists a folder once for many who ask at once", async () => {
  const files = Object.fromEntries(
    Array.from({ length: 1000 }, (_, i) => [`file-${i}.txt`, ""]),
  );
  await using served = await Served.start(files);
  let read = 0;
  const { CompressionStream } = globalThis;
  let compressed = 0;
  globalThis.CompressionStream = class extends CompressionStream {
    constructor(format: CompressionFormat) {
      compressed++;
      super(format);
    }
  };
  try {
    await replacing(
      "readDir",
      (readDir) => (path) => (read++, readDir(path)),
      async () => {
        for (const encoding of ["gzip", "br", "identity"]) {
          const answers = await Promise.all(
            Array.from(
              { length: 40 },
              () =>
                served.get("/", { headers: { "accept-encoding": encoding } }),
            ),
          );
          for (const [status, html, headers] of answers) {
            assertEquals([status, links(html).length], [200, 1000]);
            assertEquals(headers.get("vary"), "accept, accept-encoding");
          }
        }
      },
    );
  } finally {
    globalThis.CompressionStream = CompressionStream;
  }
  assert(read <= 30, `read ${read} times`);
  assertEquals(compressed, read);
});

Deno.test("serve sends a large listing by gzip to those who take it alone", async () => {
  const files = Object.fromEntries(
    Array.from({ length: 500 }, (_, i) => [`file-${i}.txt`, ""]),
  );
  for (const args of [[], ["--no-compress"]]) {
    await using served = await Served.start(files, ...args);
    const lengthFor = async (accept: string) => {
      using peer = await RawClient.connect(served);
      await peer.send(
        `HEAD / HTTP/1.1\r\nHost: localhost\r\n${accept}\r\n\r\n`,
      );
      const { headers } = await peer.response(true);
      return [headers["content-encoding"], Number(headers["content-length"])];
    };
    const [, whole] = await lengthFor("Accept-Encoding: identity");
    const [coding, length] = await lengthFor("Accept-Encoding: gzip");
    assertEquals(await lengthFor("Accept-Encoding: gzip;q=0"), [
      undefined,
      whole,
    ]);
    assertEquals(await lengthFor("Accept-Encoding: br"), [undefined, whole]);
    if (args.length > 0) assertEquals([coding, length], [undefined, whole]);
    else assert(coding === "gzip" && Number(length) < Number(whole) / 5);
  }
});

Deno.test("Folder.list() tells nothing of a folder that became a link", async () => {
  const parent = await Deno.makeTempDir();
  await Deno.mkdir(`${parent}/site/sub`, { recursive: true });
  await Deno.mkdir(`${parent}/outside`);
  await Deno.writeTextFile(`${parent}/outside/secret.txt`, "");
  const folder = await Folder.open(`${parent}/site`, false);
  const found = (await folder.find("sub"))!;
  assertEquals((await folder.list(found, VIEW))!.entries, []);
  await Deno.remove(`${parent}/site/sub`);
  await Deno.symlink(`${parent}/outside`, `${parent}/site/sub`);
  assertEquals(await folder.list(found, VIEW), null);
  // Another folder of that name is not the one that was looked at.
  await Deno.remove(`${parent}/site/sub`);
  await Deno.mkdir(`${parent}/site/sub`);
  const before = (await folder.find("sub"))!;
  await Deno.mkdir(`${parent}/site/sub2`);
  await Deno.rename(`${parent}/site/sub2`, `${parent}/site/sub`);
  assertEquals(await folder.list(before, VIEW), null);
  await Deno.remove(parent, { recursive: true });
});

Deno.test("serve's pages show what would turn the direction of a name", async () => {
  const name = `annex${RLO}gpj.exe`;
  await using served = await Served.start({ [name]: "x", "\x9bx": "" });
  const [, html] = await served.get("/");
  assert(html.includes(">annex\ufffdgpj.exe<"));
  assert(!/[\x80-\x9f\u202a-\u202e\u2066-\u2069]/.test(html));
  for (const href of links(html)) {
    assertEquals((await served.get(href))[0], 200);
  }
});

// ---- What is written about it -----------------------------------------------

/** An output that takes nothing, as a pipe that nobody reads. */
class StuckOutput extends FakeOutput {
  isStuck = false;
  readonly #freed = Promise.withResolvers<void>();

  override async write(bytes: Uint8Array): Promise<number> {
    if (this.isStuck) await this.#freed.promise;
    return await super.write(bytes);
  }

  free(): void {
    this.isStuck = false;
    this.#freed.resolve();
  }
}

Deno.test("LineQueue keeps so much of what nobody reads, and counts the rest", async () => {
  const output = new StuckOutput(false);
  output.isStuck = true;
  const queue = new LineQueue(output);
  const line = "x".repeat(10_000);
  for (let i = 0; i < 1000; i++) queue.add(line);
  assert(queue.lost > 500 && queue.lost < 700, `${queue.lost}`);
  output.free();
  await queue.flushed();
  assertEquals(output.bytes.length, (1000 - queue.lost) * 10_001);
  queue.add("more");
  await queue.flushed();
  assertMatch(output.text, /x\nmore\n$/);
});

Deno.test("serve logs no more than the beginning of a long request", async () => {
  await using served = await Served.start({});
  await served.raw(`GET /${"%0a".repeat(5000)}`);
  await served.raw(`GET /?${"\x7e".repeat(15_000)}`);
  await served.stop();
  for (const line of served.io.stdout.text.split("\n")) {
    assert(line.length < 1200, `${line.length}`);
  }
});

Deno.test("serve answers though nobody reads what it has to say", async () => {
  await using served = await Served.start({ "sub/": "" }, "--upload");
  const stuck = new Promise<number>(() => {});
  served.io.stderr.write = () => stuck;
  await replacing(
    "rename",
    () => () => Promise.reject(new Error("No space left on device")),
    async () => {
      for (let i = 0; i < 3; i++) {
        const put = { method: "PUT", body: "x" };
        assertEquals((await served.get("/sub/a", put))[0], 500);
      }
    },
  );
  assertEquals([...Deno.readDirSync(`${served.folder}/sub`)], []);
  served.io.stderr.write = (bytes) => Promise.resolve(bytes.length);
  served.io.stderr.error = null;
});

// ---- Uploads that fill ------------------------------------------------------

Deno.test("serve --quota is a limit for all uploads together", async () => {
  await using served = await Served.start(
    {},
    ...["--upload", "--quota", "100000"],
  );
  const put = async (name: string, size: number) =>
    (await served.get(name, { method: "PUT", body: "x".repeat(size) }))[0];
  assertEquals(await put("/a", 200_000), 507);
  assertEquals(await put("/a", 50_000), 201);
  assertEquals(await put("/a", 40_000), 409); // costs nothing
  // Announced by nobody, and larger than what is left.
  {
    using peer = await RawClient.connect(served);
    await peer.send(
      "PUT /b HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n" +
        `\r\nea60\r\n${"x".repeat(60_000)}\r\n0\r\n\r\n`,
    );
    assertEquals((await peer.response()).status, 507);
  }
  assertEquals(served.names, ["a"]);
  // What was not kept is given back.
  assertEquals(await put("/b", 30_000), 201);
  // Files without a byte cost something too, and a form is all or none.
  const form = new FormData();
  for (let i = 0; i < 20; i++) form.append("f", new Blob([""]), `${i}`);
  const post = await served.get("/", { method: "POST", body: form });
  assertEquals(post[0], 507);
  assertEquals(served.names, ["a", "b"]);
  assertEquals(await put("/c", 0), 201);
});

Deno.test("serve --upload undoes a form of which a file cannot be kept", async () => {
  await using served = await Served.start({ "a.txt": "old" }, "--upload");
  const form = new FormData();
  for (const name of ["a.txt", "b.txt", "c.txt"]) {
    form.append("f", new Blob(["new"]), name);
  }
  let left = 2;
  await replacing(
    "rename",
    (rename) => (from, to) =>
      left-- > 0 ? rename(from, to) : Promise.reject(new Error("Disk is gone")),
    async () => {
      const [status] = await served.get("/", { method: "POST", body: form });
      assertEquals(status, 500);
    },
  );
  assertEquals(served.names, ["a.txt"]);
  assertEquals(await Deno.readTextFile(`${served.folder}/a.txt`), "old");
});

Deno.test("serve --upload writes nothing through a link that came meanwhile", async () => {
  await using served = await Served.start({ "sub/": "" }, "--upload");
  const { folder, parent } = served;
  await Deno.mkdir(`${parent}/outside`);
  using peer = await RawClient.connect(served);
  await peer.send(
    "PUT /sub/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nx",
  );
  await eventually(() => [...Deno.readDirSync(`${folder}/sub`)].length > 0);
  await Deno.rename(`${folder}/sub`, `${folder}/old`);
  await Deno.symlink(`${parent}/outside`, `${folder}/sub`);
  await peer.send("x");
  assertEquals((await peer.response()).status, 409);
  assertEquals([...Deno.readDirSync(`${parent}/outside`)], []);
});

Deno.test("serve --upload gives a name to one of many who want it", async () => {
  await using served = await Served.start({}, "--upload");
  const statuses = await Promise.all(
    Array.from({ length: 12 }, async (_, i) => {
      const body = `${i}`.repeat(20_000);
      return (await served.get("/a", { method: "PUT", body }))[0];
    }),
  );
  assertEquals(statuses.filter((status) => status === 201).length, 1);
  assertEquals(statuses.filter((status) => status === 409).length, 11);
  assertEquals(served.names, ["a"]);
  assertEquals(
    await Deno.readTextFile(`${served.folder}/a`),
    `${statuses.indexOf(201)}`.repeat(20_000),
  );
});

Deno.test("serve --upload leaves nothing half when it has to end at once", async () => {
  const served = await Served.start({}, "--upload");
  using peer = await RawClient.connect(served);
  await peer.send(
    "PUT /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nx",
  );
  await eventually(() => served.names.length > 0);
  served.io.interrupt();
  served.io.interrupt();
  assertEquals(await served.stop(), 0);
  assertEquals(served.names, []);
  await Deno.remove(served.parent, { recursive: true });
});

Deno.test("serve --upload shows no page of others in place of a listing", async () => {
  for (
    const [args, shown] of [
      [["--upload"], "listing"],
      [["--upload", "--index"], "index"],
      [["--upload", "--spa"], "index"],
      [["--no-index"], "listing"],
      [[], "index"],
    ] as [string[], string][]
  ) {
    await using served = await Served.start({ "x/index.html": "index" });
    await using other = await Served.start({ "index.html": "index" }, ...args);
    assertEquals((await served.get("/x/"))[1], "index");
    const [status, text] = await other.get("/");
    assertEquals(status, 200);
    assertEquals(text === "index" ? "index" : "listing", shown, args.join());
    assertEquals((await other.get("/index.html"))[1], "index");
  }
});

// ---- Odd requests -----------------------------------------------------------

Deno.test("serve answers odd requests shortly", async () => {
  await using served = await Served.start(
    { "a.txt": "0123456789", "sub/": "", "c:evil": "" },
    "--upload",
  );
  const ranges = Array.from({ length: 2000 }, (_, i) => `${i}-`).join(",");
  const rows: [head: string, status: number, most: number][] = [
    [`GET /a.txt HTTP/1.1\r\nRange: bytes=${ranges}`, 200, 10],
    ["GET /a.txt HTTP/1.1\r\nRange: bytes=-0", 416, 0],
    ["GET /a.txt HTTP/1.1\r\nRange: bytes=9-1", 200, 10],
    [
      "GET /a.txt HTTP/1.1\r\nRange: bytes=99999999999999999999999-",
      416,
      0,
    ],
    [`GET /a.txt HTTP/1.1\r\nIf-None-Match: ${'"x",'.repeat(3000)}`, 200, 10],
    ["GET /a.txt HTTP/1.1\r\nIf-Match: *", 200, 10],
    ['GET /a.txt HTTP/1.1\r\nIf-Match: "x"', 412, 0],
    [`GET ${"/sub".repeat(3000)} HTTP/1.1`, 404, 5000],
    [`GET /${"a".repeat(15_000)} HTTP/1.1`, 404, 5000],
    [`GET ${"/".repeat(15_000)} HTTP/1.1`, 200, 20_000],
    [`GET /?${"sort=name&".repeat(1500)} HTTP/1.1`, 200, 20_000],
    ["GET /sub/?a=%3Cscript%3E HTTP/1.1", 200, 20_000],
    ["TRACE /a.txt HTTP/1.1", 405, 5000],
    ["PROPFIND / HTTP/1.1", 405, 5000],
    ["DELETE /a.txt HTTP/1.1", 405, 5000],
    ["PUT /sub HTTP/1.1\r\nContent-Length: 0", 409, 5000],
    ["PUT /sub/. HTTP/1.1\r\nContent-Length: 0", 400, 5000],
    ["PUT /sub/.. HTTP/1.1\r\nContent-Length: 0", 400, 5000],
    ["PUT /.htaccess HTTP/1.1\r\nContent-Length: 0", 400, 5000],
    ["PUT /%00 HTTP/1.1\r\nContent-Length: 0", 400, 5000],
    ["PUT /a%5Cb HTTP/1.1\r\nContent-Length: 0", 400, 5000],
    ["PUT /a%2Fb HTTP/1.1\r\nContent-Length: 0", 404, 5000],
    [
      `PUT /x${encodeURIComponent(RLO)}y HTTP/1.1\r\nContent-Length: 0`,
      400,
      5000,
    ],
    [
      "PUT /sub/x HTTP/1.1\r\nContent-Length: 0\r\nOrigin: null",
      403,
      5000,
    ],
    [
      "PUT /x HTTP/1.1\r\nContent-Length: 0\r\nSec-Fetch-Site: same-site",
      403,
      5000,
    ],
    ["PUT /.uhttp-upload-x HTTP/1.1\r\nContent-Length: 0", 400, 5000],
  ];
  for (const [head, status, most] of rows) {
    using peer = await RawClient.connect(served);
    await peer.send(`${head}\r\nHost: localhost\r\n\r\n`);
    const answer = await peer.response();
    assertEquals(answer.status, status, head.slice(0, 80));
    assert(answer.body.length <= most, `${answer.body.length}`);
    assert(!answer.body.includes("<script"), head);
  }
  assertEquals(served.names, ["a.txt", "c:evil", "sub"]);
  const [, html] = await served.get("/");
  assertEquals(links(html)[2], "./c%3Aevil");
});

Deno.test("serve says how many requests are not in its log", async () => {
  const io = new FakeIo();
  const out = new StuckOutput(false);
  out.isStuck = true;
  Object.defineProperty(io, "stdout", { value: out });
  const folder = await Deno.makeTempDir();
  const code = main(["serve", folder, "--port", "0"], io);
  const [, url] = await io.stderr.until(/ on (http:\S+)\n/);
  const add = LineQueue.prototype.add;
  LineQueue.prototype.add = function (line) {
    add.call(this, line.includes("GET") ? line.padEnd(3_000_000) : line);
  };
  try {
    for (let i = 0; i < 4; i++) await (await fetch(url)).text();
    io.interrupt();
    out.free();
    assertEquals(await code, 0);
  } finally {
    LineQueue.prototype.add = add;
    await Deno.remove(folder, { recursive: true });
  }
  assertMatch(io.stderr.text, /\nuhttp: 3 requests are not in the log\n$/);
});
