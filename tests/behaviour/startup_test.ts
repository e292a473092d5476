// Node's built-in modules take longer to load than all of ours: what does not
// need them must not pay for them. Each program runs in a process of its own,
// whose log names what was loaded of Node.
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { makePair } from "../support/certificates.ts";
import { wanting } from "../support/wanting.ts";

const PROGRAMS = fromFileUrl(
  new URL("../support/startup_programs.ts", import.meta.url),
);

/** The modules of Node that a program loads, other than by importing them. */
async function loadedBy(...args: string[]): Promise<string[]> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--log-level=debug", PROGRAMS, ...args],
    env: { NO_COLOR: "1" },
    stdout: "null",
  }).output();
  const log = new TextDecoder().decode(stderr);
  assert(success, log.slice(log.search(/^error/m)));
  return [...new Set(log.match(/\bext:deno_node\/[\w./]+/g))].sort();
}

/** A timer of Deno's is one of Node's; no server can be without. */
let timers: Promise<string[]> | null = null;

async function loadedBeyondTimers(...args: string[]): Promise<string[]> {
  const known = await (timers ??= loadedBy("a timer"));
  return (await loadedBy(...args)).filter((name) => !known.includes(name));
}

Deno.test("parse.ts loads nothing of Node", async () => {
  assertEquals(await loadedBy("a parser"), []);
});

for (const name of ["a server", "a client", "a WebSocket"]) {
  Deno.test(`${name} loads no more of Node than a timer does`, async () => {
    assertEquals(await loadedBeyondTimers(name), []);
  });
}

for (
  const [name, module] of [
    ["a server that compresses", "zlib"],
    ["a client that answers Digest", "crypto"],
    ["a WebSocket with compression", "zlib"],
  ]
) {
  Deno.test(`${name} loads node:${module} when it needs it`, async () => {
    const loaded = await loadedBeyondTimers(name);
    assert(loaded.some((path) => path.includes(module)), loaded.join("\n"));
  });
}

for (
  const [name, module] of [
    ["a server with TLS", "crypto"],
    ["a client that checks no certificate", "tls"],
  ]
) {
  Deno.test({
    ...wanting(`${name} loads node:${module} when it needs it`, "OpenSSL 3"),
    fn: async () => {
      const { cert, key } = await makePair();
      const folder = await Deno.makeTempDir();
      try {
        const files = [`${folder}/cert.pem`, `${folder}/key.pem`];
        Deno.writeTextFileSync(files[0], cert);
        Deno.writeTextFileSync(files[1], key);
        const loaded = await loadedBeyondTimers(name, ...files);
        assert(loaded.some((path) => path.includes(module)), loaded.join("\n"));
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}
