import { assertEquals, assertMatch } from "@std/assert";
import { RawClient } from "../support/raw_client.ts";
import { wanting } from "../support/wanting.ts";
import { Example } from "./example.ts";

const PROCESSES = 3;

// Only Linux deals connections out, so all tests here want it.

/** Starts a cluster; returns it when all of its processes listen. */
async function startCluster(): Promise<[Example, Set<number>]> {
  const args = ["0", String(PROCESSES)];
  const example = await Example.start("cluster.ts", { args });
  const pids = new Set([example.pid]);
  while (pids.size < PROCESSES) {
    const [, pid] = await example.output.until(/in process (\d+)$/);
    pids.add(Number(pid));
  }
  return [example, pids];
}

Deno.test({
  ...wanting("cluster.ts answers from several processes", "Linux"),
  async fn() {
    const [cluster, pids] = await startCluster();
    await using example = cluster;
    const seen = new Set<number>();
    // The system deals connections out by a hash of their ports.
    for (let i = 0; i < 200 && seen.size < 2; i++) {
      using peer = await RawClient.connect(example);
      await peer.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
      const { pid, path } = JSON.parse((await peer.response()).body);
      assertEquals(path, "/x");
      seen.add(pid);
    }
    assertEquals(seen.size, 2);
    assertEquals(seen.difference(pids).size, 0);
  },
});

for (const signal of ["SIGINT", "SIGKILL"] as const) {
  Deno.test({
    ...wanting(`cluster.ts leaves no process behind after ${signal}`, "Linux"),
    async fn() {
      const [cluster] = await startCluster();
      await using example = cluster;
      // stop() reads to the end of what the workers write as well.
      const status = await example.stop(signal);
      assertEquals(status.code, signal === "SIGKILL" ? 137 : 0);
      assertEquals(example.errors.text, "");
    },
  });
}

Deno.test({
  ...wanting("cluster.ts ends as a whole when a process fails", "Linux"),
  async fn() {
    const [cluster, pids] = await startCluster();
    await using example = cluster;
    const worker = [...pids].find((pid) => pid !== example.pid)!;
    Deno.kill(worker, "SIGKILL");
    await example.output.rest();
    assertMatch(example.output.text, /^Listening on /);
    assertEquals((await example.stop()).code, 1);
  },
});
