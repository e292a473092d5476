import { assert, assertEquals } from "@std/assert";
import type { HttpConnection } from "@uhttp/uhttp";
import { evaluate } from "../../server/conditions.ts";
import { eventually, Scene } from "../support/serving.ts";
import { block } from "../support/timers.ts";

/** A folder to serve, with something secret beside it. */
async function makeFolder(): Promise<{ base: string; root: string }> {
  const base = await Deno.makeTempDir();
  const root = `${base}/root`;
  await Deno.mkdir(`${root}/sub`, { recursive: true });
  await Deno.mkdir(`${base}/root-sibling`);
  await Deno.writeTextFile(`${base}/secret.txt`, "secret");
  await Deno.writeTextFile(`${base}/root-sibling/x.txt`, "secret");
  await Deno.writeTextFile(`${root}/a.txt`, "0123456789");
  await Deno.writeTextFile(`${root}/empty.html`, "");
  await Deno.writeTextFile(`${root}/sub/b c.json`, "{}");
  await Deno.writeTextFile(`${root}/...`, "three dots");
  await Deno.writeFile(`${root}/big.bin`, new Uint8Array(700_000).fill(66));
  await Deno.symlink(`${base}/secret.txt`, `${root}/link.txt`);
  await Deno.symlink(base, `${root}/up`);
  await Deno.symlink("a.txt", `${root}/inner.txt`);
  await Deno.utime(`${root}/a.txt`, 1_700_000_000, 1_700_000_000);
  return { base, root };
}

const DATE = "Tue, 14 Nov 2023 22:13:20 GMT";
const { base, root } = await makeFolder();
addEventListener("unload", () => Deno.removeSync(base, { recursive: true }));

const PATHS: [path: string, status: number, body?: string, type?: string][] = [
  ["/a.txt", 200, "0123456789", "text/plain; charset=utf-8"],
  ["a.txt", 200, "0123456789"],
  ["/./a.txt", 200, "0123456789"],
  ["//a.txt", 200, "0123456789"],
  ["/inner.txt", 200, "0123456789"],
  ["/empty.html", 200, "", "text/html; charset=utf-8"],
  ["/sub/b c.json", 200, "{}", "application/json"],
  ["/...", 200, "three dots", "application/octet-stream"],
  ["/", 404],
  ["", 404],
  ["/sub", 404],
  ["/sub/", 404],
  ["/a.txt/", 404],
  ["/missing", 404],
  ["/../secret.txt", 404],
  ["/sub/../a.txt", 404],
  ["/sub/../../secret.txt", 404],
  ["..", 404],
  ["/%2e%2e/secret.txt", 404],
  ["/..%2fsecret.txt", 404],
  ["/a.txt\0", 404],
  ["/a.txt\0.html", 404],
  [`${base}/secret.txt`, 404],
  ["/link.txt", 404],
  ["/up/secret.txt", 404],
  ["/../root-sibling/x.txt", 404],
  ["/" + "x/".repeat(3000), 404],
];

