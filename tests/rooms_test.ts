// Which room may import which is decided in CONTRIBUTING, not here: do not widen
// these tables only to make the test pass.
import { assert, assertEquals } from "@std/assert";
import { dirname, fromFileUrl, join, relative } from "@std/path";

const ROOT = join(dirname(fromFileUrl(import.meta.url)), "..");

/** What each room may import, beside its own files. */
const ROOMS: Record<string, { rooms: string[]; packages: string[] }> = {
  runtime: {
    rooms: [],
    packages: [
      "node:buffer",
      "node:crypto",
      "node:stream",
      "node:tls",
      "node:zlib",
    ],
  },
  parse: { rooms: [], packages: [] },
  wire: { rooms: ["parse"], packages: [] },
  message: { rooms: ["runtime", "parse", "wire"], packages: ["node:zlib"] },
  transport: { rooms: ["runtime"], packages: ["node:stream", "node:tls"] },
  websocket: { rooms: ["runtime", "parse"], packages: ["node:zlib"] },
  server: {
    rooms: ["runtime", "parse", "wire", "message", "transport", "websocket"],
    packages: ["node:zlib"], // copied, it needs no import map
  },
  client: {
    rooms: ["runtime", "parse", "wire", "message", "transport", "websocket"],
    packages: ["@std/path", "@std/encoding", "node:crypto", "node:zlib"],
  },
  cli: {
    rooms: ["parse", "transport", "server", "client"],
    packages: ["@std/path", "node:util", "../deno.json"],
  },
  hono: { rooms: ["server", "websocket"], packages: [] },
  mod: { rooms: ["parse", "server", "client", "websocket"], packages: [] },
};

/** What the rooms that only compute may not name. */
const IMPURE = [
  "Deno",
  "console",
  "setTimeout",
  "setInterval",
  "clearTimeout",
  "clearInterval",
  "queueMicrotask",
  "Promise",
  "async",
  "await",
  "performance",
  "fetch",
  "crypto",
  "process",
  "globalThis",
  "Date\\.now",
  "new Date\\(\\)",
  "Math\\.random",
  "import\\(",
];

interface Source {
  path: string;
  room: string;
  /** The text without comments. */
  code: string;
  /** Specifiers, and whether only types are taken. */
  imports: [specifier: string, isTypeOnly: boolean][];
}

