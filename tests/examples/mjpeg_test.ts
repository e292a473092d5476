import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Example } from "./example.ts";
import { program, wanting } from "../support/wanting.ts";

/** Reads a stream by lines and by lengths. */
class ByteReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  #bytes: number[] = [];

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = stream.getReader();
  }

  async line(): Promise<string> {
    let line = "";
    while (!line.endsWith("\r\n")) {
      line += String.fromCharCode(...await this.take(1));
    }
    return line.slice(0, -2);
  }

  async take(length: number): Promise<number[]> {
    while (this.#bytes.length < length) {
      const { value, done } = await this.#reader.read();
      if (done) throw new Error("Stream has ended");
      for (const byte of value) this.#bytes.push(byte);
    }
    return this.#bytes.splice(0, length);
  }

  async rest(): Promise<string> {
    for (;;) {
      const { value, done } = await this.#reader.read();
      if (done) return String.fromCharCode(...this.#bytes);
      for (const byte of value) this.#bytes.push(byte);
    }
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }
}

/** Opens the stream; returns its boundary and what follows. */
async function watch(example: Example): Promise<[string, ByteReader]> {
  const response = await fetch(new URL("/stream", example.url));
  const type = response.headers.get("content-type")!;
  const [, boundary] = /^multipart\/x-mixed-replace; boundary=(\S+)$/
    .exec(type)!;
  return [boundary, new ByteReader(response.body!)];
}

/** Reads a part that must be an image. */
async function readImage(
  boundary: string,
  reader: ByteReader,
): Promise<number[]> {
  assertEquals(await reader.line(), `--${boundary}`);
  assertEquals(await reader.line(), "content-type: image/jpeg");
  const [, length] = /^content-length: (\d+)$/.exec(await reader.line())!;
  assertEquals(await reader.line(), "");
  const image = await reader.take(Number(length));
  assertEquals(await reader.line(), "");
  return image;
}

Deno.test("mjpeg.ts sends images until the peer goes away", async () => {
  await using example = await Example.start("mjpeg.ts");
  const [boundary, reader] = await watch(example);
  const first = await readImage(boundary, reader);
  const second = await readImage(boundary, reader);
  for (const image of [first, second]) {
    assertEquals(image.slice(0, 3), [0xff, 0xd8, 0xff]); // start of image
    assertEquals(image.slice(-2), [0xff, 0xd9]); // end of image
  }
  assertNotEquals(first, second);

  await reader.cancel();
  await example.output.until(/ has gone$/);
  const page = await (await fetch(example.url)).text();
  assert(page.includes('<img src="/stream">'));
});

Deno.test("mjpeg.ts ends its streams when it is ended", async () => {
  await using example = await Example.start("mjpeg.ts");
  const [boundary, reader] = await watch(example);
  await readImage(boundary, reader);
  const ended = example.stop();
  assert((await reader.rest()).endsWith(`--${boundary}--\r\n`));
  assertEquals((await ended).code, 0);
});

Deno.test({
  ...wanting("mjpeg.ts shows white digits on blue to ffmpeg", "ffmpeg"),
  async fn() {
    await using example = await Example.start("mjpeg.ts");
    const { stdout } = await new Deno.Command(program("ffmpeg"), {
      args: ["-loglevel", "error", "-i", new URL("/stream", example.url).href]
        .concat("-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"),
    }).output();
    assertEquals(stdout.length, 320 * 240 * 3);
    let white = 0;
    let blue = 0;
    for (let i = 0; i < stdout.length; i += 3) {
      if (stdout[i] > 240) white++;
      else if (stdout[i + 2] > stdout[i]) blue++;
    }
    assertEquals(white + blue, 320 * 240);
    assert(white > 64 * 40, `only ${white} white pixels`);
  },
});
