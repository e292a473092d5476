/**
 * Runs the tests, those of the pure rooms without any permission, and says at
 * the end which were left out and what for.
 *
 *     deno task test [files and flags of deno test]
 *
 * @module
 */

/** What only computes: a test that does I/O fails for want of permission. */
const PURE = ["tests/parse", "tests/wire"];

/** A test that was left out says so in its name, by `wanting()` or itself. */
const LEFT_OUT = /^(.*) \(left out: (.*)\)$/;

/** Documented sources, whose examples are tests too. */
const PURE_DOCS = ["parse.ts", "parse", "wire"];
const DOCS = [
  ...["cli.ts", "client.ts", "hono.ts", "mod.ts", "server.ts", "websocket.ts"],
  ...["cli", "client", "message", "server", "transport", "websocket"],
];

/**
 * Processes at a time: more than there are cores, as tests mostly wait. They
 * are processes, as threads of one are in each other's way.
 */
const JOBS = Number(Deno.env.get("DENO_JOBS")) ||
  3 * navigator.hardwareConcurrency;
/** So many times as many batches as jobs, so that all are done about at once. */
const BATCHES = 12;

/** Files that wait for deadlines, and take longer than their size says. */
const WAITING =
  /attack\/|(?:sockets|neighbours|upload|camera|reload|discard|dead_peers|places)_test/;

/** Dots in a row. */
const WIDTH = 80;

const ENTITIES: Record<string, string> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
  "&amp;": "&",
};

/** The names of tests that were ignored, in a report in JUnit's format. */
function* ignoredIn(report: string): Generator<string> {
  for (
    const [, name] of report.matchAll(
      /<testcase name="([^"]*)"[^>]*>\s*<skipped/g,
    )
  ) yield name.replace(/&\w+;/g, (entity) => ENTITIES[entity] ?? entity);
}

/** What came of tests. */
interface Counts {
  passed: number;
  steps: number;
  failed: number;
  ignored: number;
}

/** The numbers of a summary, such as "ok | 12 passed (3 steps) | 0 failed". */
function countsIn(output: string): Counts | null {
  const summary = /^(?:ok|FAILED) \| .*passed.*$/m.exec(output)?.[0];
  if (summary === undefined) return null;
  const count = (what: RegExp) => Number(what.exec(summary)?.[1] ?? 0);
  return {
    passed: count(/(\d+) passed/),
    steps: count(/passed \((\d+) step/),
    failed: count(/(\d+) failed/),
    ignored: count(/(\d+) ignored/),
  };
}

let column = 0;

/** Shows dots in rows. */
async function showDots(dots: string): Promise<void> {
  let shown = "";
  for (const dot of dots) {
    shown += column === WIDTH ? `\n${dot}` : dot;
    column = column % WIDTH + 1;
  }
  await write(shown);
}

/** Shows the dots of what comes; returns all else. */
async function condense(
  output: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<string> {
  let kept = "";
  let rest = "";
  for await (const text of output.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    let dots = "";
    for (const line of lines) {
      if (line.length === 1 && ".,!".includes(line)) dots += line;
      else kept += `${line}\n`;
    }
    await showDots(dots);
  }
  return kept + rest;
}

async function write(text: string): Promise<void> {
  let bytes: Uint8Array = new TextEncoder().encode(text);
  while (bytes.length > 0) {
    bytes = bytes.subarray(await Deno.stdout.write(bytes));
  }
}

/** Starts a new line, behind dots. */
async function show(text: string): Promise<void> {
  await write(column > 0 ? `\n${text}` : text);
  column = 0;
}

/** Runs tests; adds to counts, and to a list of those that were ignored. */
async function run(
  args: string[],
  counts: Counts,
  ignored: string[],
): Promise<boolean> {
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["test", "--no-check", "--reporter=dot"],
        `--junit-path=${report}`,
        ...args,
      ],
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const [output, errors, { success }] = await Promise.all([
      condense(child.stdout),
      new Response(child.stderr).text(),
      child.status,
    ]);
    const own = countsIn(output);
    for (const name of Object.keys(counts) as (keyof Counts)[]) {
      counts[name] += own?.[name] ?? 0;
    }
    if (!success) await show(output + errors);
    ignored.push(...ignoredIn(await Deno.readTextFile(report)));
    return success;
  } finally {
    await Deno.remove(report);
  }
}

