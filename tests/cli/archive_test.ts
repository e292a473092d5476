// Folders in one piece, and files that were compressed before.
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { Member } from "../../cli/members.ts";
import { tar } from "../../cli/tar.ts";
import { crc32, zip } from "../../cli/zip.ts";
import { program, wanting } from "../support/wanting.ts";
import { Served } from "./served.ts";

const LONG = `${"long ".repeat(30)}č.txt`;

/** What Python finds in an archive: names, sizes, and the sum of each. */
const LOOK = `
import hashlib, io, json, sys, tarfile, zipfile
data = io.BytesIO(sys.stdin.buffer.read())
found = {}
if sys.argv[1] == "zip":
    with zipfile.ZipFile(data) as archive:
        assert archive.testzip() is None
        for info in archive.infolist():
            found[info.filename] = archive.read(info).decode("latin-1")
else:
    with tarfile.open(fileobj=data) as archive:
        for info in archive:
            name = info.name + ("/" if info.isdir() else "")
            file = archive.extractfile(info)
            found[name] = file.read().decode("latin-1") if file else ""
print(json.dumps(found))
`;

async function look(
  kind: string,
  bytes: Uint8Array,
): Promise<Record<string, string>> {
  const child = new Deno.Command(program("python3"), {
    args: ["-c", LOOK, kind],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(bytes);
  await writer.close();
  const { stdout } = await child.output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test({
  ...wanting("serve --archive sends a folder in one piece", "python3"),
  async fn() {
    const large = "0123456789".repeat(20_000);
    await using served = await Served.start({
      "a/one.txt": "one",
      "a/sub/large": large,
      "a/empty/": "",
      "a/none": "",
      [`a/${LONG}`]: "long",
      "a/back\\slash:x": "b",
      "a/.hidden": "hidden",
      "other": "other",
    }, "--archive");
    const { folder, parent } = served;
    await Deno.symlink(`${parent}/secret.txt`, `${folder}/a/out`);
    await Deno.symlink(`${folder}/other`, `${folder}/a/in`);
    await Deno.symlink(folder, `${folder}/a/circle`);
    const expected = {
      "a/": "",
      [`a/${LONG}`]: "long",
      "a/back_slash_x": "b",
      "a/empty/": "",
      "a/in": "other",
      "a/none": "",
      "a/one.txt": "one",
      "a/sub/": "",
      "a/sub/large": large,
    };
    for (const kind of ["zip", "tar"]) {
      const response = await fetch(`${served.url}a/?archive=${kind}`);
      const { headers } = response;
      assertEquals(
        headers.get("content-disposition"),
        `attachment; filename="a.${kind}"; filename*=UTF-8''a.${kind}`,
      );
      assertEquals(headers.get("x-content-type-options"), "nosniff");
      assertEquals(await look(kind, await response.bytes()), expected);
      const head = await fetch(`${served.url}a/?archive=${kind}`, {
        method: "HEAD",
      });
      assertEquals([head.status, (await head.bytes()).length], [200, 0]);
    }
    const whole = await fetch(`${served.url}?archive=zip`);
    const names = Object.keys(await look("zip", await whole.bytes()));
    assert(names.includes("files/other"));
    assertMatch((await served.get("/"))[1], /<a href="\.\/\?archive=zip">/);
  },
});

Deno.test("serve sends no archive where none is offered", async () => {
  await using served = await Served.start({ "a": "1" });
  const [, html, headers] = await served.get("/?archive=zip");
  assertMatch(headers.get("content-type")!, /html/);
  assert(!html.includes("archive"));
});

Deno.test("serve --archive makes four at a time for an address", async () => {
  const large = "x".repeat(3_000_000);
  await using served = await Served.start(
    { "a": large, "b": large, "c": large },
    "--archive",
  );
  const ask = () => fetch(`${served.url}?archive=tar`);
  const four = await Promise.all([ask(), ask(), ask(), ask()]);
  assertEquals(four.map(({ status }) => status), [200, 200, 200, 200]);
  const fifth = await ask();
  assertEquals([fifth.status, fifth.headers.get("retry-after")], [503, "10"]);
  await fifth.body?.cancel();
  // Who leaves makes room.
  await four[0].body?.cancel();
  for (let tries = 0;; tries++) {
    const again = await ask();
    await again.body?.cancel();
    if (again.status === 200) break;
    assert(tries < 500);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  for (const one of four.slice(1)) await one.body?.cancel();
});

function member(path: string, size: number, pieces: number[]): Member {
  return {
    path,
    size,
    modified: new Date(0),
    async *pieces() {
      for (const length of pieces) yield new Uint8Array(length);
    },
  };
}

async function* each(...members: Member[]): AsyncGenerator<Member> {
  yield* members;
}

Deno.test("tar() breaks off where a file has become shorter", async () => {
  await assertRejects(
    async () => {
      for await (const _ of tar(each(member("a", 10, [4]))));
    },
    Error,
    "A file has become shorter meanwhile",
  );
});

Deno.test("crc32() sums pieces as it does the whole", () => {
  const bytes = new TextEncoder().encode("123456789");
  assertEquals(crc32(bytes), 0xcbf43926);
  assertEquals(
    crc32(bytes.subarray(4), crc32(bytes.subarray(0, 4))),
    0xcbf43926,
  );
});

Deno.test("zip() and tar() hold no more than a piece", async () => {
  let made = 0;
  const one = member("a", 10_000_000, []);
  one.pieces = async function* () {
    for (let i = 0; i < 100; i++) {
      made++;
      yield new Uint8Array(65_535);
    }
  };
  for (const archive of [zip(each(one)), tar(each(one))]) {
    made = 0;
    for (let i = 0; i < 5; i++) await archive.next();
    assert(made <= 5);
    await archive.return();
  }
});

Deno.test("serve --gzip-static sends what was compressed before", async () => {
  const pack = async (text: string) =>
    await new Response(
      new Blob([text]).stream().pipeThrough(new CompressionStream("gzip")),
    ).bytes();
  await using served = await Served.start(
    { "a.js": "plain", "old.js": "newer", "alone.js.gz": "" },
    "--gzip-static",
  );
  const { folder } = served;
  await Deno.writeFile(`${folder}/a.js.gz`, await pack("packed"));
  await Deno.writeFile(`${folder}/old.js.gz`, await pack("stale"));
  await Deno.utime(`${folder}/old.js.gz`, new Date(1000), new Date(1000));
  const ask = async (path: string, encoding: string) => {
    const [status, text, headers] = await served.get(path, {
      headers: { "accept-encoding": encoding },
    });
    const { pathname } = new URL(path, served.url);
    assertEquals(status, 200, pathname);
    return [
      text,
      headers.get("vary"),
      headers.get("content-type"),
      headers.get("etag"),
    ];
  };
  const [text, vary, type, tag] = await ask("/a.js", "gzip");
  assertEquals([text, vary], ["packed", "accept-encoding"]);
  assertMatch(type!, /javascript/);
  const [plain, , , other] = await ask("/a.js", "gzip;q=0");
  assertEquals(plain, "plain");
  assert(tag !== other);
  assertEquals((await ask("/old.js", "gzip"))[0], "newer");
  assertEquals((await served.get("/alone.js"))[0], 404);
});