function readSource(path: string): Source {
  const code = Deno.readTextFileSync(join(ROOT, path))
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/(^|\s)\/\/.*$/gm, "$1");
  const imports: Source["imports"] = [];
  const statement =
    /^(?:import|export)\s+(?:(type\s+)?([\w*{][^;"']*?)\sfrom\s+)?["']([^"']+)["']/gm;
  for (const [, type, names = "", specifier] of code.matchAll(statement)) {
    const inner = /\{([^}]*)\}/.exec(names)?.[1];
    const isTypeOnly = type !== undefined ||
      inner !== undefined &&
        inner.split(",").every((name) => /^\s*(?:type\s.*)?$/s.test(name));
    imports.push([specifier, isTypeOnly]);
  }
  return { path, room: path.split(/[/.]/)[0], code, imports };
}

function readSources(): Source[] {
  const sources: Source[] = [];
  for (const room of Object.keys(ROOMS)) {
    const paths = [`${room}.ts`];
    try {
      for (const entry of Deno.readDirSync(join(ROOT, room))) {
        if (entry.name.endsWith(".ts")) paths.push(`${room}/${entry.name}`);
        else throw new Error(`${room}/${entry.name} is not a module`);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    for (const path of paths) {
      try {
        sources.push(readSource(path));
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
  }
  return sources;
}

/** The file that a relative specifier names, from the root. */
function target(source: Source, specifier: string): string {
  const path = join(ROOT, dirname(source.path), specifier);
  return relative(ROOT, path).replaceAll("\\", "/");
}

/** Whether a specifier names one of our files, and not a package or data. */
function isModule(specifier: string): boolean {
  return specifier.startsWith(".") && !specifier.endsWith(".json");
}

const sources = readSources();

Deno.test("rooms are all found, with their imports", () => {
  for (const room of ["runtime", "parse", "message", "transport", "mod"]) {
    assert(sources.some((source) => source.room === room), room);
  }
  for (const { path, code, imports } of sources) {
    const mentions = code.match(/^.*\bfrom\s+"[^"]+"/gm)?.length ?? 0;
    assertEquals(imports.length, mentions, `Imports of ${path}`);
    assert(!/\bimport\s*\(|\brequire\s*\(/.test(code), `${path} is dynamic`);
  }
});

Deno.test("rooms import in one direction only", () => {
  for (const source of sources) {
    const { rooms, packages } = ROOMS[source.room];
    for (const [specifier] of source.imports) {
      const message = `${source.path} may not import ${specifier}`;
      if (!isModule(specifier)) {
        assert(packages.includes(specifier), message);
        continue;
      }
      const path = target(source, specifier);
      assert(sources.some((other) => other.path === path), message);
      const room = path.split(/[/.]/)[0];
      assert(room === source.room || rooms.includes(room), message);
    }
  }
});

// Types cost nothing. The command cannot do without what it imports.
Deno.test("rooms import no module of Node, but for its types", () => {
  for (const { path, room, imports } of sources) {
    if (room === "cli") continue;
    for (const [specifier, isTypeOnly] of imports) {
      const isFree = isTypeOnly || !specifier.startsWith("node:");
      assert(isFree, `${path} imports ${specifier}; see runtime/builtins.ts`);
    }
  }
});

Deno.test("rooms import their own door nowhere", () => {
  for (const source of sources) {
    for (const [specifier] of source.imports) {
      const path = target(source, specifier);
      const isOwnDoor = path === `${source.room}.ts`;
      assert(!isOwnDoor, `${source.path} imports ${specifier}`);
    }
  }
});

Deno.test("files do not import one another in a circle", () => {
  const next = new Map(sources.map((source) => [
    source.path,
    source.imports.filter(([specifier, isTypeOnly]) =>
      isModule(specifier) && !isTypeOnly
    ).map(([specifier]) => target(source, specifier)),
  ]));
  const done = new Set<string>();
  const visit = (path: string, trail: string[]) => {
    assert(!trail.includes(path), [...trail, path].join(" > "));
    if (done.has(path)) return;
    for (const other of next.get(path) ?? []) visit(other, [...trail, path]);
    done.add(path);
  };
  for (const path of next.keys()) visit(path, []);
});

/**
 * Files that know one another by their types. Each of these is to go, and none
 * to come.
 */
const TIED = [
  [
    "answerable_request",
    "http_connection",
    "http_request",
    "http_server",
  ].map((name) => `server/${name}.ts`),
];

Deno.test("files are not tied together by their types, but for those that were", () => {
  const next = new Map(sources.map((source) => [
    source.path,
    source.imports.filter(([specifier]) => isModule(specifier))
      .map(([specifier]) => target(source, specifier)),
  ]));
  /** All that a file imports, at first or at any hand. */
  const reach = (path: string) => {
    const reached = new Set(next.get(path));
    for (const one of reached) next.get(one)?.forEach((to) => reached.add(to));
    return reached;
  };
  const reached = new Map([...next.keys()].map((path) => [path, reach(path)]));
  for (const path of next.keys()) {
    for (const other of reached.get(path)!) {
      if (!reached.get(other)?.has(path)) continue;
      const isKnown = TIED.some((files) =>
        files.includes(path) && files.includes(other)
      );
      assert(isKnown, `${path} and ${other} import one another`);
    }
  }
});

Deno.test("parse and wire name nothing that does I/O, waits or tells the time", () => {
  for (const { path, room, code } of sources) {
    if (room !== "parse" && room !== "wire") continue;
    for (const name of IMPURE) {
      const found = new RegExp(`(?<![\\w."-])${name}(?!\\w)`).exec(code);
      assertEquals(found?.[0], undefined, path);
    }
  }
});

/** What of WebSockets only computes, too. */
const WEBSOCKET_RULES = [
  "errors",
  "frame_head",
  "frame_writer",
  "frames",
  "mask",
  "message_buffer",
  "protocol",
  "states",
  "utf8",
].map((name) => `websocket/${name}.ts`);

Deno.test("the rules of WebSockets name none of that either", () => {
  for (const path of WEBSOCKET_RULES) {
    const source = sources.find((source) => source.path === path);
    assert(source !== undefined, path);
    for (const name of IMPURE) {
      const found = new RegExp(`(?<![\\w."-])${name}(?!\\w)`).exec(source.code);
      assertEquals(found?.[0], undefined, path);
    }
    for (const [specifier, isTypeOnly] of source.imports) {
      const other = target(source, specifier);
      const isPure = other.startsWith("parse/") || isTypeOnly ||
        WEBSOCKET_RULES.includes(other);
      assert(isPure, `${path} imports ${other}`);
    }
  }
});

Deno.test("transport alone opens a socket or sets a timer", () => {
  const words =
    /\bDeno\.(?:listen|listenTls|listenDatagram|connect|connectTls|startTls)\b|\bset(?:Timeout|Interval)\b/;
  for (const { path, room, code } of sources) {
    if (room === "transport") continue;
    assertEquals(words.exec(code)?.[0], undefined, path);
  }
});

Deno.test("message names nothing of Deno but files, which parts are saved to", () => {
  for (const { path, room, code } of sources) {
    if (room !== "message") continue;
    for (const [name] of code.matchAll(/\bDeno\.\w+/g)) {
      assert(["Deno.open", "Deno.remove"].includes(name), `${path}: ${name}`);
    }
    const words = /\b(?:setImmediate|performance|Date\.now)\b/;
    assertEquals(words.exec(code)?.[0], undefined, path);
  }
});

Deno.test("transport names no HTTP, but as a protocol that TLS agrees on", () => {
  for (const { path, room, code } of sources) {
    if (room !== "transport") continue;
    const names = code.replaceAll('"http/1.1"', "");
    assertEquals(/\w*http\w*/i.exec(names)?.[0], undefined, path);
  }
});

Deno.test("nothing stands on the servers that it is measured against", () => {
  const words =
    /Deno\.(?:serve|serveHttp|upgradeWebSocket)\b|node:https?\b|node:net\b/;
  for (const { path, code } of sources) {
    assertEquals(words.exec(code)?.[0], undefined, path);
  }
});