/** Test files below a path; the path itself where it is no folder. */
function* filesIn(path: string): Generator<string> {
  let isFolder = false;
  try {
    isFolder = Deno.statSync(path).isDirectory;
  } catch {
    // Deno says what is wrong with it.
  }
  if (!isFolder) {
    yield path;
    return;
  }
  const entries = [...Deno.readDirSync(path)].sort((a, b) =>
    a.name < b.name ? -1 : 1
  );
  for (const { name, isDirectory } of entries) {
    const inside = path === "." ? name : `${path}/${name}`;
    if (isDirectory) {
      if (!/^(?:\.|node_modules$|build$|coverage$)/.test(name)) {
        yield* filesIn(inside);
      }
    } else if (name.endsWith("_test.ts")) yield inside;
  }
}

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return 0;
  }
}

/** How long a file takes, more or less. */
function weightOf(path: string): number {
  return sizeOf(path) + (WAITING.test(path) ? 1e6 : 0);
}

/** Deals files out, those first that take the most time. */
function deal(files: string[]): string[][] {
  const count = Math.min(files.length, BATCHES * JOBS);
  files = files.toSorted((a, b) => weightOf(b) - weightOf(a));
  return Array.from(
    { length: count },
    (_, i) => files.filter((_, j) => j % count === i),
  );
}

/** A half of the tests, in batches, and what came of it. */
interface Half {
  name: string;
  batches: string[][];
  counts: Counts;
  isGood: boolean;
}

/** Makes a half of files, and of the examples of its sources. */
function half(
  name: string,
  permissions: string[],
  files: string[],
  docs: string[],
): Half {
  const batches = deal(files);
  if (paths.length === 0) batches.unshift(["--doc", ...docs]);
  return {
    name,
    batches: batches.map((batch) => [...permissions, ...flags, ...batch]),
    counts: { passed: 0, steps: 0, failed: 0, ignored: 0 },
    isGood: true,
  };
}

/**
 * The batches of all halves, from first to last of each at one pace: one half
 * computes where the other waits.
 */
function mixed(halves: Half[]): [Half, string[]][] {
  return halves
    .flatMap((half) =>
      half.batches.map((batch, i) => ({
        half,
        batch,
        place: (i + 1) / half.batches.length,
      }))
    )
    .sort((a, b) => a.place - b.place)
    .map(({ half, batch }) => [half, batch]);
}

/** Runs batches, some at a time. */
async function runAll(halves: Half[]): Promise<void> {
  const left = mixed(halves).values();
  await Promise.all(Array.from({ length: JOBS }, async () => {
    for (const [half, args] of left) {
      // What fails in one does not keep the others from being run.
      if (!await run(args, half.counts, ignored)) half.isGood = false;
    }
  }));
}

/** Says what came of a half, in a line as Deno's. */
async function summarise({ name, counts, isGood }: Half): Promise<void> {
  const { passed, steps, failed, ignored } = counts;
  await show(
    `\n${name}\n${isGood ? "ok" : "FAILED"} | ${passed} passed ` +
      `(${steps} steps) | ${failed} failed | ${ignored} ignored\n`,
  );
}

/** Says what was left out, by what it was left out for. */
function tell(ignored: string[]): void {
  const reasons = new Map<string, string[]>();
  for (const text of ignored) {
    const [, name, reason] = LEFT_OUT.exec(text) ?? [null, text, "not said"];
    reasons.set(reason, [...reasons.get(reason) ?? [], name]);
  }
  for (const [reason, names] of reasons) {
    console.log(`\nLeft out: ${reason} (${names.length})`);
    for (const name of names) console.log(`  ${name}`);
  }
}

function isPure(path: string): boolean {
  const plain = path.replace(/^\.\//, "");
  return PURE.some((room) => plain === room || plain.startsWith(`${room}/`));
}

const flags = Deno.args.filter((arg) => arg.startsWith("-"));
const paths = Deno.args.filter((arg) => !arg.startsWith("-"));
const files = [
  ...new Set((paths.length > 0 ? paths : ["."]).flatMap((path) => [
    ...filesIn(path),
  ])),
];
const ignored: string[] = [];

const halves = [
  half(
    "Parsers and writers, without permissions",
    ["--no-prompt"],
    files.filter(isPure),
    PURE_DOCS,
  ),
  half("All else", ["-A"], files.filter((path) => !isPure(path)), DOCS),
].filter(({ batches }) => batches.length > 0);
const began = Date.now();
await runAll(halves);
for (const half of halves) await summarise(half);
console.log(`\n${Math.round((Date.now() - began) / 1000)} s`);
tell(ignored);
if (!halves.every(({ isGood }) => isGood)) Deno.exit(1);
