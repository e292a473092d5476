// What an application's listeners throw would end a process: so each fault has
// one of its own.
import { assert, assertEquals } from "@std/assert";

/** What the script for it prints. */
interface Outcome {
  reports: string[];
  ended: string | number | null;
  served: string;
}

async function run(
  name: string,
  teller: string,
): Promise<Outcome & { stderr: string }> {
  const script = new URL("../support/listener_faults.ts", import.meta.url);
  const { stdout, stderr, code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script.href, name, teller],
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assertEquals(code, 0, text(stderr));
  return { ...JSON.parse(text(stdout)), stderr: text(stderr) };
}

const FAILED = "close:1011:";

/** Faults, and what the peer's WebSocket comes to. */
const FAULTS: Record<string, string | null> = {
  "onmessage": FAILED,
  "a listener for messages": FAILED,
  "a listener for the first message": FAILED,
  "an object that listens": FAILED,
  "an object that cannot listen": FAILED,
  "an async onmessage": FAILED,
  "an async listener": FAILED,
  "onmessage for what came before": FAILED,
  "onclose": "close:1005:",
  "an async onclose": "close:1005:",
  "onerror": "close:1002:Frame has a reserved opcode",
  "onopen": FAILED,
  "a handler": FAILED,
  "a listener for abort": null,
  "onabort": null,
  "an async listener for abort": null,
  "an async onabort": null,
  "a listener of a signal that follows": null,
};

for (const [name, end] of Object.entries(FAULTS)) {
  for (const teller of ["onError", "stderr"]) {
    Deno.test(`HttpServer outlives ${name} that fails, and tells ${teller}`, async () => {
      const { reports, ended, served, stderr } = await run(name, teller);
      assertEquals(served, "ok");
      assertEquals(ended, end);
      const expected = name === "an object that cannot listen"
        ? /handleEvent is not a function/g
        : /at fault/g;
      if (teller === "onError") {
        assertEquals(reports.length, 1, reports.join());
        assert(reports[0].search(expected) >= 0);
        assertEquals(stderr.match(expected), null);
      } else {
        assertEquals(reports, []);
        // Once: what Deno shows of the source is another line.
        const lines = stderr.split("\n").filter((line) =>
          /Error: /.test(line) && line.search(expected) >= 0
        );
        assertEquals(lines.length, 1, stderr);
      }
    });
  }
}

Deno.test("HttpServer outlives an onError that fails, and tells standard error", async () => {
  const { served, stderr } = await run("an async onError", "stderr");
  assertEquals(served, "ok");
  assert(/Error in onError: Error: at fault/.test(stderr), stderr);
});

Deno.test("HttpClient outlives an onmessage that fails, and tells standard error", async () => {
  const { served, ended, stderr } = await run("a client's onmessage", "");
  assertEquals(served, "ok");
  assertEquals(ended, 1011);
  assertEquals(stderr.match(/Error: at fault/g)?.length, 1, stderr);
});

Deno.test("HttpClient outlives what a connect of one's own throws at its end", async () => {
  const { served, stderr } = await run("a client's connect", "");
  assertEquals(served, "ok");
  assertEquals(stderr.match(/Error: at fault/g)?.length, 2, stderr);
});
