import { assertEquals, assertThrows } from "@std/assert";
import type {
  RequestArguments,
  ServeArguments,
  WsArguments,
} from "../../cli/arguments.ts";
import { readArguments } from "../../cli/command_line.ts";
import { type Field, readWord, WORDS_MEAN } from "../../cli/words.ts";
import { VARIABLE_NAMES } from "../../cli/write_out.ts";
import { readUrl } from "../../cli/connection_arguments.ts";
import { CliError, ExitCode } from "../../cli/exit_codes.ts";

const PLAIN: RequestArguments = {
  command: "request",
  method: "GET",
  url: new URL("http://a/"),
  others: [],
  parallel: 1,
  headers: [],
  body: null,
  isQuery: false,
  output: undefined,
  isRemoteName: false,
  isResumed: false,
  cookies: undefined,
  cookieFile: undefined,
  cookieJar: undefined,
  session: undefined,
  maxTime: undefined,
  retries: 0,
  writeOut: undefined,
  isQuiet: false,
  shown: "b",
  isStreamed: false,
  maxRedirects: 0,
  isFailing: false,
  isRaw: false,
  isInsecure: false,
  timeout: undefined,
  user: undefined,
  hasNetrc: false,
  scheme: undefined,
  bearer: undefined,
  unix: undefined,
  proxy: undefined,
  caCert: undefined,
  cert: undefined,
  key: undefined,
  isVerbose: false,
  wantsColor: true,
};

function field(name: string, text: string): Field {
  return { name, value: { kind: "text", text, isPath: false } };
}

