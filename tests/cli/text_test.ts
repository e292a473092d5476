import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { COLORS, formatJson } from "../../cli/json_color.ts";
import { plainLine, plainText } from "../../cli/plain_text.ts";
import { escapeForLog } from "../../server/log_line.ts";
import { durationText, parseSize, sizeText } from "../../cli/sizes.ts";
import { isExcluded, proxyFromEnv } from "../../cli/proxy_env.ts";
import { commonLogLine, jsonLogLine } from "@uhttp/uhttp";
import { completions, SHELLS } from "../../cli/completions.ts";
import { HELP } from "../../cli/help.ts";
import { type CommandName, longName, OPTIONS } from "../../cli/options.ts";
import { manPage } from "../../cli/man_page.ts";
import { TOPICS, usageOf } from "../../cli/topics.ts";
import { program, wanting } from "../support/wanting.ts";
import { encodeSegment, urlPathOf } from "../../cli/folder.ts";
import { escapeHtml } from "../../cli/listing.ts";
import { safeName } from "../../cli/file_name.ts";

/** Where all the options of a command are told. */
const TOPIC_OF: Readonly<Record<CommandName, string>> = {
  request: "requests",
  ws: "ws",
  serve: "serve",
  echo: "echo",
  inspect: "inspect",
};

const JSONS: [text: string, shown: string | null][] = [
  ["1", "1"],
  [" { } ", "{}"],
  ["[]", "[]"],
  [
    '{"a":1,"b":[true,null],"c":{}}',
    `{
  "a": 1,
  "b": [
    true,
    null
  ],
  "c": {}
}`,
  ],
  // What JSON.stringify() would alter.
  [
    '{"a":1,"a":12345678901234567890.50}',
    `{
  "a": 1,
  "a": 12345678901234567890.50
}`,
  ],
  ['"\\u001b[31m \\"{,:}[]\\\\"', '"\\u001b[31m \\"{,:}[]\\\\"'],
  ['"\x7f\x9b31m"', '"\u2421\ufffd31m"'],
  ["{", null],
  ["", null],
  ['{"a":1} x', null],
];

for (const [text, shown] of JSONS) {
  Deno.test(`formatJson() lays out ${JSON.stringify(text)}`, () => {
    assertEquals(formatJson(text, { hasColor: false }), shown);
  });
}

Deno.test("formatJson() makes little more of what is nested deeply", () => {
  const [depth, text] = [4000, "[".repeat(4000) + "]".repeat(4000)];
  const shown = formatJson(text, { hasColor: false })!;
  assertEquals(shown.replaceAll(/\s/g, ""), text);
  assertEquals(shown.length < depth * 200, true);
});

Deno.test("formatJson() uses colours, and keeps to a line, where asked", () => {
  const text = '{"a":[1,"b",true]}';
  assertEquals(
    formatJson(text, { hasColor: false, isIndented: false }),
    '{"a": [1, "b", true]}',
  );
  const { key, string, number, word } = COLORS;
  const end = "\x1b[0m";
  assertEquals(
    formatJson(text, { hasColor: true, isIndented: false }),
    `{${key}"a"${end}: [${number}1${end}, ${string}"b"${end}, ` +
      `${word}true${end}]}`,
  );
});

Deno.test("plainText() lets no character command a terminal", () => {
  const all = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i))
    .join("");
  // deno-lint-ignore no-control-regex
  assertMatch(plainLine(all), /^[^\x00-\x1f\x7f-\x9f]*$/);
  // deno-lint-ignore no-control-regex
  assertMatch(plainText(all), /^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$/);
  assertEquals(plainLine("a\x1b[2J\r\nb\x9b"), "a␛[2J␍␊b\ufffd");
  assertEquals(plainText("a\r\nb\tč\rc"), "a\nb\tč␍c");
});

Deno.test("escapeForLog() keeps a log's lines and fields apart", () => {
  assertEquals(
    escapeForLog('GET /"\\\x1b\nč'),
    'GET /\\"\\\\\\x1b\\x0a\\xc4\\x8d',
  );
});

