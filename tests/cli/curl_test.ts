// Everyday tasks, done by us and by curl: the same goes over the wire, and it
// comes to the same where it means the same.
import { assertEquals } from "@std/assert";
import { type RawRequest, RawServer } from "../support/raw_server.ts";
import { Scene } from "../support/serving.ts";
import { program, wanting } from "../support/wanting.ts";
import { run } from "./fake_io.ts";

/** What of a request is compared; the rest each has in its own way. */
const FIELDS = [
  "host",
  "content-type",
  "content-length",
  "authorization",
  "cookie",
  "range",
  "x-a",
  "user-agent",
  "accept",
];

interface Task {
  name: string;
  /** URL stands for the server's. */
  ours: string[];
  curls: string[];
  input?: string;
  /** Fields that may differ. */
  but?: string[];
  /** How the server answers. */
  status?: number;
}

const TASKS: Task[] = [
  { name: "to get", ours: ["URL/a?b=c"], curls: ["URL/a?b=c"] },
  { name: "the head alone", ours: ["-I", "URL/"], curls: ["-I", "URL/"] },
  {
    name: "to delete",
    ours: ["DELETE", "URL/1"],
    curls: ["-X", "DELETE", "URL/1"],
  },
  { name: "a form", ours: ["URL", "-d", "a=1"], curls: ["URL", "-d", "a=1"] },
  {
    name: "a form of two",
    ours: ["URL", "-d", "a=1", "-d", "b=2"],
    curls: ["URL", "-d", "a=1", "-d", "b=2"],
  },
  {
    name: "a form by words",
    ours: ["URL", "a=x y", "b=č&"],
    curls: ["URL", "--data-urlencode", "a=x y", "--data-urlencode", "b=č&"],
  },
  {
    name: "a file as data",
    ours: ["URL", "-d", "@FILE"],
    curls: ["URL", "--data-binary", "@FILE"],
  },
  {
    name: "the input as data",
    ours: ["URL", "-d", "@-"],
    curls: ["URL", "--data-binary", "@-"],
    input: "a\r\nb",
  },
  {
    name: "JSON",
    ours: ["URL", "-j", '{"a":1}'],
    curls: ["URL", "--json", '{"a":1}'],
    but: ["accept"],
  },
  {
    name: "JSON by words",
    ours: ["URL", "-j", "a:=1", "b=x"],
    curls: ["URL", "--json", '{"a":1,"b":"x"}'],
    but: ["accept"],
  },
  {
    name: "JSON by PUT",
    ours: ["PUT", "URL", "-j", "[]"],
    curls: ["-X", "PUT", "URL", "--json", "[]"],
    but: ["accept"],
  },
  {
    name: "to put a file",
    ours: ["PUT", "URL/x.txt", "-f", "FILE"],
    curls: ["-T", "FILE", "URL/x.txt"],
    but: ["content-type"],
  },
  {
    name: "data behind the URL",
    ours: ["-G", "URL?x", "-d", "a=1", "-d", "b=2"],
    curls: ["-G", "URL?x", "-d", "a=1", "-d", "b=2"],
  },
  {
    name: "a query by words",
    ours: ["URL", "q==a b", "r==č&"],
    curls: [
      "-G",
      "URL",
      ...["--data-urlencode", "q=a b", "--data-urlencode", "r=č&"],
    ],
  },
  {
    name: "a header",
    ours: ["URL", "-H", "X-A: 1"],
    curls: ["URL", "-H", "X-A: 1"],
  },
  {
    name: "a header by a word",
    ours: ["URL", "X-A:1"],
    curls: ["URL", "-H", "X-A: 1"],
  },
  {
    name: "another type",
    ours: ["URL", "-d", "x", "-H", "Content-Type: text/plain"],
    curls: ["URL", "-d", "x", "-H", "Content-Type: text/plain"],
  },
  {
    name: "no type",
    ours: ["URL", "-d", "x", "-H", "Content-Type:"],
    curls: ["URL", "-d", "x", "-H", "Content-Type:"],
  },
  {
    name: "another agent",
    ours: ["URL", "-H", "User-Agent: me"],
    curls: ["URL", "-A", "me"],
  },
  {
    name: "another host",
    ours: ["URL", "-H", "Host: a.example"],
    curls: ["URL", "-H", "Host: a.example"],
  },
  {
    name: "Basic",
    ours: ["URL", "-u", "me:pw", "--basic"],
    curls: ["URL", "-u", "me:pw"],
  },
  {
    name: "a token",
    ours: ["URL", "--bearer", "abc"],
    curls: ["URL", "--oauth2-bearer", "abc"],
  },
  {
    name: "cookies",
    ours: ["URL", "-b", "a=1; b=2"],
    curls: ["URL", "-b", "a=1; b=2"],
  },
  {
    name: "the rest of a file",
    ours: ["URL", "-C", "-", "-o", "PART"],
    curls: ["URL", "-C", "-", "-o", "PART"],
    status: 206,
  },
  {
    name: "a status to fail by",
    ours: ["URL", "--fail"],
    curls: ["URL", "--fail"],
    status: 404,
  },
  {
    name: "a status that is no fault",
    ours: ["URL"],
    curls: ["URL"],
    status: 500,
  },
  {
    name: "what is said afterwards",
    ours: ["URL", "-w", "%{http_code} %{size_download} %{content_type}\\n"],
    curls: ["URL", "-w", "%{http_code} %{size_download} %{content_type}\\n"],
  },
  { name: "head and body", ours: ["-i", "URL"], curls: ["-i", "URL"] },
];

