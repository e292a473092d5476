import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { isSame } from "../support/bytes.ts";
import { RawClient } from "../support/raw_client.ts";
import { Browser, screenshot, waitForText } from "./browser.ts";
import { Example } from "./example.ts";
import { program, wanting } from "../support/wanting.ts";

/** A test picture, faster and larger than usual. */
const FAST = "-f lavfi -i testsrc2=size=1280x720:rate=200".split(" ");

/** One who watches, picture by picture. */
class Viewer {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #boundary: string;
  #bytes: Uint8Array = new Uint8Array(0);

  private constructor(response: Response) {
    const type = response.headers.get("content-type")!;
    const [, boundary] = /^multipart\/x-mixed-replace; boundary=(\S+)$/
      .exec(type)!;
    this.#boundary = boundary;
    this.#reader = response.body!.getReader();
  }

  static async open(example: Example): Promise<Viewer> {
    return new Viewer(await fetch(new URL("/stream", example.url)));
  }

  async #take(end: () => number): Promise<Uint8Array> {
    while (end() < 0 || end() > this.#bytes.length) {
      const { value, done } = await this.#reader.read();
      if (done) throw new Error("Ended");
      const joined = new Uint8Array(this.#bytes.length + value.length);
      joined.set(this.#bytes);
      joined.set(value, this.#bytes.length);
      this.#bytes = joined;
    }
    const taken = this.#bytes.slice(0, end());
    this.#bytes = this.#bytes.subarray(taken.length);
    return taken;
  }

  async picture(): Promise<Uint8Array> {
    const decoder = new TextDecoder("latin1");
    const head = decoder.decode(
      await this.#take(() => {
        const at = decoder.decode(this.#bytes.subarray(0, 500))
          .indexOf("\r\n\r\n");
        return at < 0 ? at : at + 4;
      }),
    );
    const [, boundary, length] =
      /^--(\S+)\r\ncontent-type: image\/jpeg\r\ncontent-length: (\d+)\r\n\r\n$/
        .exec(head)!;
    assertEquals(boundary, this.#boundary);
    const picture = await this.#take(() => Number(length) + 2);
    return picture.subarray(0, -2);
  }

  /** Reads to the end. */
  async rest(): Promise<void> {
    while (!(await this.#reader.read()).done);
  }

  close(): Promise<void> {
    return this.#reader.cancel();
  }
}

function checkJpeg(picture: Uint8Array): void {
  assertEquals([...picture.subarray(0, 3)], [0xff, 0xd8, 0xff]);
  assertEquals([...picture.subarray(-2)], [0xff, 0xd9]);
}

for (const [what, ...input] of [["ffmpeg"], ["drawn", "drawn"]]) {
  Deno.test({
    ...wanting(
      `camera.ts (${what}) runs while somebody watches`,
      ...what === "ffmpeg" ? ["ffmpeg" as const] : [],
    ),
    async fn() {
      const args = ["0", ...input];
      await using example = await Example.start("camera.ts", { args });
      const { output } = example;
      const one = await Viewer.open(example);
      await output.until(/^Camera on$/);
      const picture = await one.picture();
      checkJpeg(picture);
      const next = await one.picture();
      checkJpeg(next);
      assertNotEquals(next, picture);

      // The other one sees the same.
      const other = await Viewer.open(example);
      const seen = await other.picture();
      let same = next;
      while (!isSame(same, seen)) {
        same = await one.picture();
      }
      assertEquals(same, seen);

      await one.close();
      await output.until(/ has seen \d+ of \d+ pictures$/);
      await other.picture();
      await other.close();
      await output.until(/^Camera off$/);

      const snapshot = await fetch(new URL("/snapshot", example.url));
      assertEquals(snapshot.headers.get("content-type"), "image/jpeg");
      checkJpeg(await snapshot.bytes());
      await output.until(/^Camera on$/);
      await output.until(/^Camera off$/);
    },
  });
}

Deno.test("camera.ts ends its streams when it is ended", async () => {
  await using example = await Example.start("camera.ts");
  const viewer = await Viewer.open(example);
  await viewer.picture();
  const ended = example.stop();
  await viewer.rest();
  assertEquals((await ended).code, 0);
  // Where there is none, Deno also says that there is nothing to allow.
  const errors = example.errors.text.replace(
    /^(?:No|Info .*) '?ffmpeg.*\n/gm,
    "",
  );
  assertEquals(errors, "");
});

Deno.test({
  ...wanting("camera.ts leaves pictures out for who is slow", "ffmpeg"),
  async fn() {
    const args = ["0", ...FAST];
    await using example = await Example.start("camera.ts", { args });
    using slow = await RawClient.connect(example);
    await slow.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    await example.output.until(/^Camera on$/);
    const fast = await Viewer.open(example);
    for (let i = 0; i < 300; i++) await fast.picture();
    slow.close();
    const [, seen, made] = await example.output.until(
      / has seen (\d+) of (\d+) pictures$/,
    );
    assert(Number(made) >= 300);
    assert(Number(seen) < Number(made) / 2, `${seen} of ${made}`);
    await fast.close();
  },
});

Deno.test({
  ...wanting("camera.ts says when there is no picture", "ffmpeg"),
  async fn() {
    const args = ["0", "-i", "/no/such/camera"];
    await using example = await Example.start("camera.ts", { args });
    const snapshot = await fetch(new URL("/snapshot", example.url));
    assertEquals(snapshot.status, 503);
    assertEquals(await snapshot.text(), "No picture");
    await example.errors.until(/No such file/);
    await (await Viewer.open(example)).rest();
  },
});

Deno.test({
  ...wanting("camera.ts can be recorded by ffmpeg", "ffmpeg"),
  async fn() {
    await using example = await Example.start("camera.ts");
    const { stdout } = await new Deno.Command(program("ffmpeg"), {
      args: ["-loglevel", "error", "-i", new URL("/stream", example.url).href]
        .concat("-frames:v", "3", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"),
    }).output();
    assertEquals(stdout.length, 3 * 640 * 480 * 3);
    assert(new Set(stdout).size > 100, "too few colours");
  },
});

Deno.test({
  ...wanting("camera.ts has a page that shows it", "chromium"),
  async fn() {
    await using browser = await Browser.start();
    await using example = await Example.start("camera.ts");
    const page = await browser.open(example.url);
    await waitForText(page, "#state", "live, 1 watching");
    // Two pictures of the picture differ.
    const image = page.locator("img");
    await page.waitForFunction("document.images[0].naturalWidth > 0");
    const first = await image.screenshot();
    let second = first;
    while (second.equals(first)) second = await image.screenshot();
    await screenshot(page, "camera");

    assertEquals((await example.stop()).code, 0);
    await waitForText(page, "#state", "no picture, trying again");
    const args = [example.url.port];
    await using again = await Example.start("camera.ts", { args });
    await again.output.until(/^Camera on$/);
    await waitForText(page, "#state", "live, 1 watching");
    await page.close();
    await again.output.until(/^Camera off$/);
    const problems = browser.problems.filter((text) => !/ERR_/.test(text));
    assertEquals(problems, []);
  },
});