/** A command line, and what differs from that of `uhttp a`. */
const REQUESTS: [line: string, expected: Partial<RequestArguments>][] = [
  ["a", {}],
  ["GET a", {}],
  ["put a", { method: "PUT" }],
  ["a -d x", { method: "POST", body: { kind: "data", texts: ["x"] } }],
  ["http://a http://b/?x=1 :8000/c q==1", {
    url: new URL("http://a/?q=1"),
    others: [
      { url: new URL("http://b/?x=1&q=1"), output: undefined },
      { url: new URL("http://localhost:8000/c?q=1"), output: undefined },
    ],
  }],
  ["a/{x,y}[08-10:2] -o #1-#2-#3 --parallel 3", {
    url: new URL("http://a/x08"),
    output: "x-08-#3",
    others: [["x", "10"], ["y", "08"], ["y", "10"]].map(([set, number]) => ({
      url: new URL(`http://a/${set}${number}`),
      output: `${set}-${number}-#3`,
    })),
    parallel: 3,
  }],
  ["a/{x,y} -g", { url: new URL("http://a/{x,y}") }],
  ["a/[a-c:2].txt -O", {
    url: new URL("http://a/a.txt"),
    output: "a.txt",
    isRemoteName: true,
    others: [{ url: new URL("http://a/c.txt"), output: "c.txt" }],
  }],
  ["a --print HBhm --stream", { shown: "HBhm", isStreamed: true }],
  ["a --cert c", { cert: "c", key: "c" }],
  ["a --cert c --key k", { cert: "c", key: "k" }],
  ["PUT a -d x", { method: "PUT", body: { kind: "data", texts: ["x"] } }],
  ["a -d x --data=y", {
    method: "POST",
    body: { kind: "data", texts: ["x", "y"] },
  }],
  ["a -d @-", { method: "POST", body: { kind: "data", texts: ["@-"] } }],
  ["a -d-1", { method: "POST", body: { kind: "data", texts: ["-1"] } }],
  ["a --json=1", { method: "POST", body: { kind: "json", text: "1" } }],
  ["a -f -", { method: "POST", body: { kind: "file", path: "-" } }],
  ["a -F x=1 -F y=@z=2", {
    method: "POST",
    body: { kind: "form", fields: [["x", "1"], ["y", "@z=2"]] },
  }],
  ["a -H A:b -H C:|d:|e", { headers: [["A", "b"], ["C", "d: e"]] }],
  ["a -H A:", { headers: [["A", ""]] }],
  ["a -o f", { output: "f" }],
  ["a -o -", { output: undefined }],
  ["a/b%20c?d -O", {
    url: new URL("http://a/b%20c?d"),
    output: "b c",
    isRemoteName: true,
  }],
  ["a/.bashrc -O", {
    url: new URL("http://a/.bashrc"),
    output: "bashrc",
    isRemoteName: true,
  }],
  ["a/%20..b -O", {
    url: new URL("http://a/%20..b"),
    output: "b",
    isRemoteName: true,
  }],
  ["a/b%2f..%2fc -O", {
    url: new URL("http://a/b%2f..%2fc"),
    output: "b_.._c",
    isRemoteName: true,
  }],
  ["a/%e2%80%aegpj.exe -O", {
    url: new URL("http://a/%e2%80%aegpj.exe"),
    output: "gpj.exe",
    isRemoteName: true,
  }],
  ["a -kvi", { isInsecure: true, isVerbose: true, shown: "hb" }],
  ["a -kvt5", { isInsecure: true, isVerbose: true, timeout: 5000 }],
  ["a -t .25", { timeout: 250 }],
  ["a -t 0", { timeout: 0 }],
  ["a -u me", { user: { name: "me", password: undefined } }],
  ["a -u me:", { user: { name: "me", password: "" } }],
  ["a -u me:a:b", { user: { name: "me", password: "a:b" } }],
  ["a --bearer x", { bearer: "x" }],
  ["a -b x=1;|y=2", { cookies: "x=1; y=2" }],
  ["a -b f -c g", { cookieFile: "f", cookieJar: "g" }],
  ["a --session s -b x=1", { session: "s", cookies: "x=1" }],
  ["a -o f -C -", { output: "f", isResumed: true }],
  ["a -m .5 --retry 3 -q", { maxTime: 500, retries: 3, isQuiet: true }],
  ["a -w %{http_code}%header{x}%%{", { writeOut: "%{http_code}%header{x}%%{" }],
  ["a -u me:pw --basic", {
    user: { name: "me", password: "pw" },
    scheme: "basic",
  }],
  ["a -n --basic", { hasNetrc: true, scheme: "basic" }],
  ["me:pw@a --digest", { url: new URL("http://me:pw@a/"), scheme: "digest" }],
  ["a -L", { maxRedirects: 10 }],
  ["a -L --max-redirects 3", { maxRedirects: 3 }],
  ["a --max-redirects 0", { maxRedirects: 0 }],
  ["a --unix s", { unix: "s" }],
  ["a -x p:1", { proxy: "p:1" }],
  ["a --proxy=", { proxy: "" }],
  ["a --cacert f", { caCert: "f" }],
  ["a --fail --raw --no-color --compressed", {
    isFailing: true,
    isRaw: true,
    wantsColor: false,
  }],
  ["a -I", { method: "HEAD", shown: "hb" }],
  ["a -I -o f", { method: "HEAD", output: "f" }],
  ["HEAD a", { method: "HEAD", shown: "hb" }],
  ["-- a", {}],
  ["a x=1 y=", {
    method: "POST",
    body: {
      kind: "fields",
      fields: [field("x", "1"), field("y", "")],
      isJson: false,
    },
  }],
  ["a -j x=1", {
    method: "POST",
    body: { kind: "fields", fields: [field("x", "1")], isJson: true },
  }],
  ["-vj a x=1", {
    method: "POST",
    isVerbose: true,
    body: { kind: "fields", fields: [field("x", "1")], isJson: true },
  }],
  ["PATCH a x:=[1] --json", {
    method: "PATCH",
    body: {
      kind: "fields",
      fields: [{
        name: "x",
        value: { kind: "json", text: "[1]", isPath: false },
      }],
      isJson: true,
    },
  }],
  ["a -ij 5", {
    method: "POST",
    shown: "hb",
    body: { kind: "json", text: "5" },
  }],
  ["a q==1|2 r==", { url: new URL("http://a/?q=1%202&r=") }],
  ["a?p q==%26+", { url: new URL("http://a/?p&q=%2526%2B") }],
  ["a X-A:1 X-B:", { headers: [["X-A", "1"], ["X-B", ""]] }],
  ["a -G x=1", {
    body: { kind: "fields", fields: [field("x", "1")], isJson: false },
    isQuery: true,
  }],
  ["a -G -d x -I", {
    method: "HEAD",
    body: { kind: "data", texts: ["x"] },
    isQuery: true,
    shown: "hb",
  }],
  ["FIND a:80?x", { method: "FIND", url: new URL("http://a/?x") }],
  ["purge a", { method: "PURGE" }],
  ["find localhost:80/x", {
    method: "FIND",
    url: new URL("http://localhost/x"),
  }],
  ["localhost x=1", {
    url: new URL("http://localhost/"),
    method: "POST",
    body: { kind: "fields", fields: [field("x", "1")], isJson: false },
  }],
  ["localhost X:y", {
    url: new URL("http://localhost/"),
    headers: [["X", "y"]],
  }],
  ["post me:pw@a", { method: "POST", url: new URL("http://me:pw@a") }],
  ["http://ws", { url: new URL("http://ws/") }],
];

