import { latin1Bytes, latin1Text } from "../support/bytes.ts";
import { program } from "../support/wanting.ts";
import type { WorldCookie } from "./cookie_rows.ts";

const PEER = new URL("peers/cookies.py", import.meta.url).pathname;

/** Sets the cookie of the row that a host names, and shows what comes back. */
async function answer(
  conn: Deno.Conn,
  rows: readonly WorldCookie[],
): Promise<void> {
  using _ = conn;
  const buffer = new Uint8Array(4096);
  let head = "";
  while (!head.includes("\r\n\r\n")) {
    const length = await conn.read(buffer);
    if (length === null) return;
    head += latin1Text(buffer.subarray(0, length));
  }
  const id = Number(/^Host: h(\d+)\./im.exec(head)![1]);
  const cookie = /^Cookie: (.*?)\r$/im.exec(head)?.[1] ?? "";
  const close = "Connection: close\r\n";
  const text = head.startsWith("GET /dir/back")
    ? `HTTP/1.1 200 OK\r\n${close}Content-Length: ${cookie.length}\r\n\r\n${cookie}`
    : `HTTP/1.1 302 Found\r\n${close}Content-Length: 0\r\n` +
      `Location: /dir/back\r\nSet-Cookie: ${lineOf(rows[id].line, id)}\r\n\r\n`;
  await conn.write(latin1Bytes(text));
}

/** A line for a host of its own, so that no other row's cookies are there. */
function lineOf(line: string, id: number): string {
  return line.replace(/host\.test/i, `h${id}.test`);
}

async function byCurl(rows: readonly WorldCookie[]): Promise<string[]> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const open: Promise<void>[] = [];
  const served = (async () => {
    for await (const conn of listener) open.push(answer(conn, rows));
  })();
  const mark = "<--->";
  const config = rows.map((_, id) =>
    [
      `url = "http://h${id}.test:${port}/dir/set"`,
      `resolve = "h${id}.test:${port}:127.0.0.1"`,
      "silent",
      "location",
      'cookie = ""',
      "max-time = 3",
      `write-out = "${mark}"`,
    ].join("\n")
  ).join("\nnext\n");
  const stdout = await run("curl", ["-q", "-K", "-"], config);
  listener.close();
  await served;
  await Promise.all(open);
  return stdout.split(mark).slice(0, -1);
}

async function byPython(rows: readonly WorldCookie[]): Promise<string[]> {
  const lines = JSON.stringify(rows.map(({ line }) => line));
  return JSON.parse(await run("python3", [PEER], lines));
}

async function run(
  name: "curl" | "python3",
  args: string[],
  input: string,
): Promise<string> {
  const child = new Deno.Command(program(name), {
    args,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { stdout } = await child.output();
  return latin1Text(stdout);
}

/** Others that keep cookies, and what they are run by. */
export const PEERS_THAT_KEEP = {
  "curl": { wants: ["curl"], keep: byCurl },
  "http.cookiejar of Python": { wants: ["python3"], keep: byPython },
} as const;

/** The name of one of them. */
export type Keeping = keyof typeof PEERS_THAT_KEEP;
