// The program of docs/production.md behind each proxy that the page sets up,
// by the page's own configuration.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { HttpClient } from "@uhttp/uhttp";
import { program, type ProgramName, wanting } from "../support/wanting.ts";
import { readBlocks } from "./blocks.ts";
import { freePort, Running } from "./running.ts";

const [{ code: PROGRAM }] = readBlocks("ts").filter(({ name }) =>
  name.endsWith("A program that runs as a service")
);

function configuration(kind: string, port: number, running: Running): string {
  const [{ code }] = readBlocks(kind);
  return code
    .replaceAll("9980", String(running.ports.get(9980)))
    .replace(/(listen |bind |^)(:?)808\d/m, `$1$2${port}`);
}

/** How a proxy is started on a port, in a folder. */
interface Proxy {
  wants: ProgramName;
  file: string;
  args: string[];
  configure(folder: string, port: number, running: Running): string;
}

const PROXIES: Record<string, Proxy> = {
  nginx: {
    wants: "nginx",
    file: "nginx.conf",
    args: ["-e", "stderr", "-p", ".", "-c", "nginx.conf"],
    configure: (folder, port, running) =>
      `daemon off; master_process off; pid ${folder}/nginx.pid;
      error_log stderr error;
      events {}
      http {
        access_log off;
        client_body_temp_path ${folder}/body;
        proxy_temp_path ${folder}/proxy;
        fastcgi_temp_path ${folder}/fastcgi;
        uwsgi_temp_path ${folder}/uwsgi;
        scgi_temp_path ${folder}/scgi;
        ${configuration("nginx", port, running)}
      }`,
  },
  HAProxy: {
    wants: "haproxy",
    file: "haproxy.cfg",
    args: ["-f", "haproxy.cfg", "-db"],
    configure: (_, port, running) =>
      configuration("haproxy", port, running) + "\n",
  },
  Caddy: {
    wants: "caddy",
    file: "Caddyfile",
    args: ["run", "--adapter", "caddyfile", "--config", "Caddyfile"],
    configure: (folder, port, running) =>
      `{
        admin off
        storage file_system ${folder}
      }
      ${configuration("caddy", port, running)}`,
  },
};

/** A proxy in front of the program, for the length of a test. */
class Front implements AsyncDisposable {
  readonly url: string;
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;

  private constructor(url: string, child: Deno.ChildProcess, folder: string) {
    this.url = url;
    this.#child = child;
    this.#folder = folder;
  }

  static async start(proxy: Proxy, running: Running): Promise<Front> {
    const folder = await Deno.makeTempDir();
    const port = freePort();
    const text = proxy.configure(folder, port, running);
    await Deno.writeTextFile(join(folder, proxy.file), text);
    const child = new Deno.Command(program(proxy.wants), {
      args: proxy.args,
      cwd: folder,
      env: { HOME: folder },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const front = new Front(`http://127.0.0.1:${port}/`, child, folder);
    let isOver = false;
    child.status.then(() => isOver = true);
    while (!isOver) {
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port })).close();
        return front;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
    throw new Error(`${proxy.wants} does not take what the page says`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await this.#child.status;
    await Deno.remove(this.#folder, { recursive: true });
  }
}

for (const [name, proxy] of Object.entries(PROXIES)) {
  Deno.test({
    ...wanting(`docs/production.md: its program behind ${name}`, proxy.wants),
    async fn() {
      await using running = await Running.start(PROGRAM, {});
      await running.listening();
      await using front = await Front.start(proxy, running);
      await using client = new HttpClient(front.url);

      // Events come as they are sent, not once there are many.
      using events = await client.get("/events", { stream: true });
      const first = events.events()[Symbol.asyncIterator]().next();
      const socket = await client.websocket("/ws");
      const made = await client.post("/items", { json: { name: "nut" } });
      assertEquals(made.status, 201);
      const item = { id: 1, name: "nut" };
      assertEquals(JSON.parse((await first).value!.data), item);
      assertEquals(JSON.parse(String(await socket.recv(5000))), item);
      await socket.send("hello");
      assertEquals(await socket.recv(5000), "You said hello");

      const bad = await client.post("/items", {
        data: "{x}",
        headers: { "content-type": "application/json" },
      });
      assertEquals(bad.status, 400);
      assertEquals((await client.post("/items", { json: {} })).status, 422);

      const form = new FormData();
      form.append("film", new File([new Uint8Array(3_000_000)], "a.mp4"));
      const saved = await client.post("/files", { data: form });
      assertEquals(await saved.json(), { "a.mp4": 3_000_000 });

      // On a signal, all of it ends, and nothing that was asked is lost.
      running.signal("SIGTERM");
      assertEquals((await socket.closed).code, 1001);
      await running.end();
      assertMatch(running.out, /^127.* "POST \/items HTTP\/1.1" 201 21 /m);
      assertMatch(running.out, /^127.* "GET \/events HTTP\/1.1" 200 /m);
    },
  });
}

Deno.test({
  ...wanting("docs/production.md: systemd takes its unit", "systemd-analyze"),
  async fn() {
    const [{ code }] = readBlocks("systemd");
    const folder = await Deno.makeTempDir();
    try {
      const unit = join(folder, "app.service");
      const text = code.replaceAll("/usr/local/bin/deno", Deno.execPath());
      await Deno.writeTextFile(unit, text + "\n");
      const { success, stderr } = await new Deno.Command(
        program("systemd-analyze"),
        { args: ["verify", unit] },
      ).output();
      const said = new TextDecoder().decode(stderr);
      assert(success && !said.includes("app.service"), said);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