for (const [line, expected] of REQUESTS) {
  Deno.test(`readArguments() takes ${line}`, () => {
    const args = line.split(" ").map((arg) => arg.replaceAll("|", " "));
    assertEquals(readArguments(args), { ...PLAIN, ...expected });
  });
}

const WS: WsArguments = {
  command: "ws",
  url: new URL("ws://a/"),
  protocols: [],
  ping: 0,
  wait: undefined,
  headers: [],
  isInsecure: false,
  timeout: undefined,
  user: undefined,
  hasNetrc: false,
  scheme: undefined,
  bearer: undefined,
  unix: undefined,
  proxy: undefined,
  caCert: undefined,
  cert: undefined,
  key: undefined,
  isVerbose: false,
  wantsColor: true,
};

const SERVE: ServeArguments = {
  command: "serve",
  folder: "d",
  places: [{ port: undefined, host: "127.0.0.1" }],
  isSelfSigned: false,
  routes: [],
  isLive: false,
  allowedHosts: [],
  pair: null,
  auth: [],
  headers: [],
  notFound: undefined,
  hasCors: false,
  hasUpload: false,
  mayWrite: false,
  maxUpload: 2 ** 30,
  quota: 10 * 2 ** 30,
  isSpa: false,
  hasIndex: true,
  hasArchives: false,
  isGzipStatic: false,
  hasHidden: false,
  isCompressed: true,
  hasQr: true,
  log: "common",
};

const OTHERS: [
  line: string,
  expected: Partial<WsArguments | ServeArguments>,
][] = [
  ["ws a", WS],
  ["ws https://a/b", { ...WS, url: new URL("wss://a/b") }],
  ["ws a --protocol x --protocol y --ping 2 --wait 0.5 -k", {
    ...WS,
    protocols: ["x", "y"],
    ping: 2000,
    wait: 500,
    isInsecure: true,
  }],
  ["serve d", SERVE],
  ["serve", { ...SERVE, folder: "." }],
  ["serve --port 0 --host :: -q d --cors --upload --spa --hidden", {
    ...SERVE,
    places: [{ port: 0, host: "::" }],
    log: "none",
    hasCors: true,
    hasUpload: true,
    isSpa: true,
    hasHidden: true,
  }],
  ["serve d --auth a:b --auth @f --header X:y --404 e.html", {
    ...SERVE,
    auth: ["a:b", "@f"],
    headers: [["X", "y"]],
    notFound: "e.html",
  }],
  ["serve d --upload --quota 5k", {
    ...SERVE,
    hasUpload: true,
    quota: 5000,
    hasIndex: false,
  }],
  [
    "serve d --listen 1 --listen :2 --listen [::1]:3 --listen a:4 --listen ./s",
    {
      ...SERVE,
      places: [
        { port: 1, host: "127.0.0.1" },
        { port: 2, host: "127.0.0.1" },
        { port: 3, host: "::1" },
        { port: 4, host: "a" },
        { path: "./s" },
      ],
    },
  ],
  [
    "serve d --live --tls-self-signed --proxy /a=:3000 --proxy /b/=https://b/c",
    {
      ...SERVE,
      isLive: true,
      isSelfSigned: true,
      routes: [
        { prefix: "/a", target: new URL("http://localhost:3000") },
        { prefix: "/b/", target: new URL("https://b/c") },
      ],
    },
  ],
  ["serve d --archive --gzip-static", {
    ...SERVE,
    hasArchives: true,
    isGzipStatic: true,
  }],
  ["serve d --write", {
    ...SERVE,
    hasUpload: true,
    mayWrite: true,
    hasIndex: false,
  }],
  ["serve d --upload --index", { ...SERVE, hasUpload: true }],
  ["serve d --log json", { ...SERVE, log: "json" }],
  ["serve d --no-qr", { ...SERVE, hasQr: false }],
  ["serve d --no-index", { ...SERVE, hasIndex: false }],
  ["serve d --max-upload 20MB --no-compress --cert c --key k", {
    ...SERVE,
    maxUpload: 20_000_000,
    isCompressed: false,
    pair: { cert: "c", key: "k" },
  }],
];

