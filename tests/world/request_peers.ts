import { ParseEvent, ResponseParser } from "@uhttp/uhttp/parse";
import { latin1Bytes, latin1Text } from "../support/bytes.ts";
import { startServer } from "../support/serving.ts";
import { program, type ProgramName } from "../support/wanting.ts";
import { END, understood, type WorldRequest } from "./request_rows.ts";

const PEERS = new URL("peers/", import.meta.url).pathname;
/** Who says nothing for so long, in ms, waits for more. */
const QUIET = 400;
const WAITS = "waits";

/** A server that tells of each request how it was understood. */
export interface Telling extends AsyncDisposable {
  readonly port: number;
}

/** That of this library. */
export function startOurs(): Telling {
  const server = startServer();
  const served = (async () => {
    for await (const client of server) {
      const body = latin1Text(client.rawData);
      const { method, url, headers } = client;
      client.respond({ method, url, x: headers.x ?? "", body });
    }
  })();
  return {
    port: server.port,
    async [Symbol.asyncDispose]() {
      await server.close();
      await served;
    },
  };
}

function startDeno(): Telling {
  const options = {
    hostname: "127.0.0.1",
    port: 0,
    onListen() {},
    onError: () => new Response(null, { status: 400 }), // a body that is none
  };
  const server = Deno.serve(options, async (request) => {
    const body = latin1Text(new Uint8Array(await request.arrayBuffer()));
    const x = request.headers.get("x") ?? "";
    const url = request.url.replace(/^http:\/\/[^/?]*/, "");
    return Response.json({ method: request.method, url, x, body });
  });
  return {
    port: server.addr.port,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function startProgram(name: ProgramName, file: string): Promise<Telling> {
  const child = new Deno.Command(program(name), {
    args: [PEERS + file],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const output = child.stdout.getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await output.read();
    if (done) throw new Error(`${name} has ended`);
    text += latin1Text(value);
  }
  return {
    port: Number(text),
    async [Symbol.asyncDispose]() {
      await child.stdin.close(); // it ends with that
      while (!(await output.read()).done);
      await child.status;
    },
  };
}

/** Those that are asked the same. */
export const PEERS_THAT_SERVE = {
  "node:http": {
    wants: ["node"],
    start: () => startProgram("node", "serve_node.mjs"),
  },
  "Deno.serve": { wants: [], start: startDeno },
  "Bun": { wants: ["bun"], start: () => startProgram("bun", "serve_bun.mjs") },
} as const;

/** The name of one of them. */
export type Serving = keyof typeof PEERS_THAT_SERVE;

/** What came of each row: how it was understood, or the status of a refusal. */
export async function serve(
  { port }: Pick<Telling, "port">,
  rows: readonly WorldRequest[],
): Promise<string[]> {
  const found: string[] = [];
  let next = 0;
  await Promise.all(Array.from({ length: 16 }, async () => {
    while (next < rows.length) {
      const id = next++;
      found[id] = await answersTo(port, rows[id].bytes + END);
    }
  }));
  return found;
}

async function answersTo(port: number, text: string): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const parser = new ResponseParser();
  const answers: string[] = [];
  let body = "";
  const sent = writeAll(conn, latin1Bytes(text)).catch(() => {});
  const buffer = new Uint8Array(65_536);
  reading: for (;;) {
    const length = await orQuiet(conn.read(buffer).catch(() => null));
    if (length === null) break;
    if (length === WAITS) {
      answers.push(WAITS);
      conn.close();
      break;
    }
    parser.push(buffer.subarray(0, length));
    for (;;) {
      const event = parser.next();
      if (event === ParseEvent.MORE) break;
      if (event === ParseEvent.FAILED) break reading;
      if (event === ParseEvent.HEAD) body = "";
      else if (event === ParseEvent.BODY) body += latin1Text(parser.body);
      else answers.push(answerOf(parser.status, body));
    }
  }
  if (parser.endInput()) answers.push(answerOf(parser.status, body));
  await sent;
  return answers.join("; ");
}

function answerOf(status: number, body: string): string {
  if (status !== 200) return String(status);
  return understood(JSON.parse(new TextDecoder().decode(latin1Bytes(body))));
}

async function orQuiet<T>(read: Promise<T>): Promise<T | typeof WAITS> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const quiet = new Promise<typeof WAITS>((resolve) =>
    timer = setTimeout(() => resolve(WAITS), QUIET)
  );
  try {
    return await Promise.race([read, quiet]);
  } finally {
    clearTimeout(timer);
  }
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await conn.write(bytes.subarray(at));
  }
}
