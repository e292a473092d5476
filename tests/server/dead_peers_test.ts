import { assertEquals } from "@std/assert";

/** A network of one's own, in which packets can be lost. */
const UNSHARE = ["unshare", "--net", "--"];

async function canUnshare(): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(UNSHARE[0], {
      args: [...UNSHARE.slice(1), "ip", "link", "set", "lo", "up"],
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch {
    return false;
  }
}

Deno.test({
  name: "HttpServer notices dead peers by the system's keep-alive",
  ignore: Deno.build.os !== "linux" || !await canUnshare(),
}, async () => {
  const script = new URL("../support/dead_peers.ts", import.meta.url);
  const { stdout, stderr, success } = await new Deno.Command(UNSHARE[0], {
    args: [
      ...UNSHARE.slice(1),
      Deno.execPath(),
      "run",
      "-A",
      "--no-check",
      script.href,
    ],
    signal: AbortSignal.timeout(30_000),
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const [first, ...gone] = text(stdout).trim().split("\n");
  assertEquals([success, first], [true, "all are there"], text(stderr));
  assertEquals(gone.sort(), ["held", "hijacked", "silent", "unread"]);
});