for (const [line, expected] of OTHERS) {
  Deno.test(`readArguments() takes ${line}`, () => {
    assertEquals(readArguments(line.split(" ")) as unknown, expected);
  });
}

/** A command line, and what is said of it. */
const WRONG: [line: string, message: string][] = [
  ["", "URL is missing; uhttp --help tells more"],
  ["a b c", `Not understood: c; ${WORDS_MEAN}`],
  ["b/c a", `Not understood: a; ${WORDS_MEAN}`],
  ["a x=1 http://b", `Not understood: http://b; ${WORDS_MEAN}`],
  ["http://a x=1 http://b", `Not understood: http://b; ${WORDS_MEAN}`],
  [
    "a/{x,y} -o f",
    "Two URLs would be written to f; #1 in its name stands " +
    "for the first {a,b} or [1-9]",
  ],
  [
    "a/{x,y}/f -O",
    "Two URLs would be written to f; #1 in its name stands " +
    "for the first {a,b} or [1-9]",
  ],
  ["a/[1-10001]", "More than 10000 URLs: [1-10001]"],
  ["a/[1-999999999999]", "More than 10000 URLs: [1-999999999999]"],
  ["a/[1-101][1-100]", "More than 10000 URLs: a/[1-101][1-100]"],
  ["a/[9-1]", "No range: [9-1]"],
  ["a/[1-9:0]", "No range: [1-9:0]"],
  ["a/[a-Z]", "No range: [a-Z]"],
  [
    "a/{x,y} -f -",
    "several URLs do not go with --file -, which comes but once",
  ],
  ["a --parallel 101", "--parallel is not a number from 0 to 100: 101"],
  ["a --print hx", "--print has no x; it has H, B, h, b and m"],
  ["a --print h -i", "--print does not go with --include: it has h"],
  ["a --print h -o f", "--print without b does not go with a file to write to"],
  ["a --key k", "--key needs --cert"],
  ["serve --listen 1 --port 2", "--port does not go with --listen"],
  ["serve --listen a", "--listen is no PORT, ADDRESS:PORT or PATH: a"],
  ["serve --listen 1:2:3", "--listen is no PORT, ADDRESS:PORT or PATH: 1:2:3"],
  ["serve --proxy /a", "--proxy is not /PATH=URL: /a"],
  ["serve --proxy a=b", "--proxy is not /PATH=URL: a=b"],
  ["serve --proxy /a%2f=b", "--proxy is not /PATH=URL: /a%2f=b"],
  ["serve --proxy /a=ftp://b", "Cannot do ftp: ftp://b"],
  ["serve --proxy /a=b?c", "It cannot have a query or a user: /a=b?c"],
  ["serve --live --upload", "--live does not go with --upload"],
  [
    "serve --tls-self-signed --cert c --key k",
    "--tls-self-signed does not go with --cert",
  ],
  [
    "inspect 9000",
    "PORT and URL are missing, as in: uhttp inspect 9000 :8000",
  ],
  ["inspect a :8000", "PORT is not a number from 0 to 65535: a"],
  ["serve --write --gzip-static", "--gzip-static does not go with --upload"],
  ["GET a =1", `Not understood: =1; ${WORDS_MEAN}`],
  ["q==1 :9980/", "q==1 goes behind the URL"],
  ["POST a=1 b", "a=1 goes behind the URL"],
  ["a x=1 -d y", "x= does not go with --data"],
  ["a -j -d y", "--json does not go with --data"],
  ["a -j", "--json has neither a value nor fields"],
  ["a -j x@f", "x@ sends a file, which JSON cannot"],
  ["a -G x@f", "x@ sends a file, which a URL cannot"],
  ["a -G", "--get needs --data, or fields, to put behind the ?"],
  ["a -G -j {}", "--get needs --data, or fields, to put behind the ?"],
  ["a -j x:=[", "No JSON in x:=[: Unexpected end of JSON input"],
  ["a X|Y:1", 'No header "Name: value": X Y: 1'],
  [
    "a -X POST",
    "Unknown option '-X'; the method goes first, as in: uhttp PUT URL",
  ],
  ["a --follow", "Unknown option '--follow'; it is -L here"],
  ["a --ouput b", "Unknown option '--ouput'; did you mean --output?"],
  ["a --no-colour", "Unknown option '--no-colour'; did you mean --no-color?"],
  ["a --nope", "Unknown option '--nope'"],
  ["a -z", "Unknown option '-z'"],
  ["a -kz", "Unknown option '-z'"],
  ["a --verb", "Unknown option '--verb'; did you mean --verbose?"],
  ["a --insecure=1", "Option '-k, --insecure' does not take an argument"],
  ["a -t", "Option '-t, --timeout <value>' argument missing"],
  ["a -d -x", "Option '-d' argument is ambiguous"],
  ["a -d x -j 1", "--json does not go with --data"],
  ["a -f x -F a=1", "--form does not go with --file"],
  ["a -F x", "No name=value: x"],
  ["a -F =x", "No name=value: =x"],
  ["a -H x", 'No header "Name: value": x'],
  ["a -H x|y:z", 'No header "Name: value": x y:z'],
  ["a -H x:y\nz:1", 'No header "Name: value": x:y\nz:1'],
  ["a -t x", "--timeout is not a number of seconds: x"],
  ["a -t=-1", "--timeout is not a number of seconds: =-1"],
  [
    "a --max-redirects 1.5",
    "--max-redirects is not a number from 0 to 1000: 1.5",
  ],
  ["a/%2e%20. -O", "URL names no file; give one with --output"],
  ["a -O", "URL names no file; give one with --output"],
  ["a/b/ -O", "URL names no file; give one with --output"],
  ["a/b -O -o c", "--remote-name does not go with --output"],
  ["a -C 5 -o b", "--continue-at takes - alone: what is there says how much"],
  ["a -C -", "--continue-at needs --output or --remote-name"],
  ["a --session ../b", "--session is no name: ../b"],
  ["a --session b -c d", "--session does not go with files of cookies"],
  [
    "a --retry 1 -f -",
    "--retry does not go with --file -, which comes but once",
  ],
  ["a --basic", "--basic needs --user"],
  ["a -u b:c --basic --digest", "--digest does not go with --basic"],
  [
    "a -w %{nope}",
    `--write-out has no nope; it has ${VARIABLE_NAMES.join(", ")}`,
  ],
  ["a --output=", "--output names no file"],
  ["a -u b --bearer c", "--bearer does not go with --user"],
  ["a --unix b -x c", "--proxy does not go with --unix"],
  ["POST a -I", "--head does not go with another method"],
  ["ftp://a", "Cannot do ftp: ftp://a"],
  ["http://", "No URL: http://"],
  ["a:99999", "No URL: a:99999"],
  ["ws", "URL is missing"],
  ["ws a b", "Too many arguments: b"],
  ["ws a -d x", "Unknown option '-d'"],
  ["ws ftp://a", "Cannot do ftp: ftp://a"],
  ["serve a b", "Too many arguments: b"],
  ["serve a -p 65536", "--port is not a number from 0 to 65535: 65536"],
  ["serve a --cert b", "--cert and --key go together"],
  ["serve a --max-upload x", "--max-upload is no size"],
  ["serve a --log x", "--log is none of common, json, none: x"],
  ["serve a --log json -q", "--log does not go with --quiet"],
  ["serve a --auth b", "--auth is not USER:PASSWORD, nor @FILE"],
  ["serve a --auth :b", "--auth is not USER:PASSWORD, nor @FILE"],
  ["serve a --header b", 'No header "Name: value": b'],
  ["serve a --header Content-Length:1", "--header cannot be Content-Length"],
  ["serve a --quota x", "--quota is no size"],
];

