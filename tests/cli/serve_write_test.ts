// What --write allows, and to whom.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Quota } from "../../cli/quota.ts";
import { Served } from "./served.ts";

const FILES = {
  "a.txt": "old",
  "b.txt": "b",
  "sub/c.txt": "c",
  "empty/": "",
  ".hidden": "h",
};

type Ask = [method: string, path: string, headers?: Record<string, string>];

async function status(
  served: Served,
  [method, path, headers = {}]: Ask,
  body?: string,
): Promise<number> {
  const init: RequestInit = { method, headers };
  if (body !== undefined) init.body = body;
  return (await served.get(path, init))[0];
}

Deno.test("serve --write overwrites, deletes and renames", async () => {
  await using served = await Served.start(FILES, "--write");
  const { folder } = served;
  const text = (name: string) => Deno.readTextFileSync(`${folder}/${name}`);
  assertEquals(await status(served, ["PUT", "/a.txt"], "new"), 204);
  assertEquals(text("a.txt"), "new");
  assertEquals(await status(served, ["PUT", "/n.txt"], "n"), 201);
  assertEquals(await status(served, ["PUT", "/sub"], "x"), 409);
  assertEquals(await status(served, ["DELETE", "/n.txt"]), 204);
  assertEquals(await status(served, ["DELETE", "/n.txt"]), 404);
  assertEquals(await status(served, ["DELETE", "/sub/"]), 409);
  assertEquals(await status(served, ["DELETE", "/empty/"]), 204);
  const to = (destination: string) => ({ destination });
  const url = served.url.replace(/\/$/, "");
  assertEquals(await status(served, ["MOVE", "/a.txt", to("/b.txt")]), 409);
  assertEquals(await status(served, ["MOVE", "/a.txt", to("/sub/d%20e")]), 201);
  assertEquals(text("sub/d e"), "new");
  assertEquals(
    await status(served, ["MOVE", "/sub/", to(`${url}/moved`)]),
    201,
  );
  assertEquals(text("moved/c.txt"), "c");
  assertEquals(
    await status(served, ["MOVE", "/moved", to("/moved/inside")]),
    409,
  );
  assertEquals(served.names, [".hidden", "b.txt", "moved"]);
});

Deno.test("serve --write changes by the forms of its listings", async () => {
  await using served = await Served.start(
    { ...FILES, "od d'\"<b>.txt": "odd" },
    "--write",
  );
  const [, html, headers] = await served.get("/");
  assertMatch(headers.get("content-security-policy")!, /default-src 'none'/);
  assert(!html.includes("<script"));
  assert(!html.includes("<b>.txt"));
  const form = (fields: Record<string, string>, more = {}) =>
    served.get("/", {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: more,
    });
  const [moved, , fields] = await form({
    action: "rename",
    name: "od d'\"<b>.txt",
    to: "plain.txt",
  });
  assertEquals([moved, fields.get("location")], [303, "/"]);
  assertEquals((await form({ action: "delete", name: "b.txt" }))[0], 303);
  assertEquals(served.names, [
    ".hidden",
    "a.txt",
    "empty",
    "plain.txt",
    "sub",
  ]);
  const wrong: [fields: Record<string, string>, status: number][] = [
    [{ action: "delete", name: "../secret.txt" }, 400],
    [{ action: "delete", name: ".." }, 400],
    [{ action: "delete", name: "sub/c.txt" }, 400],
    [{ action: "delete", name: ".hidden" }, 400],
    [{ action: "delete", name: "" }, 400],
    [{ action: "delete" }, 400],
    [{ action: "erase", name: "a.txt" }, 400],
    [{ action: "rename", name: "a.txt", to: "../x" }, 400],
    [{ action: "rename", name: "a.txt", to: ".x" }, 400],
    [{ action: "rename", name: "a.txt", to: "a\nb" }, 400],
    [{ action: "rename", name: "a.txt", to: "sub" }, 409],
    [{ action: "rename", name: "none", to: "x" }, 404],
    [{ action: "delete", name: "x".repeat(20_000) }, 413],
  ];
  for (const [one, expected] of wrong) {
    assertEquals((await form(one))[0], expected, JSON.stringify(one));
  }
  assertEquals(Deno.readTextFileSync(`${served.parent}/secret.txt`), "secret");
});

