import { assert, assertEquals, assertMatch } from "@std/assert";
import { RawClient, type RawResponse } from "../support/raw_client.ts";
import { Example, readExample } from "./example.ts";

/** Sends one request and returns the answer to it. */
async function request(
  example: Example,
  line: string,
  ...fields: string[]
): Promise<RawResponse> {
  using peer = await RawClient.connect(example);
  const head = [`${line} HTTP/1.1`, "Host: a", ...fields];
  await peer.send(head.join("\r\n") + "\r\n\r\n");
  return await peer.response(line.startsWith("HEAD"));
}

Deno.test("files.ts sends the files of its folder", async (t) => {
  await using example = await Example.start("files.ts");
  const notes = await readExample("public/notes.txt");

  await t.step("with their types, and index.html for a folder", async () => {
    const index = await request(example, "GET /");
    assertEquals(index.status, 200);
    assertEquals(index.headers["content-type"], "text/html; charset=utf-8");
    assertEquals(index.body, await readExample("public/index.html"));

    const style = await request(example, "GET /style.css");
    assertEquals(style.headers["content-type"], "text/css; charset=utf-8");

    const text = await request(example, "GET /notes.txt");
    assertEquals(text.body, notes);
    assertEquals(text.headers["content-disposition"], undefined);
  });

  await t.step("to be saved", async () => {
    const { headers, body } = await request(example, "GET /notes.txt?download");
    assertEquals(
      headers["content-disposition"],
      'attachment; filename="notes.txt"',
    );
    assertEquals(body, notes);
  });

  await t.step("in part", async () => {
    const part = await request(example, "GET /notes.txt", "Range: bytes=4-7");
    assertEquals(part.status, 206);
    assertEquals(part.body, "4567");
    assertEquals(
      part.headers["content-range"],
      `bytes 4-7/${notes.length}`,
    );
    const none = await request(example, "GET /notes.txt", "Range: bytes=9999-");
    assertEquals(none.status, 416);
  });

  await t.step("once only, if they are known", async () => {
    const { headers } = await request(example, "HEAD /notes.txt");
    assertEquals(headers["content-length"], String(notes.length));
    const again = await request(
      example,
      "GET /notes.txt",
      `If-None-Match: ${headers.etag}`,
    );
    assertEquals(again.status, 304);
  });

  await t.step("and nothing else", async () => {
    for (
      const path of ["/../hello.ts", "/%2e%2e/hello.ts", "//etc/passwd", "/no"]
    ) {
      assertEquals((await request(example, `GET ${path}`)).status, 404, path);
    }
    const post = await request(example, "POST /notes.txt");
    assertEquals(post.status, 405);
    assertEquals(post.headers.allow, "GET, HEAD");
  });
});

Deno.test("files.ts has a page whose links lead somewhere", async () => {
  await using example = await Example.start("files.ts");
  const page = await (await fetch(example.url)).text();
  const links = [...page.matchAll(/href="([^":]+)"/g)].map(([, href]) => href);
  assert(links.length >= 3);
  for (const link of links) {
    const response = await fetch(new URL(link, example.url));
    await response.body?.cancel();
    assertEquals(response.status, link === "missing.txt" ? 404 : 200, link);
  }
  assertMatch(links.join(" "), /style\.css/);
});