Deno.test("commonLogLine() is in the common format, with the time behind", () => {
  const entry = {
    address: "10.0.0.1",
    method: "GET",
    target: "/a",
    protocol: "HTTP/1.1",
    status: 200,
    bytesOut: 12,
    isWhole: true,
    duration: 3.6,
  };
  const date = new Date(2026, 10, 3, 4, 5, 6);
  assertMatch(
    commonLogLine(entry, date),
    /^10\.0\.0\.1 - - \[03\/Nov\/2026:04:05:06 [+-]\d{4}\] "GET \/a HTTP\/1\.1" 200 12 0\.004$/,
  );
  assertMatch(
    commonLogLine({ ...entry, isWhole: false }, date),
    / 200 - 0\.004$/,
  );
  const odd = { ...entry, target: '/"\\\x7f\x9b\u202e' + "x".repeat(2000) };
  const json = jsonLogLine(odd, date);
  assertMatch(json, /^[\x20-\x7e]{900,1200}$/);
  assertEquals(JSON.parse(json), {
    time: date.toISOString(),
    address: "10.0.0.1",
    method: "GET",
    url: odd.target.slice(0, 1000) + "...",
    protocol: "HTTP/1.1",
    status: 200,
    length: 12,
    seconds: 0.004,
  });
});

Deno.test("sizeText() and durationText() are short", () => {
  const sizes = [0, 999, 1000, 1049, 9949, 9950, 999_499, 999_500, 5e12];
  assertEquals(sizes.map(sizeText), [
    "0 B",
    "999 B",
    "1.0 kB",
    "1.0 kB",
    "9.9 kB",
    "10 kB",
    "999 kB",
    "1.0 MB",
    "5.0 TB",
  ]);
  assertEquals([0, 0.2, 59, 60, 3599, 3600, 36_061].map(durationText), [
    "0:00",
    "0:01",
    "0:59",
    "1:00",
    "59:59",
    "1:00:00",
    "10:01:01",
  ]);
});

Deno.test("parseSize() knows both kinds of units", () => {
  const texts = ["0", "500", "10k", "1.5MB", "2 GiB", "1Ki", "3t", "7b"];
  assertEquals(texts.map(parseSize), [
    0,
    500,
    10_000,
    1_500_000,
    2 ** 31,
    1024,
    3e12,
    7,
  ]);
  for (const text of ["", "x", "-1", "1e3", "1 x", "1kk", "9999999t"]) {
    assertEquals(parseSize(text), null, text);
  }
});

const PROXIES: [
  url: string,
  env: Record<string, string>,
  proxy: string | null,
][] = [
  ["http://a", {}, null],
  ["http://a", { http_proxy: "http://p:1" }, "http://p:1"],
  ["http://a", { HTTP_PROXY: "p:1" }, "http://p:1"],
  ["http://a", { HTTP_PROXY: "p:1", http_proxy: "q:1" }, "http://q:1"],
  ["http://a", { HTTP_PROXY: "p:1", http_proxy: "" }, null],
  ["http://a", { https_proxy: "p" }, null],
  ["https://a", { https_proxy: "p" }, "http://p"],
  ["https://a", { HTTPS_PROXY: "https://p" }, "https://p"],
  ["https://a", { http_proxy: "p" }, null],
  ["ws://a", { http_proxy: "p" }, "http://p"],
  ["wss://a", { https_proxy: "p" }, "http://p"],
  ["https://a", { ALL_PROXY: "p" }, "http://p"],
  ["http://a", { all_proxy: "p", http_proxy: "q" }, "http://q"],
  ["http://a", { http_proxy: "p", NO_PROXY: "a" }, null],
  ["http://a", { http_proxy: "p", NO_PROXY: "a", no_proxy: "b" }, "http://p"],
];

for (const [url, env, proxy] of PROXIES) {
  Deno.test(`proxyFromEnv() finds ${proxy} for ${url} in ${JSON.stringify(env)}`, () => {
    const found = proxyFromEnv(new URL(url), (name) => env[name]);
    assertEquals(found?.address ?? null, proxy);
    if (found === null) return;
    assert(proxy!.endsWith(env[found.source]), found.source);
  });
}

