import { HttpClient } from "@uhttp/uhttp";
import { latin1Bytes, latin1Text } from "../support/bytes.ts";
import { program } from "../support/wanting.ts";
import { outcome, REFUSED, type WorldRow } from "./response_rows.ts";

const PEERS = new URL("peers/", import.meta.url).pathname;

/** Answers each request by the row that its path names, and closes. */
export class RowServer {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #rows: readonly WorldRow[];
  readonly #open = new Set<Promise<void>>();
  readonly #serving: Promise<void>;

  constructor(rows: readonly WorldRow[]) {
    this.#rows = rows;
    this.#serving = this.#serve();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async #serve(): Promise<void> {
    for await (const conn of this.#listener) {
      const answered = this.#answer(conn).catch(() => {});
      this.#open.add(answered);
      answered.then(() => this.#open.delete(answered));
    }
  }

  async #answer(conn: Deno.TcpConn): Promise<void> {
    using _ = conn;
    conn.setNoDelay();
    const buffer = new Uint8Array(4096);
    let head = "";
    while (!head.includes("\r\n\r\n")) {
      const length = await conn.read(buffer);
      if (length === null) return;
      head += latin1Text(buffer.subarray(0, length));
    }
    const id = Number(/^\w+ \/(\d+)/.exec(head)![1]);
    const { bytes, isCut = false } = this.#rows[id];
    const all = latin1Bytes(bytes);
    if (isCut) {
      for (const byte of all) await conn.write(Uint8Array.of(byte));
    } else {
      for (let at = 0; at < all.length;) {
        at += await conn.write(all.subarray(at));
      }
    }
    await conn.closeWrite();
    // Up to the peer's end, so that it is never reset while it reads.
    while (await conn.read(buffer) !== null);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#serving;
    await Promise.all(this.#open);
  }
}

/** What came of each row. */
type Read = (server: RowServer, rows: readonly WorldRow[]) => Promise<string[]>;

function outcomes(found: ([number, string, string] | null)[]): string[] {
  return found.map((one) => one === null ? REFUSED : outcome(...one));
}

/** Runs a program that tells of all rows at once. */
async function ask(command: string, args: string[]): Promise<string> {
  const { stdout, stderr, success } = await new Deno.Command(command, { args })
    .output();
  const decoder = new TextDecoder("latin1");
  if (!success) throw new Error(decoder.decode(stderr));
  return latin1Text(stdout);
}

/** A letter for each row: what is asked by HEAD. */
function methodsOf(rows: readonly WorldRow[]): string {
  return rows.map(({ method }) => method === "HEAD" ? "h" : "g").join("");
}

function byNode(way: string): Read {
  return async ({ origin }, rows) => {
    const count = String(rows.length);
    const args = [PEERS + "read.mjs", origin, count, way, methodsOf(rows)];
    return outcomes(JSON.parse(utf8(await ask(program("node"), args))));
  };
}

function utf8(text: string): string {
  return new TextDecoder().decode(latin1Bytes(text));
}

/** Between what curl writes of two rows. */
const MARK = "<--->";
const TOLD = /^(\d+) (\d+) ?([^]*)$/;

async function byCurl(
  { origin }: RowServer,
  rows: readonly WorldRow[],
): Promise<string[]> {
  const told = `${MARK}%{exitcode} %{http_code} %header{x}${MARK}`;
  const blocks = rows.map(({ method }, id) =>
    [
      `url = "${origin}/${id}"`,
      "silent",
      "http1.1",
      "max-time = 3",
      ...method === "HEAD" ? ["head", 'output = "/dev/null"'] : [],
      `write-out = "${told}"`,
    ].join("\n")
  );
  const file = await Deno.makeTempFile();
  const found: string[] = [];
  try {
    // There are answers behind which it asks for no other.
    while (found.length < rows.length) {
      const config = blocks.slice(found.length).join("\nnext\n");
      await Deno.writeTextFile(file, config);
      const { stdout } = await new Deno.Command(program("curl"), {
        args: ["-q", "-K", file],
      }).output();
      const parts = latin1Text(stdout).split(MARK);
      if (parts.length < 3) throw new Error("Nothing came of curl");
      for (let i = 0; i + 1 < parts.length; i += 2) {
        const [, code, status, x] = TOLD.exec(parts[i + 1])!;
        const isRead = code === "0";
        found.push(isRead ? outcome(Number(status), parts[i], x) : REFUSED);
      }
    }
  } finally {
    await Deno.remove(file);
  }
  return found;
}

async function byFetch(
  { origin }: RowServer,
  rows: readonly WorldRow[],
): Promise<string[]> {
  const found: string[] = [];
  await inTurns(rows, async ({ method = "GET" }, id) => {
    try {
      const signal = AbortSignal.timeout(3000);
      const response = await fetch(`${origin}/${id}`, { method, signal });
      const body = latin1Text(new Uint8Array(await response.arrayBuffer()));
      const x = response.headers.get("x") ?? "";
      found[id] = outcome(response.status, body, x);
    } catch {
      found[id] = REFUSED;
    }
  });
  return found;
}

/** What the client of this library makes of them. */
export async function readByUs(
  { origin }: RowServer,
  rows: readonly WorldRow[],
): Promise<string[]> {
  const found: string[] = [];
  await using client = new HttpClient(origin, { timeout: 3000 });
  await inTurns(rows, async ({ method = "GET" }, id) => {
    try {
      const response = await client.request(method, `/${id}`);
      const body = latin1Text(await response.readAll());
      found[id] = outcome(response.status, body, response.headers.x ?? "");
    } catch {
      found[id] = REFUSED;
    }
  });
  return found;
}

async function inTurns(
  rows: readonly WorldRow[],
  act: (row: WorldRow, id: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: 8 }, async () => {
    while (next < rows.length) {
      const id = next++;
      await act(rows[id], id);
    }
  }));
}

/** Those that read the same, and what they have to be run by. */
export const PEERS_THAT_READ = {
  "curl": { wants: ["curl"], read: byCurl },
  "http.client of Python": {
    wants: ["python3"],
    read: async ({ port }, rows) => {
      const args = [PEERS + "read.py", `${port}`, `${rows.length}`];
      args.push(methodsOf(rows));
      return outcomes(JSON.parse(await ask(program("python3"), args)));
    },
  },
  "node:http": { wants: ["node"], read: byNode("http") },
  "fetch of Node": { wants: ["node"], read: byNode("fetch") },
  "fetch of Deno": { wants: [], read: byFetch },
} as const satisfies Record<
  string,
  { wants: readonly ("curl" | "node" | "python3")[]; read: Read }
>;

/** The name of one of them. */
export type Reader = keyof typeof PEERS_THAT_READ;
