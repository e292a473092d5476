import { assert, assertEquals, assertMatch } from "@std/assert";
import { encodeHex } from "@std/encoding";
import { Buffer } from "node:buffer";
import { RawClient } from "../support/raw_client.ts";
import { Browser, screenshot, waitForText } from "./browser.ts";
import { Example } from "./example.ts";
import { wanting } from "../support/wanting.ts";

/** The example, and the folder that it saves to. */
class Scene implements AsyncDisposable {
  readonly example: Example;
  readonly folder: string;

  private constructor(example: Example, folder: string) {
    this.example = example;
    this.folder = folder;
  }

  static async start(limit: number): Promise<Scene> {
    const folder = await Deno.makeTempDir();
    const args = ["0", folder, String(limit)];
    return new Scene(await Example.start("upload.ts", { args }), folder);
  }

  get url(): URL {
    return new URL("/upload", this.example.url);
  }

  /** The names of the files that are there. */
  get files(): string[] {
    return [...Deno.readDirSync(this.folder)].map(({ name }) => name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.example[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

function pattern(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = i * 7 + (i >> 8);
  return bytes;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return encodeHex(
    new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)),
  );
}

Deno.test("upload.ts saves what is sent, under a name of its own", async () => {
  await using scene = await Scene.start(5_000_000);
  for (const size of [0, 10, 3_000_000]) {
    const body = pattern(size);
    const response = await fetch(scene.url, { method: "PUT", body });
    assertEquals(response.status, 201);
    const { id, ...rest } = await response.json();
    assertEquals(rest, { size, sha256: await sha256(body) });
    assertMatch(id, /^[-0-9a-f]{36}$/);
    assertEquals(await Deno.readFile(`${scene.folder}/${id}`), body);
  }
  assertEquals(scene.files.length, 3);

  const post = await fetch(scene.url, { method: "POST", body: "x" });
  await post.body?.cancel();
  assertEquals([post.status, post.headers.get("allow")], [405, "PUT"]);
});

Deno.test("upload.ts refuses what is too large before it is sent", async () => {
  await using scene = await Scene.start(1000);
  using peer = await RawClient.connect(scene.example);
  await peer.send(
    "PUT /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n" +
      "Expect: 100-continue\r\n\r\n",
  );
  assertMatch(await peer.until("\r\n\r\n"), /^HTTP\/1.1 100 /);
  await peer.send(pattern(1000));
  assertEquals((await peer.response()).status, 201);

  await peer.send(
    "PUT /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n" +
      "Expect: 100-continue\r\n\r\n",
  );
  assertEquals((await peer.response()).status, 413);
  await scene.example.output.until(/^Nothing saved/);
  assertEquals(scene.files.length, 1);
});

Deno.test("upload.ts leaves nothing of what did not work", async () => {
  await using scene = await Scene.start(1000);
  const { output } = scene.example;
  {
    using peer = await RawClient.connect(scene.example);
    await peer.send(
      "PUT /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
        `3e8\r\n${"x".repeat(1000)}\r\n1\r\nx\r\n`,
    );
    assertEquals((await peer.response()).status, 413);
    await output.until(/^Nothing saved/);
    assertEquals(scene.files, []);
  }
  {
    using peer = await RawClient.connect(scene.example);
    await peer.send(
      "PUT /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nxxx",
    );
    peer.close();
    await output.until(/^Nothing saved/);
    assertEquals(scene.files, []);
  }
  // A disk that cannot be written to is our fault.
  await Deno.remove(scene.folder);
  const response = await fetch(scene.url, { method: "PUT", body: "x" });
  assertEquals(response.status, 500);
  assertEquals(await response.text(), "Cannot save it");
  await Deno.mkdir(scene.folder);
});

Deno.test({
  ...wanting("upload.ts has a page with a progress bar", "chromium"),
  async fn() {
    await using browser = await Browser.start();
    await using scene = await Scene.start(10_000_000);
    const page = await browser.open(scene.example.url);
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    const limitUpload = (uploadThroughput: number) =>
      session.send("Network.emulateNetworkConditions", {
        offline: false,
        latency: 0,
        downloadThroughput: -1,
        uploadThroughput,
      });
    const choose = (name: string, bytes: Uint8Array) =>
      page.setInputFiles("#files", {
        name,
        mimeType: "application/octet-stream",
        buffer: Buffer.from(bytes),
      });
    const body = pattern(6_000_000);

    await limitUpload(4_000_000);
    await choose("film <b>.mp4", body);
    await waitForText(page, ".state", /^[1-5]\.\d MB of 6\.0 MB, .*B\/s$/);
    const value = await page.evaluate<number>(
      "document.querySelector('progress').value",
    );
    assert(value > 0 && value < 1);
    await choose("other.bin", pattern(9_000_000));
    await waitForText(page, ".state", /^[1-5]\.\d MB of 9\.0 MB/);
    await screenshot(page, "upload_progress");
    await page.locator("li", { hasText: "other.bin" }).locator("button")
      .click();
    await waitForText(page, ".failed .state", "Cancelled");
    const { output } = scene.example;
    await output.until(/^Nothing saved/);
    await limitUpload(-1);

    const hash = await sha256(body);
    await waitForText(page, ".done .state", `6.0 MB saved. SHA-256: ${hash}`);
    await choose("large.iso", pattern(10_000_001));
    await waitForText(page, ".failed .state", /^Refused with 413: .*too large/);
    await choose("empty.txt", new Uint8Array(0));
    await waitForText(page, ".done .state", "0 B saved");
    await screenshot(page, "upload");

    assertEquals(scene.files.length, 2);
    assertEquals(
      await page.locator(".name").allTextContents(),
      ["empty.txt", "large.iso", "other.bin", "film <b>.mp4"],
    );
    const problems = browser.problems.filter((text) => !/ 413 /.test(text));
    assertEquals(problems, []);
  },
});