const EXCLUDED: [url: string, list: string, isExcluded: boolean][] = [
  ["http://a.b", "", false],
  ["http://a.b", "*", true],
  ["http://a.b", "x, *", true],
  ["http://a.b", "a.b", true],
  ["http://a.b", "A.B", true],
  ["http://a.b", "b", true],
  ["http://a.b", ".b", true],
  ["http://a.b", "*.b", true],
  ["http://b", ".b", true],
  ["http://ab", "b", false],
  ["http://a.b", "c,a.b", true],
  ["http://a.b", "c a.b", true],
  ["http://a.b.", "a.b", true],
  ["http://a.b", "a.b.", true],
  ["http://a.b", "a.b:80", true],
  ["http://a.b", "a.b:81", false],
  ["https://a.b", "a.b:443", true],
  ["http://a.b:81", "a.b:81", true],
  ["http://a.b", ".", false],
  ["http://a.b", ",", false],
  ["http://10.1.2.3", "10.0.0.0/8", true],
  ["http://11.1.2.3", "10.0.0.0/8", false],
  ["http://10.1.2.3", "0.0.0.0/0", true],
  ["http://10.1.2.3", "10.1.2.3/33", false],
  ["http://10.1.2.3", "2.3", false],
  ["http://10.1.2.3", "10.1.2.3", true],
  ["http://[::1]", "::1", true],
  ["http://[::1]", "[::1]", true],
  ["http://[::1]:81", "[::1]:82", false],
];

for (const [url, list, expected] of EXCLUDED) {
  Deno.test(`isExcluded() says ${expected} of ${url} in "${list}"`, () => {
    assertEquals(isExcluded(new URL(url), list), expected);
  });
}

Deno.test("HELP fits on one screen", () => {
  for (const [topic, text] of Object.entries(HELP)) {
    const lines = text.split("\n");
    assertEquals(lines.length <= 24, true, topic);
    assertEquals(lines.filter((line) => line.length > 80), []);
  }
});

Deno.test("HELP names no option that is not there, with another letter neither", () => {
  for (const name of Object.keys(HELP) as CommandName[]) {
    const known = new Set(
      OPTIONS[name].flatMap((option) => [
        `--${option.name}`,
        longName(option),
        `-${option.short}`,
      ]),
    );
    const first = HELP[name].split("\n").slice(1).join("\n");
    for (const [typed] of first.matchAll(/(?<![\w-])--?[a-zA-Z][-a-z]*/g)) {
      assert(known.has(typed), `${name}: ${typed}`);
    }
    for (const [, short, long] of first.matchAll(/-(\w), --([a-z-]+)/g)) {
      const option = OPTIONS[name].find((one) => one.name === long);
      assertEquals(option?.short, short);
    }
  }
});

Deno.test("Topics, completions, manual and docs have every option", async () => {
  const words = await Deno.readTextFile(
    new URL("../../docs/command.md", import.meta.url),
  );
  for (const [name, topic] of Object.entries(TOPIC_OF)) {
    const options = OPTIONS[name as CommandName];
    const { text } = TOPICS[topic];
    for (const option of options) {
      const usage = usageOf(option);
      assert(text.includes(`\n  ${usage}`), usage);
      const forms = [
        ...(option.short === undefined ? [] : [`-${option.short}`]),
        longName(option),
      ].map((form) => `\\fB${form.replaceAll("-", "\\-")}\\fR`);
      assert(manPage().includes(`\n.TP\n${forms.join(", ")}`), usage);
      for (const shell of SHELLS) {
        const script = completions(shell);
        const long = longName(option);
        assert(
          script.includes(shell === "fish" ? ` -l ${long.slice(2)} ` : long),
          `${shell}: ${long}`,
        );
      }
    }
    const names = options.map(longName);
    assertEquals(new Set(names).size, names.length);
    for (const line of text.split("\n")) assert(line.length <= 80, line);
    assert(
      words.includes("```text\n" + text + "\n```"),
      `docs/command.md: ${topic}`,
    );
  }
});

