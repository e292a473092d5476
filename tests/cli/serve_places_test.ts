// Where serve listens, by what certificate, and --live.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { main } from "../../cli.ts";
import { AllowedHosts } from "../../cli/allowed_hosts.ts";
import { selfSigned } from "../../cli/self_signed.ts";
import { program, wanting } from "../support/wanting.ts";
import { qrCode, qrLines } from "../../cli/qr_code.ts";
import { FakeIo, type FakeOptions, run } from "./fake_io.ts";
import { Served } from "./served.ts";

/** Serves a folder with a file `a`, as these arguments say. */
async function serving(
  args: string[],
  use: (folder: string, io: FakeIo) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/a`, "a");
  const io = new FakeIo();
  const given = args.map((arg) => arg.replace("FOLDER", folder));
  const code = main(["serve", folder, ...given], io);
  try {
    await io.stderr.until(/lets others in\n/);
    await use(folder, io);
  } finally {
    io.interrupt();
    assertEquals(await code, 0);
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("serve --listen listens at several places", () =>
  serving(
    ["--listen", "0", "--listen", "127.0.0.1:0", "--listen", "FOLDER/s"],
    async (folder, io) => {
      const said = io.stderr.text;
      assertMatch(said, new RegExp(`on the socket ${folder}/s\\n`));
      const urls = [...said.matchAll(/ on (http\S+)/g)].map(([, url]) => url);
      assertEquals(
        urls.map((url) => new URL(url).hostname),
        ["127.0.0.1", "127.0.0.1"],
      );
      for (const url of urls) {
        assertEquals((await run([`${url}a`])).out, "a");
      }
      const { code, out } = await run([
        "localhost/a",
        "--unix",
        `${folder}/s`,
      ]);
      assertEquals([code, out], [0, "a"]);
      // One of them is for this machine alone, and so are names.
      const strange = await run([`${urls[1]}a`, "Host:evil.example"]);
      assertMatch(strange.out, /^This is not the name/);
    },
  ));

Deno.test("AllowedHosts keeps to names where one of the places is for this machine alone", () => {
  const has = (places: string[]) =>
    new AllowedHosts([], places).has("evil.example");
  assertEquals(has(["0.0.0.0", "127.0.0.1"]), false);
  assertEquals(has(["0.0.0.0", "192.168.1.5"]), true);
  assertEquals(has([]), true); // no page can ask by a Unix socket
});

Deno.test("serve listens nowhere where one of the places cannot be had", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  const { code, err } = await run([
    ...["serve", ".", "--listen", "0", "--listen", `${port}`],
  ]);
  assertEquals(code, 1);
  assertMatch(err, new RegExp(`port ${port}: the port is taken\\n$`));
  const socket = await run([
    ...["serve", ".", "--listen", "./s", "--tls-self-signed"],
  ]);
  assertEquals(
    [socket.code, socket.err],
    [2, "uhttp: No TLS goes by a Unix socket: ./s\n"],
  );
});

Deno.test("serve --tls-self-signed makes a certificate that can be known again", () =>
  serving(
    ["-p", "0", "--tls-self-signed", "--allow-host", "box.example"],
    async (_, io) => {
      const [, url] = await io.stderr.until(/ on (https\S+)\n/);
      const [, said] = await io.stderr.until(/\n {2}((?:[0-9A-F]{2}:?){32})\n/);
      const { connect } = await import("node:tls");
      const { port } = new URL(url);
      const seen = await new Promise<[string, string]>((resolve, reject) => {
        const socket = connect({
          host: "127.0.0.1",
          port: Number(port),
          rejectUnauthorized: false,
        }, () => {
          const { fingerprint256, subjectaltname = "" } = socket
            .getPeerCertificate();
          resolve([fingerprint256, subjectaltname]);
          socket.destroy();
        });
        socket.on("error", reject);
      });
      assertEquals(seen[0], said);
      assertMatch(seen[1], /DNS:localhost.*DNS:box\.example/);
      assertEquals((await run([`${url}a`, "-k"])).out, "a");
      assertEquals((await run([`${url}a`])).code, 60);
    },
  ));

Deno.test("selfSigned() is trusted for its names and addresses by who trusts it", async () => {
  const { cert, key } = await selfSigned(["localhost", "127.0.0.1", "::1"]);
  const listener = Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    cert,
    key,
  });
  const { port } = listener.addr as Deno.NetAddr;
  const accepting = (async () => {
    for await (const conn of listener) {
      conn.handshake().catch(() => {}).finally(() => conn.close());
    }
  })();
  for (const hostname of ["localhost", "127.0.0.1"]) {
    const conn = await Deno.connectTls({ hostname, port, caCerts: [cert] });
    await conn.handshake();
    conn.close();
  }
  listener.close();
  await accepting;
});

Deno.test({
  ...wanting("selfSigned() is as OpenSSL has certificates", "OpenSSL 3"),
  async fn() {
    const names = ["localhost", "10.0.0.1", "2001:db8::ff", "box.example"];
    const now = Date.UTC(2049, 11, 20); // its end has four digits of the year
    const { cert } = await selfSigned(names, now);
    const path = await Deno.makeTempFile();
    await Deno.writeTextFile(path, cert);
    const { stdout } = await new Deno.Command(program("OpenSSL 3"), {
      args: [
        "x509",
        "-in",
        path,
        ...["-noout", "-text", "-certopt", "no_pubkey,no_sigdump"],
      ],
    }).output();
    const verified = await new Deno.Command(program("OpenSSL 3"), {
      args: ["verify", "-CAfile", path, "-no_check_time", path],
    }).output();
    await Deno.remove(path);
    const text = new TextDecoder().decode(stdout);
    assertMatch(text, /Version: 3 /);
    assertMatch(text, /Signature Algorithm: ecdsa-with-SHA256/);
    assertMatch(text, /Not Before: Dec 19 00:00:00 2049 GMT/);
    assertMatch(text, /Not After : Jan 19 00:00:00 2050 GMT/);
    assertMatch(text, /Basic Constraints: critical\s+CA:FALSE/);
    assertMatch(text, /Key Usage: critical\s+Digital Signature/);
    assertMatch(text, /TLS Web Server Authentication/);
    assertMatch(
      text,
      /DNS:localhost, IP Address:10\.0\.0\.1, IP Address:2001:DB8:0:0:0:0:0:FF, DNS:box\.example/,
    );
    assertEquals(verified.code, 0, new TextDecoder().decode(verified.stderr));
  },
});

// ---- QR codes ---------------------------------------------------------------

/** As another program reads it. */
const CODE = `
█████████████████████████████████
█████████████████████████████████
████ ▄▄▄▄▄ ██▀▄██▀▀ ▄█ ▄▄▄▄▄ ████
████ █   █ █▄▀█▄▀██▄██ █   █ ████
████ █▄▄▄█ ██▄▀▀ ▄█  █ █▄▄▄█ ████
████▄▄▄▄▄▄▄█ █▄▀▄▀▄▀▄█▄▄▄▄▄▄▄████
████   ▀▄ ▄  ▀█▀ ▄ ██▄ ▀██▄█▀████
████▀ ▀  █▄▀▄▀ ▄ ▀▄█ ▀   █▄ ▄████
█████▀█▀  ▄▄ █  █  ▄▄▀  █ █▄ ████
████▄▀▄ ▀▀▄▀██ ▀█▀▄▀▄ ▀ ▄▀▄ ▄████
████▄█▄▄█▄▄▄ ▀▄▀   ▄ ▄▄▄  ▀▀▀████
████ ▄▄▄▄▄ █  █▄ ▀▄  █▄█ ▀█ ▄████
████ █   █ █▄█  ▄  ▀  ▄▄ █▀██████
████ █▄▄▄█ █ █▀█▀▀▄▄  ██  █▀▄████
████▄▄▄▄▄▄▄█▄█▄▄▄▄▄█▄▄▄▄███▄▄████
█████████████████████████████████
█████████████████████████████████
`;

Deno.test("qrCode() codes an address, and nothing that is too long", () => {
  const code = qrCode("http://192.168.1.5:8000/")!;
  assertEquals(`\n${qrLines(code, false).join("\n")}\n`, CODE);
  const sizes = [17, 18, 32, 33, 53, 54, 78, 79, 106].map((length) =>
    qrCode("x".repeat(length))!.length
  );
  assertEquals(sizes, [21, 25, 25, 29, 29, 33, 33, 37, 37]);
  assertEquals(qrCode("x".repeat(107)), null);
});

Deno.test("serve shows a QR code on a terminal alone, where others get there", async () => {
  const folder = await Deno.makeTempDir();
  const said = async (args: string[], options: FakeOptions) => {
    const io = new FakeIo(options);
    const code = main(["serve", folder, "-p", "0", ...args], io);
    await io.stderr.until(/^Serving[^]*\n(?: {2}and on|For|\n)/);
    await new Promise((resolve) => setTimeout(resolve, 20));
    io.interrupt();
    assertEquals(await code, 0);
    return io.stderr.text;
  };
  // The test's own addresses are asked for, and there may be none.
  assert(!(await said([], { terminals: "err" })).includes("█"));
  const open = ["--host", "0.0.0.0"];
  const hasOthers = Deno.networkInterfaces().some(({ address, family }) =>
    family === "IPv4" && !address.startsWith("127.")
  );
  assertEquals(
    (await said(open, { terminals: "err" })).includes("█"),
    hasOthers,
  );
  assert(!(await said(open, {})).includes("█"));
  assert(
    !(await said([...open, "--no-qr"], { terminals: "err" })).includes("█"),
  );
  const narrow = { terminals: "err", columns: 30 } as const;
  assert(!(await said(open, narrow)).includes("█"));
  await Deno.remove(folder);
});

// ---- --live -----------------------------------------------------------------

Deno.test("serve --live tells pages of changes, by a line of script", async () => {
  await using served = await Served.start(
    { "index.html": "<p>one", "a.txt": "a", ".git/x": "" },
    "--live",
  );
  const [, page, headers] = await served.get("/");
  assertMatch(
    page,
    /^<p>one\n<script>new EventSource\("\/\.uhttp\/live"\).*<\/script>\n$/,
  );
  assertEquals(page.trim().split("\n").length, 2);
  assertEquals(headers.get("etag"), null);
  assertEquals((await served.get("/a.txt"))[1], "a");
  const events = await fetch(`${served.url}.uhttp/live`);
  assertMatch(events.headers.get("content-type")!, /event-stream/);
  const reader = events.body!.pipeThrough(new TextDecoderStream()).getReader();
  await Deno.writeTextFile(`${served.folder}/.git/x`, "hidden");
  const first = reader.read();
  const quiet = await Promise.race([
    first,
    new Promise((resolve) => setTimeout(() => resolve("quiet"), 300)),
  ]);
  assertEquals(quiet, "quiet");
  await Deno.writeTextFile(`${served.folder}/a.txt`, "b");
  assertMatch((await first).value ?? "", /data: ?changed/);
  // Who listens holds up no end.
  const start = performance.now();
  assertEquals(await served.stop(), 0);
  assert(performance.now() - start < 3000);
  await reader.cancel().catch(() => {});
});

Deno.test("serve --live has a hundred pages listen, no more", async () => {
  await using served = await Served.start({ "a": "a" }, "--live");
  const all = await Promise.all(
    Array.from({ length: 101 }, () => fetch(`${served.url}.uhttp/live`)),
  );
  const statuses = all.map(({ status }) => status).sort();
  assertEquals([statuses[99], statuses[100]], [200, 503]);
  for (const one of all) await one.body?.cancel();
});