/** What went over the wire, and what it came to. */
interface Did {
  line: string;
  fields: Record<string, string | undefined>;
  body: string;
  code: number;
  out: string;
}

/** A form's text where there are two ways to write it, in one. */
function plain(text: string): string {
  return text.replaceAll("+", "%20")
    .replaceAll(/%[0-9a-f]{2}/gi, (code) => code.toUpperCase());
}

function lowered(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

async function doing(
  args: string[],
  but: string[],
  status: number,
  start: (args: string[]) => Promise<{ code: number; out: string }>,
): Promise<Did> {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/file.txt`, "line\nline\n");
  await Deno.writeTextFile(`${folder}/part.txt`, "0123");
  let seen = null as RawRequest | null;
  await using server = RawServer.listen(async (peer) => {
    seen = await peer.head();
    const { method, head } = seen;
    const headers = seen.headers = lowered(seen.headers);
    if (/^expect:/im.test(head)) {
      await peer.say("HTTP/1.1 100 Continue\r\n\r\n");
    }
    const length = Number(headers["content-length"] ?? 0);
    seen.body = new TextDecoder().decode(await peer.bytes(length));
    const range = status === 206 ? "Content-Range: bytes 4-5/6\r\n" : "";
    await peer.say(
      `HTTP/1.1 ${status} X\r\nContent-Type: text/plain\r\n${range}` +
        "Content-Length: 2\r\nConnection: close\r\n\r\n" +
        (method === "HEAD" ? "" : "ok"),
    );
    await peer.gone();
  });
  const given = args.map((arg) =>
    arg.replace("URL", server.url).replace("FILE", `${folder}/file.txt`)
      .replace("PART", `${folder}/part.txt`)
  );
  const { code, out } = await start(given);
  const part = await Deno.readTextFile(`${folder}/part.txt`);
  await Deno.remove(folder, { recursive: true });
  const { method, target, headers, body } = seen!;
  const all: Record<string, string | undefined> = { ...headers };
  // Which name a client gives itself, and its port, is its own affair.
  if (/^(?:curl|uhttp)\//.test(all["user-agent"] ?? "")) {
    delete all["user-agent"];
  }
  all.host = all.host?.replace(/^127\.0\.0\.1:\d+$/, "here");
  const fields = Object.fromEntries(
    FIELDS.filter((name) => !but.includes(name)).map((
      name,
    ) => [name, all[name]]),
  );
  return {
    line: `${method} ${plain(target)}`,
    fields,
    body: plain(body),
    code,
    // Names of fields have no case; which of them is shown is one's own affair.
    out: out.replaceAll(/^[\w-]+: /gm, (name) => name.toLowerCase()) + part,
  };
}

for (const { name, ours, curls, input = "", but = [], status = 200 } of TASKS) {
  Deno.test({
    ...wanting(`uhttp does as curl does: ${name}`, "curl"),
    async fn() {
      const we = await doing(ours, but, status, (args) => run(args, { input }));
      const curl = await doing(curls, but, status, async (args) => {
        const child = new Deno.Command(program("curl"), {
          args: ["-sS", "--noproxy", "*", ...args],
          stdin: "piped",
          stdout: "piped",
          stderr: "null",
        }).spawn();
        const writer = child.stdin.getWriter();
        await writer.write(new TextEncoder().encode(input));
        await writer.close();
        const { code, stdout } = await child.output();
        return { code, out: new TextDecoder().decode(stdout) };
      });
      assertEquals(we, curl);
    },
  });
}

/** Faults, and the code that both have for them. */
const FAULTS: [name: string, ours: string[], curls: string[], code: number][] =
  [
    ["a name that is unknown", ["http://x.invalid"], ["http://x.invalid"], 6],
    ["nobody who listens", ["127.0.0.1:1"], ["127.0.0.1:1"], 7],
    ["an option that is none", ["--nope", "a"], ["--nope", "a"], 2],
    [
      "too many redirects",
      [
        ...["URL", "-L", "--max-redirects", "2"],
      ],
      ["URL", "-L", "--max-redirs", "2"],
      47,
    ],
    ["a file that cannot be written", ["URL/x", "-o", "/nowhere/x", "-L"], [
      ...["URL/x", "-o", "/nowhere/x"],
    ], 23],
    ["too long", ["URL/slow", "-m", "0.2"], ["URL/slow", "-m", "0.2"], 28],
    ["a proxy that is unknown", ["http://a", "-x", "http://x.invalid"], [
      ...["http://a", "-x", "http://x.invalid"],
    ], 5],
  ];

for (const [name, ours, curls, code] of FAULTS) {
  Deno.test({
    ...wanting(`uhttp comes to what curl comes to: ${name}`, "curl"),
    async fn() {
      await using scene = new Scene(async (client) => {
        if (client.path === "/slow") {
          await new Promise((resolve) =>
            client.signal.addEventListener("abort", resolve)
          );
          return;
        }
        if (client.path === "/x") client.respond("x");
        else client.respondRedirect("/");
      });
      const url = scene.server.url.replace(/\/$/, "");
      const at = (args: string[]) => args.map((arg) => arg.replace("URL", url));
      assertEquals((await run(at(ours))).code, code);
      const curl = await new Deno.Command(program("curl"), {
        args: ["-sS", ...at(curls)],
        stdin: "null",
      }).output();
      assertEquals(curl.code, code);
    },
  });
}

Deno.test({
  ...wanting("uhttp asks for the URLs that curl asks for", "curl"),
  async fn() {
    let seen: string[] = [];
    await using scene = new Scene((client) => {
      seen.push(client.url);
      client.respond(client.url);
    });
    const { url } = scene.server;
    const folder = await Deno.makeTempDir();
    const asked: unknown[] = [];
    for (const who of ["uhttp", "curl"]) {
      seen = [];
      const args = [
        `${url}{a,b}/[1-3:2]?[x-z:2]`,
        `${url}[08-10]`,
        ...["-o", `${folder}/${who}-#1-#2-#3`],
      ];
      if (who === "uhttp") assertEquals((await run(args)).code, 0);
      else {
        // Each of its URLs has an output of its own.
        const { code } = await new Deno.Command(program("curl"), {
          args: ["-sS", "--noproxy", "*", ...args, ...args.slice(2)],
          stdin: "null",
          stderr: "null",
        }).output();
        assertEquals(code, 0);
      }
      const saved = [...Deno.readDirSync(folder)]
        .filter(({ name }) => name.startsWith(who))
        .map(({ name }) => [
          name.slice(who.length),
          Deno.readTextFileSync(`${folder}/${name}`),
        ]);
      asked.push([seen, saved.sort()]);
    }
    await Deno.remove(folder, { recursive: true });
    assertEquals(asked[0], asked[1]);
    assertEquals(seen.length, 11);
  },
});
