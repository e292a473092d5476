// The world's requests to our server through proxies, which keep their connections
// to it: whatever a proxy makes of a row, both find the same number of requests in
// it, and what follows is what was sent.
import { assert, assertEquals } from "@std/assert";
import { program, wanting } from "../support/wanting.ts";
import { serve, startOurs } from "./request_peers.ts";
import { isRefusal, worldRequests } from "./request_rows.ts";

const rows = [
  ...new Map(worldRequests.map((row) => [row.bytes, row])).values(),
];

/** A proxy, and how it is set up to stand before a port. */
interface Proxy {
  file: string;
  args: (file: string, folder: string) => string[];
  config: (port: number, behind: number, folder: string) => string;
  /** Kinds that reach the server in another form. */
  alters: readonly string[];
}

const TEMPORARY = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

const PROXIES: Record<"haproxy" | "nginx", Proxy> = {
  haproxy: {
    file: "haproxy.cfg",
    args: (file) => ["-f", file, "-db"],
    config: (port, behind) =>
      `defaults
    mode http
    timeout connect 2s
    timeout client 5s
    timeout server 5s
frontend front
    bind 127.0.0.1:${port}
    default_backend back
backend back
    http-reuse always
    server one 127.0.0.1:${behind}
`,
    alters: [],
  },
  nginx: {
    file: "nginx.conf",
    args: (file, folder) => ["-c", file, "-p", folder],
    config: (port, behind, folder) =>
      `daemon off; master_process off; pid ${folder}/nginx.pid;
error_log stderr crit; events {}
http {
  access_log off;
  ${TEMPORARY.map((name) => `${name}_temp_path ${folder}/${name};`).join(" ")}
  upstream back { server 127.0.0.1:${behind}; keepalive 4; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://back; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_set_header Host $http_host;
    }
  }
}
`,
    alters: ["a whole URL for a target"], // it takes the path out
  },
};

async function listens(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  throw new Error("Proxy does not listen");
}

/** What came of each row through a proxy. */
async function through(name: "haproxy" | "nginx"): Promise<string[]> {
  const { file, args, config } = PROXIES[name];
  const probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = probe.addr;
  probe.close();
  const folder = await Deno.makeTempDir();
  await using server = startOurs();
  try {
    const path = `${folder}/${file}`;
    await Deno.writeTextFile(path, config(port, server.port, folder));
    const child = new Deno.Command(program(name), {
      args: args(path, folder),
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      await listens(port);
      return await serve({ port }, rows);
    } finally {
      child.kill();
      await child.status;
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const name of ["haproxy", "nginx"] as const) {
  Deno.test({
    ...wanting(
      `HttpServer behind ${name} finds no other requests than it, in any row`,
      name,
    ),
    fn: async () => {
      const found = await through(name);
      const { alters } = PROXIES[name];
      let passed = 0;
      rows.forEach(({ kind, bytes, ours }, id) => {
        const theirs = found[id];
        const shown = `${JSON.stringify(bytes.slice(0, 200))}: ${theirs}`;
        if (isRefusal(theirs)) return;
        passed++;
        const [first, last, ...more] = theirs.split("; ");
        assertEquals(more, [], shown);
        // Behind a doubtful one a proxy may close: then nothing follows.
        if (last !== undefined) assert(/^GET \/end /.test(last), shown);
        assert(!/^GET \/end|GET \/end HTTP/.test(first), shown);
        if (isRefusal(ours) || alters.includes(kind)) return;
        assertEquals(theirs, ours, shown);
      });
      assert(passed > rows.length / 3, `${passed} have passed`);
    },
  });
}