for (const [path, status, body, type] of PATHS) {
  const name = path.replace(base, "/base").slice(0, 40);
  Deno.test(`respondFile() answers ${JSON.stringify(name)} with ${status}`, async () => {
    await using scene = new Scene((client) =>
      client.respondFile(path, { root })
    );
    const peer = await scene.connect();
    for (const method of ["GET", "HEAD", "POST"]) {
      await peer.send(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
      const response = await peer.response(method === "HEAD");
      assertEquals(response.status, status);
      if (status === 404) {
        assertEquals(response.body, method === "HEAD" ? "" : "Not found\n");
        assertEquals(response.headers["content-length"], "10");
        continue;
      }
      assertEquals(response.body, method === "HEAD" ? "" : body);
      assertEquals(response.headers["content-length"], String(body!.length));
      if (type !== undefined) {
        assertEquals(response.headers["content-type"], type);
      }
    }
  });
}

const TAG = await (async () => {
  await using scene = new Scene((client) =>
    client.respondFile("a.txt", { root })
  );
  const response = await fetch(scene.server.url);
  await response.text();
  assertEquals(response.headers.get("last-modified"), DATE);
  return response.headers.get("etag")!;
})();
const BEFORE = "Mon, 13 Nov 2023 00:00:00 GMT";

const CONDITIONS: [
  fields: string,
  status: number,
  body: string,
  range?: string,
][] = [
  ["", 200, "0123456789"],
  [`If-None-Match: ${TAG}`, 304, ""],
  [`If-None-Match: "x", W/${TAG}`, 304, ""],
  ["If-None-Match: *", 304, ""],
  ['If-None-Match: "x"', 200, "0123456789"],
  [`If-Modified-Since: ${DATE}`, 304, ""],
  [`If-Modified-Since: ${BEFORE}`, 200, "0123456789"],
  ["If-Modified-Since: yesterday", 200, "0123456789"],
  [`If-None-Match: "x"\r\nIf-Modified-Since: ${DATE}`, 200, "0123456789"],
  [`If-Match: ${TAG}`, 200, "0123456789"],
  [`If-Match: W/${TAG}`, 412, ""],
  ['If-Match: "x"', 412, ""],
  [`If-Unmodified-Since: ${DATE}`, 200, "0123456789"],
  [`If-Unmodified-Since: ${BEFORE}`, 412, ""],
  ["Range: bytes=0-3", 206, "0123", "bytes 0-3/10"],
  ["Range: bytes=4-", 206, "456789", "bytes 4-9/10"],
  ["Range: bytes=-3", 206, "789", "bytes 7-9/10"],
  ["Range: bytes=-30", 206, "0123456789", "bytes 0-9/10"],
  ["Range: bytes=9-99", 206, "9", "bytes 9-9/10"],
  ["Range: bytes=10-", 416, "", "bytes */10"],
  ["Range: bytes=-0", 416, "", "bytes */10"],
  ["Range: bytes=5-4", 200, "0123456789"],
  ["Range: bytes=0-1,3-4", 200, "0123456789"],
  ["Range: lines=0-1", 200, "0123456789"],
  ["Range: bytes=-", 200, "0123456789"],
  ["Range: bytes=a-b", 200, "0123456789"],
  ["Range: bytes=99999999999999999999-", 416, "", "bytes */10"],
  [`Range: bytes=0-0\r\nIf-Range: ${TAG}`, 206, "0", "bytes 0-0/10"],
  [`Range: bytes=0-0\r\nIf-Range: ${DATE}`, 206, "0", "bytes 0-0/10"],
  ['Range: bytes=0-0\r\nIf-Range: "x"', 200, "0123456789"],
  [`Range: bytes=0-0\r\nIf-Range: ${BEFORE}`, 200, "0123456789"],
  [`Range: bytes=0-0\r\nIf-None-Match: ${TAG}`, 304, ""],
];

for (const [fields, status, body, range] of CONDITIONS) {
  Deno.test(`respondFile() answers ${JSON.stringify(fields)} with ${status}`, async () => {
    await using scene = new Scene((client) =>
      client.respondFile("a.txt", { root })
    );
    const peer = await scene.connect();
    const lines = fields === "" ? "" : fields + "\r\n";
    for (let i = 0; i < 2; i++) {
      await peer.send(`GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`);
      const response = await peer.response();
      assertEquals([response.status, response.body], [status, body]);
      assertEquals(response.headers["content-range"], range);
      assertEquals(response.headers.etag, TAG);
      assertEquals(
        response.headers["content-length"],
        status === 304 ? undefined : String(body.length),
      );
    }
  });
}

Deno.test("evaluate() ignores ranges of HEAD, and refuses writes that match", () => {
  const facts = ['"t"', DATE, 10] as const;
  assertEquals(evaluate("HEAD", { range: "bytes=0-1" }, ...facts).status, 200);
  assertEquals(evaluate("PUT", { "if-none-match": "*" }, ...facts).status, 412);
  assertEquals(
    evaluate("GET", { range: "bytes=0-" }, '"t"', DATE, 0).status,
    416,
  );
});

Deno.test("respondFile() sends fields, a status and a name for saving", async () => {
  await using scene = new Scene((client) => {
    if (client.path === "/status") {
      return client.respondFile("a.txt", { root, status: 404 });
    }
    return client.respondFile("a.txt", {
      root,
      download: client.path === "/own" ? true : 'Přehled "1".txt',
      headers: { "Cache-Control": "no-store", "Content-Type": "text/x" },
      cookies: { a: "1" },
    });
  });
  const peer = await scene.connect();
  const get = async (path: string) => {
    await peer.send(
      `GET ${path} HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\n\r\n`,
    );
    return await peer.response();
  };
  const own = await get("/own");
  assertEquals(own.status, 206);
  assertEquals(
    own.headers["content-disposition"],
    'attachment; filename="a.txt"',
  );
  assertEquals(own.headers["cache-control"], "no-store");
  assertEquals(own.headers["content-type"], "text/x");
  assertEquals(own.headers["set-cookie"], "a=1");
  assertEquals(
    (await get("/named")).headers["content-disposition"],
    `attachment; filename="P_ehled _1_.txt"; filename*=UTF-8''P%C5%99ehled%20%221%22.txt`,
  );
  const status = await get("/status");
  assertEquals([status.status, status.body], [404, "0123456789"]);
});

Deno.test("respondFile() sends large files whole, also pipelined", async () => {
  await using scene = new Scene((client) =>
    client.respondFile("big.bin", { root })
  );
  const peer = await scene.connect();
  await peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(3));
  for (let i = 0; i < 3; i++) {
    const { bytes } = await peer.response();
    assertEquals(bytes.length, 700_000);
    assert(bytes.every((byte) => byte === 66));
  }
});

