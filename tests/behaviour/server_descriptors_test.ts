import { assert, assertEquals } from "@std/assert";
import { RawClient } from "../support/raw_client.ts";
import { wanting } from "../support/wanting.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
/** Descriptors that the server's process may have. */
const FEW = 100;

interface FewServer extends AsyncDisposable {
  connect(): Promise<RawClient>;
  /** What it has reported. */
  errors(): Promise<string>;
}

async function fewServer(): Promise<FewServer> {
  const script = new URL("../support/few_descriptors.ts", import.meta.url);
  const process = new Deno.Command("sh", {
    args: [
      "-c",
      `ulimit -n ${FEW}; exec "$0" run -A --no-check "$1"`,
      Deno.execPath(),
      script.href,
    ],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(process.stderr).text();
  const lines = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const port = Number((await lines.read()).value);
  const addr = { transport: "tcp", hostname: "127.0.0.1", port } as const;
  const peers: RawClient[] = [];
  return {
    async connect() {
      const peer = await RawClient.connect({ addr });
      peers.push(peer);
      return peer;
    },
    errors: () => errors,
    async [Symbol.asyncDispose]() {
      for (const peer of peers) peer.close();
      process.kill();
      await Promise.all([process.status, errors, lines.cancel()]);
    },
  };
}

Deno.test({
  ...wanting(
    "HttpServer serves new peers where idle ones have all descriptors",
    "Unix sockets", // and a shell that knows ulimit
  ),
}, async () => {
  await using server = await fewServer();
  const idle: RawClient[] = [];
  for (let i = 0; i < 2 * FEW; i++) {
    const peer = await server.connect();
    await peer.send(GET);
    assertEquals((await peer.response()).status, 200);
    idle.push(peer);
  }
  // Files have descriptors as well.
  const peer = await server.connect();
  for (let i = 0; i < 20; i++) {
    await peer.send(GET.replace("/", "/file"));
    assertEquals((await peer.response()).status, 200);
  }
  // The oldest gave way, the youngest are still there.
  assert(!await idle[0].more());
  await idle.at(-1)!.send(GET);
  assertEquals((await idle.at(-1)!.response()).status, 200);
});