Deno.test("serve --write keeps within its folder, and takes links for links", async () => {
  await using served = await Served.start(FILES, "--write");
  const { folder, parent } = served;
  await Deno.symlink(`${parent}/secret.txt`, `${folder}/link`);
  await Deno.symlink(parent, `${folder}/out`);
  assertEquals(await status(served, ["PUT", "/out/x"], "x"), 404);
  assertEquals(await status(served, ["DELETE", "/out/secret.txt"]), 404);
  const away = { destination: "/out/a.txt" };
  assertEquals(await status(served, ["MOVE", "/a.txt", away]), 404);
  // The link goes, and what it leads to stays.
  assertEquals(await status(served, ["PUT", "/link"], "mine"), 204);
  assertEquals(await status(served, ["DELETE", "/out"]), 204);
  assertEquals(Deno.readTextFileSync(`${parent}/secret.txt`), "secret");
  assertEquals(Deno.readTextFileSync(`${folder}/link`), "mine");
  for (
    const target of [
      ...["/../secret.txt", "/%2e%2e/secret.txt", "/sub/..%2f..%2fsecret.txt"],
      ...["/", "//", "/.hidden", "/.", "/a.txt%00", "/.uhttp-upload-x"],
    ]
  ) {
    const [code] = await served.raw(`DELETE ${target}`);
    assert(code === 400 || code === 404, `${target}: ${code}`);
  }
  for (
    const destination of [
      ...["http://elsewhere/x", "//elsewhere/x", "/../x/", "/%2e%2e", "%"],
      ...["/.x", "/sub%2f..%2f..%2fx", "", "/.uhttp-upload-x", "data:x"],
    ]
  ) {
    const code = await status(served, ["MOVE", "/a.txt", { destination }]);
    assert(code >= 400 && code < 500 || code === 502, `${destination} ${code}`);
  }
  assertEquals(await status(served, ["MOVE", "/a.txt"]), 400);
  assertEquals(served.names.includes("a.txt"), true);
  assertEquals([...Deno.readDirSync(parent)].length, 2);
});

Deno.test("serve --write lets no page of another site change anything", async () => {
  await using served = await Served.start(FILES, "--write");
  const origin = new URL(served.url).origin;
  const asks: Ask[] = [
    ["PUT", "/a.txt"],
    ["DELETE", "/a.txt"],
    ["MOVE", "/a.txt", { destination: "/z" }],
    ["POST", "/", { "content-type": "application/x-www-form-urlencoded" }],
  ];
  const body = "action=delete&name=a.txt";
  for (const [method, path, more] of asks) {
    for (
      const headers of [
        { origin: "http://evil.example" },
        { origin: "null" },
        { origin: origin + "0" },
        { origin, "sec-fetch-site": "cross-site" },
        { origin, "sec-fetch-site": "same-site" },
        { host: "evil.example", origin: "http://evil.example" },
      ] as Record<string, string>[]
    ) {
      const lines = Object.entries({
        host: "localhost",
        ...more,
        ...headers,
        "content-length": String(body.length),
      }).map(([name, value]) => `${name}: ${value}\r\n`).join("");
      const code = await rawStatus(served, `${method} ${path}`, lines, body);
      assert(code === 403 || code === 421, `${method} ${lines}: ${code}`);
    }
  }
  assertEquals(Deno.readTextFileSync(`${served.folder}/a.txt`), "old");
});

async function rawStatus(
  served: Served,
  line: string,
  headers: string,
  body: string,
): Promise<number> {
  using conn = await Deno.connect({ port: Number(new URL(served.url).port) });
  const text = `${line} HTTP/1.1\r\n${headers}\r\n${body}`;
  await conn.write(new TextEncoder().encode(text));
  const buffer = new Uint8Array(1000);
  const length = await conn.read(buffer) ?? 0;
  return Number(
    new TextDecoder().decode(buffer.subarray(9, Math.min(length, 12))),
  );
}

