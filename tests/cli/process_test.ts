// The command as a process, with the permissions that each needs and no more.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { HttpClient } from "../../client.ts";
import { Lines } from "../examples/example.ts";
import { Scene } from "../support/serving.ts";
import { wanting } from "../support/wanting.ts";

const CLI = fromFileUrl(import.meta.resolve("../../cli.ts"));

function command(
  permissions: string[],
  args: string[],
  env: Record<string, string> = {},
): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", ...permissions, CLI, ...args],
    env: { DENO_NO_UPDATE_CHECK: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

async function outcome(
  permissions: string[],
  args: string[],
  env?: Record<string, string>,
): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await command(permissions, args, env)
    .output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

Deno.test("cli.ts needs for each option what docs/command.md says", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/whole`, "0123456789");
  await Deno.writeTextFile(`${folder}/part`, "0123");
  await Deno.writeTextFile(`${folder}/.netrc`, "default login me password pw");
  await using scene = new Scene((client) =>
    client.path === "/file"
      ? client.respondFile(`${folder}/whole`)
      : client.respond(client.headers.authorization ?? client.headers.cookie, {
        headers: { "set-cookie": "a=1" },
      })
  );
  const { url } = scene.server;
  const net = "--allow-net";
  const disk = [`--allow-read=${folder}`, `--allow-write=${folder}`];
  const env = ["--allow-env=HOME,XDG_CONFIG_HOME,NETRC"];
  const home = { HOME: folder };
  const rows: [permissions: string[], args: string[], out: string][] = [
    [
      [net, ...disk],
      [`${url}file`, "-o", `${folder}/part`, "-C", "-", "-w", "%{http_code}"],
      "206",
    ],
    [[net, ...disk], [url, "-c", `${folder}/jar`, "-q"], ""],
    [[net, ...disk], [url, "-b", `${folder}/jar`], "a=1"],
    [[net, ...disk, ...env], [url, "--session", "s"], ""],
    [[net, ...disk, ...env], [url, "--session", "s"], "a=1"],
    [[net, disk[0], ...env], [url, "-n", "--basic"], `Basic ${btoa("me:pw")}`],
    [
      [net],
      [`${url}{a,b}`, "-m", "9", "--retry", "2", "q==1", "--parallel", "2"],
      "",
    ],
  ];
  for (const [permissions, args, out] of rows) {
    assertEquals(
      await outcome(permissions, args, home),
      { code: 0, out, err: "" },
      args.join(" "),
    );
  }
  assertEquals(await Deno.readTextFile(`${folder}/part`), "0123456789");
  for (
    const args of [["help"], ["help", "serve"], ["completions", "zsh"], ["man"]]
  ) {
    const { code, out, err } = await outcome([], args);
    assertEquals([code, err], [0, ""]);
    assert(out.length > 100);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("cli.ts serves, echoes and looks on with little permission", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/users`, "me:pw\n");
  await Deno.mkdir(`${folder}/site`);
  await using scene = new Scene((client) =>
    client.respond({ path: client.path })
  );
  const backend = scene.server.url.replace(/\/$/, "");
  const read = `--allow-read=${folder}`;
  const write = `--allow-write=${folder}/site`;
  const log = /"GET \/ HTTP\/1.1" 200 /;
  const rows: [permissions: string[], args: string[], said: RegExp][] = [
    [["--allow-net", read, write], [
      ...["serve", `${folder}/site`, "-p", "0", "--auth", `@${folder}/users`],
      ...["--write", "--archive", "--tls-self-signed", "--proxy", "/b=:1"],
    ], log],
    [["--allow-net", read], [
      ...["serve", `${folder}/site`, "--listen", "0", "--listen", "0"],
      ...["--live", "--gzip-static"],
    ], log],
    [["--allow-net"], ["echo", "-p", "0"], log],
    [["--allow-net"], ["inspect", "0", backend], /^#1 > GET \/ HTTP\/1.1$/],
  ];
  for (const [permissions, args, said] of rows) {
    const child = command(permissions, args).spawn();
    const output = new Lines(child.stdout);
    const errors = new Lines(child.stderr);
    const [, url] = await errors.until(/ on (https?:\S+)$/);
    await using client = new HttpClient(url, {
      insecure: true,
      auth: { basic: ["me", "pw"] },
      headers: { accept: "application/json" },
    });
    assertEquals((await (await client.get("")).json()).path, "/");
    await output.until(said);
    if (args.includes("--write")) {
      const statuses = [
        await client.put("a", { data: "1" }),
        await client.put("a", { data: "22" }),
        await client.delete("a"),
      ].map(({ status }) => status);
      assertEquals(statuses, [201, 204, 204]);
    }
    child.kill("SIGINT");
    await Promise.all([output.rest(), errors.rest()]);
    assertEquals((await child.status).code, 0);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test({
  ...wanting("cli.ts ends without a word where its pipe is closed", "Linux"),
  async fn() {
    await using scene = new Scene(async (client) => {
      client.responseStream();
      while (await client.sendChunk("line\n".repeat(10_000)));
    });
    const run = `"${Deno.execPath()}" run -A --no-check "${CLI}"`;
    const { stdout, stderr } = await new Deno.Command("sh", {
      args: [
        "-c",
        `{ { ${run} "${scene.server.url}"; echo $? >&3; } | head -n1; } 3>&1`,
      ],
      env: { DENO_NO_UPDATE_CHECK: "1" },
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    assertEquals(decoder.decode(stderr), "");
    assertMatch(decoder.decode(stdout), /^line\n23\n$/);
  },
});