Deno.test("respondFile() is a pipe's or device's 404, not its end", async () => {
  await using scene = new Scene((client) => client.respondFile("/dev/zero"));
  assertEquals(await (await fetch(scene.server.url)).text(), "Not found\n");
});

Deno.test("respondFile() closes the connection when the file shrinks", async () => {
  const path = `${base}/shrinking.bin`;
  await Deno.writeFile(path, new Uint8Array(30_000_000));
  const errors: unknown[] = [];
  const results: boolean[] = [];
  await using scene = new Scene(async (client) => {
    results.push(await client.respondFile(path));
  }, { onError: (error) => errors.push(error) });
  const peer = await scene.connect();
  await peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const head = await peer.until("\r\n\r\n");
  assert(head.includes("content-length: 30000000\r\n"));
  await Deno.truncate(path, 1000);
  const rest = await peer.rest();
  assert(rest.length < 30_000_000);
  await eventually(() => results.length === 1);
  assertEquals(results, [false]);
  assertEquals(
    String(errors[0]),
    "Error: Body ended before its announced length",
  );
});

Deno.test("respondFile() reports what it cannot read, and answers 404", async () => {
  const errors: unknown[] = [];
  await using scene = new Scene(
    (client: HttpConnection) => client.respondFile("x".repeat(300), { root }),
    {
      onError: (error) => errors.push(error),
    },
  );
  const response = await fetch(scene.server.url);
  assertEquals(await response.text(), "Not found\n");
  assertEquals([response.status, errors.length], [404, 1]);
});

/** Asks for a file, and again while it is warm. */
async function askTwice(
  path: string,
  folder: string,
  between: () => void = () => {},
): Promise<string[]> {
  await using scene = new Scene((client) =>
    client.respondFile(path, { root: folder })
  );
  const peer = await scene.connect();
  const seen: string[] = [];
  for (let i = 0; i < 2; i++) {
    if (i > 0) between();
    await peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const { status, body } = await peer.response();
    seen.push(status === 200 ? body : String(status));
  }
  return seen;
}

/** A moment when somebody else may put a link in place of a folder. */
const MOMENTS = ["stat", "open"];

