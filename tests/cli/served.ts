import { assertEquals } from "@std/assert";
import { main } from "../../cli.ts";
import { RawClient } from "../support/raw_client.ts";
import { FakeIo } from "./fake_io.ts";

/** A folder that is served, with something beside it that is not. */
export class Served implements AsyncDisposable {
  readonly io = new FakeIo();
  readonly parent: string;
  readonly folder: string;
  #code: Promise<number> = Promise.resolve(0);
  url = "";

  private constructor(parent: string) {
    this.parent = parent;
    this.folder = `${parent}/site`;
  }

  /** Serves these files; names that end with a slash are folders. */
  static async start(
    files: Record<string, string>,
    ...args: string[]
  ): Promise<Served> {
    const served = new Served(await Deno.makeTempDir());
    const { folder, parent } = served;
    await Deno.mkdir(folder);
    await Deno.writeTextFile(`${parent}/secret.txt`, "secret");
    for (const [name, text] of Object.entries(files)) {
      const path = `${folder}/${name}`;
      if (name.endsWith("/")) await Deno.mkdir(path, { recursive: true });
      else {
        await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), {
          recursive: true,
        });
        await Deno.writeTextFile(path, text);
      }
    }
    served.#code = main(["serve", folder, "--port", "0", ...args], served.io);
    const [, url] = await served.io.stderr.until(/ on (https?:\S+)\n/);
    served.url = url;
    return served;
  }

  get addr(): Deno.NetAddr {
    const port = Number(new URL(this.url).port);
    return { transport: "tcp", hostname: "127.0.0.1", port };
  }

  async get(path: string, init: RequestInit = {}): Promise<[
    status: number,
    text: string,
    headers: Headers,
  ]> {
    const response = await fetch(new URL(path, this.url), {
      redirect: "manual",
      ...init,
    });
    return [response.status, await response.text(), response.headers];
  }

  /** Asks for a target to the letter, which `fetch()` would tidy up. */
  async raw(request: string): Promise<[status: number, body: string]> {
    using peer = await RawClient.connect(this);
    await peer.send(`${request} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    const { status, body } = await peer.response();
    return [status, body];
  }

  /** The names in the folder, hidden ones too. */
  get names(): string[] {
    return [...Deno.readDirSync(this.folder)].map(({ name }) => name).sort();
  }

  stop(): Promise<number> {
    this.io.interrupt();
    return this.#code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.io.isListening) this.io.interrupt();
    const code = await this.#code;
    await Deno.remove(this.parent, { recursive: true });
    assertEquals(code, 0);
  }
}

/** The links of a listing, in order. */
export function links(html: string): string[] {
  return [...html.matchAll(/<td[^>]*><a href="([^"]*)"/g)].map(([, href]) =>
    href
  );
}