for (const [line, message] of WRONG) {
  Deno.test(`readArguments() refuses ${JSON.stringify(line)}`, () => {
    const args = line.split(" ").filter((arg) => arg !== "")
      .map((arg) => arg.replaceAll("|", " "));
    const error = assertThrows(() => readArguments(args), CliError);
    assertEquals([error.message, error.exitCode], [message, ExitCode.USAGE]);
  });
}

Deno.test("readArguments() knows what help is wanted with", () => {
  for (
    const [args, topic] of [
      [["-h"], "request"],
      [["a", "--help"], "request"],
      [["ws", "-h"], "ws"],
      [["serve", "--help"], "serve"],
    ] as const
  ) {
    assertEquals(readArguments(args), { command: "help", topic });
  }
  assertEquals(readArguments(["help"]), { command: "topic", topic: "" });
  assertEquals(readArguments(["help", "ws"]), {
    command: "topic",
    topic: "ws",
  });
  assertEquals(readArguments(["completions", "zsh"]), {
    command: "completions",
    shell: "zsh",
  });
  for (const args of [["-V"], ["--version"]]) {
    assertEquals(readArguments(args), { command: "version" });
  }
});

const URLS: [typed: string, kind: "http" | "ws", url: string][] = [
  ["a", "http", "http://a/"],
  ["a:80/b", "http", "http://a/b"],
  ["a:443", "http", "https://a/"],
  ["a:443/b?c", "http", "https://a/b?c"],
  ["a:4430", "http", "http://a:4430/"],
  ["a/b:443", "http", "http://a/b:443"],
  ["[::1]:443", "http", "https://[::1]/"],
  [":8000", "http", "http://localhost:8000/"],
  [":8000/x", "http", "http://localhost:8000/x"],
  ["localhost:8000", "http", "http://localhost:8000/"],
  ["HTTPS://A", "http", "https://a/"],
  ["me:pw@a", "http", "http://me:pw@a/"],
  ["a?b=http://c", "http", "http://a/?b=http://c"],
  ["a:443", "ws", "wss://a/"],
  ["http://a/b", "ws", "ws://a/b"],
  ["wss://a", "ws", "wss://a/"],
];