Deno.test("manPage() has no line that roff would take for a command of its own", () => {
  for (const line of manPage().split("\n")) {
    assert(
      !/^[.']/.test(line) || /^\.(?:TH|SH|TP|br|nf|fi)\b/.test(line),
      line,
    );
    for (const [escape] of line.matchAll(/\\./g)) {
      assert(["\\-", "\\e", "\\&", "\\f"].includes(escape), line);
    }
  }
});

Deno.test({
  ...wanting("completions() completes in bash", "bash"),
  async fn() {
    const complete = async (...typed: string[]) => {
      const script = `${completions("bash")}
compopt() { :; }
COMP_WORDS=(uhttp ${typed.map((word) => `'${word}'`).join(" ")})
COMP_CWORD=${typed.length}
_uhttp; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout, stderr } = await new Deno.Command(program("bash"), {
        args: ["--norc", "-c", script],
        cwd: fromFileUrl(new URL("../..", import.meta.url)),
      }).output();
      assertEquals(new TextDecoder().decode(stderr), "");
      return new TextDecoder().decode(stdout).trim().split("\n");
    };
    assertEquals(await complete("PA"), ["PATCH"]);
    assertEquals(await complete("ser"), ["serve"]);
    assertEquals(await complete("a", "--max-r"), ["--max-redirects"]);
    assertEquals(await complete("a", "--no-c"), ["--no-color"]);
    assertEquals(await complete("serve", "--no-c"), ["--no-compress"]);
    assertEquals(await complete("serve", "tes"), ["tests"]);
    assertEquals(await complete("a", "-f", "cli.t"), ["cli.ts"]);
    assertEquals(await complete("a", "-d", "cli.t"), [""]);
    assertEquals(await complete("help", "se"), ["serve"]);
    assertEquals(await complete("completions", "z"), ["zsh"]);
  },
});

Deno.test("urlPathOf() escapes what a name may hold", () => {
  assertEquals(
    urlPathOf(["a b", "%2e", "č'?#"], true),
    "/a%20b/%252e/%C4%8D%27%3F%23/",
  );
  assertEquals(urlPathOf([], true), "/");
  assertEquals(urlPathOf(["a"], false), "/a");
  assertEquals(
    encodeSegment("javascript:alert(1)"),
    "javascript%3Aalert%281%29",
  );
  assertEquals(encodeSegment("\ud800"), "%EF%BF%BD");
});

Deno.test("escapeHtml() leaves no markup", () => {
  assertEquals(
    escapeHtml(`<script>"&'\n\ud800`),
    "&lt;script&gt;&quot;&amp;&#39;\ufffd\ufffd",
  );
});

const NAMES: [given: string, name: string | null][] = [
  ["a.txt", "a.txt"],
  ["a b (1).txt", "a b (1).txt"],
  ["../../etc/passwd", "passwd"],
  ["/etc/passwd", "passwd"],
  ["C:\\Windows\\x.exe", "x.exe"],
  ["a/", null],
  ["", null],
  [".", null],
  ["..", null],
  ["...", null],
  [" .. ", null],
  [".htaccess", "htaccess"],
  [". x", "x"],
  ["a\0b\nc\x1b[2J", "abc[2J"],
  ["gpj.\u202ecod.exe", "gpj.cod.exe"],
  ["<script>", "<script>"],
  ["%2e%2e", "%2e%2e"],
  ["c\u030c.txt", "\u010d.txt"],
  ["x".repeat(300) + ".txt", "x".repeat(196) + ".txt"],
  ["č".repeat(300), "č".repeat(100)],
  ["a." + "x".repeat(300), "a." + "x".repeat(198)],
];

for (const [given, name] of NAMES) {
  Deno.test(`safeName() makes ${JSON.stringify(name)} of ${JSON.stringify(given)}`, () => {
    assertEquals(safeName(given, false), name);
  });
}

Deno.test("safeName() hides nothing but where it may", () => {
  assertEquals(safeName(".x", true), ".x");
  assertEquals(safeName("..", true), null);
  assertEquals(safeName(".uhttp-upload-x", true), "uhttp-upload-x");
});