for (const moment of MOMENTS) {
  Deno.test(`respondFile() sends nothing that a link led to for a moment: before ${moment}`, async () => {
    const folder = await Deno.makeTempDir();
    const inside = `${folder}/root/sub`;
    await Deno.mkdir(inside, { recursive: true });
    await Deno.mkdir(`${folder}/outside`);
    await Deno.writeTextFile(`${inside}/a.txt`, "inside");
    await Deno.writeTextFile(`${folder}/outside/a.txt`, "secret");
    let isArmed = true;
    const swap = () => {
      Deno.renameSync(inside, `${folder}/away`);
      Deno.symlinkSync(`${folder}/outside`, inside);
    };
    const swapBack = () => {
      Deno.removeSync(inside);
      Deno.renameSync(`${folder}/away`, inside);
    };
    const { lstat, lstatSync, open, openSync } = Deno;
    let done = 0;
    const arm = () => {
      if (!isArmed) return false;
      isArmed = false;
      done++;
      swap();
      return true;
    };
    // The system's own calls, with somebody quick on the other side.
    Deno.lstat = (path) => {
      if (moment === "stat") arm();
      return lstat(path);
    };
    Deno.lstatSync = (path) => {
      if (moment === "stat") arm();
      return lstatSync(path);
    };
    Deno.open = async (path, options) => {
      if (moment === "open") arm();
      const file = await open(path, options);
      if (done > 0 && !isArmed && isLink(inside)) swapBack();
      return file;
    };
    Deno.openSync = (path, options) => {
      if (moment === "open") arm();
      const file = openSync(path, options);
      if (done > 0 && !isArmed && isLink(inside)) swapBack();
      return file;
    };
    const isLink = (path: string) => lstatSync(path).isSymlink;
    try {
      // First in the background, and then, where the first was well, at once.
      assertEquals(await askTwice("sub/a.txt", `${folder}/root`), [
        "404",
        "inside",
      ]);
      isArmed = false;
      const seen = await askTwice("sub/a.txt", `${folder}/root`, () => {
        isArmed = true;
      });
      assertEquals(seen, ["inside", "404"]);
      assertEquals(done, 2);
    } finally {
      Object.assign(Deno, { lstat, lstatSync, open, openSync });
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("respondFile() reads in the background what takes long to read at once", async () => {
  const { readSync } = Deno.FsFile.prototype;
  let calls = 0;
  Deno.FsFile.prototype.readSync = function (buffer) {
    calls++;
    block(20);
    return readSync.call(this, buffer);
  };
  try {
    const [name, size] = ["slow.bin", 700_000];
    await Deno.writeFile(`${root}/${name}`, new Uint8Array(size));
    for (let i = 0; i < 4; i++) {
      const seen = await askTwice(name, root);
      assertEquals(seen.map((text) => text.length), [size, size]);
    }
    // One read of each is tried, and after three of them none for a while.
    assertEquals(calls, 3);
  } finally {
    Deno.FsFile.prototype.readSync = readSync;
  }
});

Deno.test("respondFile() waits a while for descriptors that others have", async () => {
  const { open } = Deno;
  let left = 3;
  Deno.open = (path, options) => {
    if (left-- <= 0) return open(path, options);
    const error = new Error("Too many open files");
    return Promise.reject(Object.assign(error, { code: "EMFILE" }));
  };
  try {
    assertEquals(await askTwice("sub/b c.json", root), ["{}", "{}"]);
    assert(left < 0);
  } finally {
    Deno.open = open;
  }
});

Deno.test("respondFile() answers a folder with its index, where there is one", async () => {
  await Deno.mkdir(`${root}/site/deep`, { recursive: true });
  await Deno.writeTextFile(`${root}/site/index.html`, "<h1>index</h1>");
  await Deno.writeTextFile(`${root}/site/deep/index.html`, "deep");
  await Deno.symlink(`${base}/secret.txt`, `${root}/sub/index.html`);
  const rows: [path: string, status: number, body?: string][] = [
    ["/site/", 200, "<h1>index</h1>"],
    ["/site", 200, "<h1>index</h1>"],
    ["/site/deep/", 200, "deep"],
    ["/site/index.html", 200, "<h1>index</h1>"],
    ["/a.txt", 200, "0123456789"],
    ["/a.txt/", 404],
    ["/missing/", 404],
    ["/", 404],
    ["/sub/", 404], // it leads out
    ["/..", 404],
  ];
  const errors: unknown[] = [];
  await using scene = new Scene(
    (client) =>
      client.respondFile(client.path, {
        root: client.query.none === null ? undefined : root,
        index: "index.html",
      }),
    { onError: (error) => errors.push(error) },
  );
  const peer = await scene.connect();
  for (const [path, status, body] of rows) {
    await peer.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const response = await peer.response();
    assertEquals(response.status, status, path);
    if (body === undefined) continue;
    assertEquals(response.body, body);
    if (path.startsWith("/site")) {
      assertEquals(
        response.headers["content-type"],
        "text/html; charset=utf-8",
      );
    }
  }
  await peer.send(`GET ${root}/site?none HTTP/1.1\r\nHost: a\r\n\r\n`);
  assertEquals((await peer.response()).body, "<h1>index</h1>");
  assertEquals(errors, []);
});