Deno.test("serve --write for others takes a page's word under a name it knows alone", async () => {
  const args = ["--write", "--host", "0.0.0.0"];
  await using served = await Served.start(FILES, ...args);
  const ask = (host: string, origin: string) =>
    rawStatus(
      served,
      "DELETE /b.txt",
      `host: ${host}\r\n${origin}`,
      "",
    );
  // A name that leads here may be somebody else's.
  assertEquals(
    await ask("evil.example", "origin: http://evil.example\r\n"),
    403,
  );
  assertEquals(
    await ask("evil.example", "sec-fetch-site: same-origin\r\n"),
    403,
  );
  assertEquals(await ask("box.example", ""), 204); // a program
  await using named = await Served.start(
    FILES,
    ...args,
    ...["--allow-host", "box.example"],
  );
  const page = "host: box.example\r\norigin: http://box.example\r\n";
  assertEquals(await rawStatus(named, "DELETE /b.txt", page, ""), 204);
});

Deno.test("serve without --write, or with --upload alone, changes nothing that is there", async () => {
  await using served = await Served.start(FILES, "--upload");
  assertEquals(await status(served, ["PUT", "/a.txt"], "x"), 409);
  assertEquals(await status(served, ["DELETE", "/a.txt"]), 405);
  assertEquals(
    await status(served, ["MOVE", "/a.txt", { destination: "/z" }]),
    405,
  );
  const [code] = await served.get("/", {
    method: "POST",
    body: new URLSearchParams({ action: "delete", name: "a.txt" }),
  });
  assertEquals(code, 415);
  const [, html] = await served.get("/");
  assert(!html.includes('value="delete"'));
});

Deno.test("serve --write keeps what is not what was last seen", async () => {
  await using served = await Served.start(FILES, "--write");
  const tag = (await served.get("/a.txt"))[2].get("etag")!;
  const only = (value: string) => ({ "if-match": value });
  assertEquals(await status(served, ["PUT", "/a.txt", only('"x"')], "1"), 412);
  assertEquals(await status(served, ["PUT", "/none", only("*")], "1"), 412);
  assertEquals(await status(served, ["DELETE", "/a.txt", only('"x"')]), 412);
  const fresh = { "if-none-match": "*" };
  assertEquals(await status(served, ["PUT", "/a.txt", fresh], "1"), 412);
  assertEquals(await status(served, ["PUT", "/fresh", fresh], "1"), 201);
  assertEquals(await status(served, ["PUT", "/a.txt", only(tag)], "22"), 204);
  assertEquals(await status(served, ["DELETE", "/a.txt", only(tag)]), 412);
});

Deno.test("serve --write --quota counts what is there, not what was sent", async () => {
  await using served = await Served.start(
    {},
    ...["--write", "--quota", "20k"],
  );
  // Again and again, as a program does that writes a playlist.
  for (let i = 0; i < 10; i++) {
    const code = await status(served, ["PUT", "/list"], "x".repeat(1000));
    assertEquals(code, i === 0 ? 201 : 204);
  }
  assertEquals(await status(served, ["PUT", "/more"], "x".repeat(12_000)), 507);
  assertEquals(await status(served, ["DELETE", "/list"]), 204);
  assertEquals(await status(served, ["PUT", "/more"], "x".repeat(12_000)), 201);
  assertEquals(await status(served, ["PUT", "/big"], "x".repeat(12_000)), 507);
});

Deno.test("Quota gives back no more than there was, and changes one by one", async () => {
  const quota = new Quota(10);
  quota.give(1000);
  assert(!quota.has(11));
  const order: number[] = [];
  await Promise.allSettled([
    quota.exclusive(async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      order.push(1);
      throw new Error("no");
    }),
    quota.exclusive(() => Promise.resolve(order.push(2))),
  ]);
  assertEquals(order, [1, 2]);
});
