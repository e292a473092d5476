// The same requests for parts of a file, and on conditions, to us and to nginx,
// and each difference with its reason.
import { assert, assertEquals } from "@std/assert";
import { HttpClient } from "@uhttp/uhttp";
import { startServer } from "../support/serving.ts";
import { program, wanting } from "../support/wanting.ts";
import { unnamed } from "./differences.ts";
import { answered, CONTENT, worldRanges as rows } from "./range_rows.ts";
import type { Difference } from "./response_differences.ts";

/** By kind: where nginx answers otherwise. What is not here is the same. */
const DIFFERENCES: Record<string, Difference<"nginx">> = {
  "a range that is none": {
    why: "RFC 9110 14.2: an invalid `Range` is ignored",
    otherwise: ["nginx"],
  },
  "several ranges": {
    why:
      "RFC 9110 14.2: a server may ignore `Range`; only one is answered here",
    otherwise: ["nginx"],
  },
  "white space in it": {
    why: "RFC 9110 14.1.1 has none within a range",
    otherwise: ["nginx"],
  },
  "If-Modified-Since": {
    why: "RFC 9110 13.1.3: later counts as well; nginx compares for the same",
    otherwise: ["nginx"],
  },
  "a time that is none": {
    why: "RFC 9110 13.1.4: it is ignored",
    otherwise: ["nginx"],
  },
};

async function withFile<T>(act: (folder: string) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/file.txt`, CONTENT);
    await Deno.utime(`${folder}/file.txt`, 1_600_000_000, 1_600_000_000);
    return await act(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What a server answers to each row. */
async function answersOf(base: string): Promise<string[]> {
  await using client = new HttpClient(base, { decompress: false });
  const { headers } = await client.head("/file.txt");
  const filled = (value: string) =>
    value.replace("{tag}", headers.etag)
      .replace("{time}", headers["last-modified"]);
  const found: string[] = [];
  for (const { headers } of rows) {
    const sent = Object.entries(headers).map(([name, value]) => [
      name,
      filled(value),
    ]);
    const response = await client.get("/file.txt", {
      headers: Object.fromEntries(sent),
    });
    const { status } = response;
    // What an error says in its body is of no matter.
    const body = status < 300 ? await response.text() : "";
    found.push(answered(status, response.headers["content-range"], body));
  }
  return found;
}

Deno.test("respondFile() answers the world's ranges and conditions as each row says", async () => {
  assert(rows.length >= 50, `${rows.length} rows`);
  await withFile(async (root) => {
    await using server = startServer();
    const served = (async () => {
      for await (const client of server) {
        client.respondFile(client.path.slice(1), { root });
      }
    })();
    const found = await answersOf(`http://127.0.0.1:${server.port}`);
    const wrong = rows.flatMap(({ headers, ours }, id) =>
      found[id] === ours ? [] : [{ headers, ours, found: found[id] }]
    );
    assertEquals(wrong, []);
    await server.close();
    await served;
  });
  const kinds = new Set(rows.map(({ kind }) => kind));
  for (const kind of Object.keys(DIFFERENCES)) assert(kinds.has(kind), kind);
});

Deno.test({
  ...wanting(
    "respondFile() and nginx differ in ranges and conditions where it is said, and why",
    "nginx",
  ),
  fn: () =>
    withFile(async (folder) => {
      const probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const { port } = probe.addr;
      probe.close();
      const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
      await Deno.writeTextFile(
        `${folder}/nginx.conf`,
        `daemon off; master_process off; pid ${folder}/nginx.pid;
        error_log stderr notice; events {}
        http { access_log off; ${paths}
          server { listen 127.0.0.1:${port}; root ${folder}; } }`,
      );
      const child = new Deno.Command(program("nginx"), {
        args: ["-c", `${folder}/nginx.conf`, "-p", folder],
        stderr: "piped",
      }).spawn();
      // It says so when it serves.
      const said = child.stderr.getReader();
      let text = "";
      while (!/start worker processes|using the "epoll"/.test(text)) {
        const { value, done } = await said.read();
        if (done) throw new Error(text);
        text += new TextDecoder().decode(value);
      }
      const found = await answersOf(`http://127.0.0.1:${port}`);
      child.kill();
      while (!(await said.read()).done);
      await child.status;
      const judged = rows.map(({ kind, headers, ours }, id) => {
        return { kind, sent: JSON.stringify(headers), ours, theirs: found[id] };
      });
      assertEquals(unnamed(judged, "nginx", DIFFERENCES, () => false), []);
    }),
});