for (const [typed, kind, url] of URLS) {
  Deno.test(`readUrl() takes ${typed} for ${url}`, () => {
    assertEquals(readUrl(typed, kind).href, url);
  });
}

const text = (text: string, isPath = false) =>
  ({ kind: "text", text, isPath }) as const;
const json = (text: string, isPath = false) =>
  ({ kind: "json", text, isPath }) as const;

const WORDS: [typed: string, word: ReturnType<typeof readWord>][] = [
  ["a=b", { kind: "field", field: { name: "a", value: text("b") } }],
  ["a=b:=c", { kind: "field", field: { name: "a", value: text("b:=c") } }],
  ["a=", { kind: "field", field: { name: "a", value: text("") } }],
  ["a=@f", { kind: "field", field: { name: "a", value: text("f", true) } }],
  ["a:=1", { kind: "field", field: { name: "a", value: json("1") } }],
  ["a:=@f", { kind: "field", field: { name: "a", value: json("f", true) } }],
  ["a@f@g", {
    kind: "field",
    field: { name: "a", value: { kind: "file", path: "f@g" } },
  }],
  ["a==b==c", { kind: "query", name: "a", value: "b==c" }],
  ["a===b", { kind: "query", name: "a", value: "=b" }],
  ["A:b", { kind: "header", line: "A: b" }],
  ["A:", { kind: "header", line: "A: " }],
  ["A:b=c", { kind: "header", line: "A: b=c" }],
  ["a\\:b=c", { kind: "field", field: { name: "a:b", value: text("c") } }],
  ["a\\=b==c", { kind: "query", name: "a=b", value: "c" }],
  ["a\\\\=c", { kind: "field", field: { name: "a\\", value: text("c") } }],
  ["a\\n=c", { kind: "field", field: { name: "a\\n", value: text("c") } }],
  ["a", null],
  ["", null],
  ["=a", null],
  [":8000", null],
  ["@a", null],
  ["http://a?b=c", null],
];

for (const [typed, word] of WORDS) {
  Deno.test(`readWord() takes ${JSON.stringify(typed)}`, () => {
    assertEquals(readWord(typed), word);
  });
}
