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
  ...["cli.ts", "client.ts", "mod.ts", "server.ts", "websocket.ts"],
  ...["cli", "client", "server", "transport", "websocket"],
];

/**
 * Processes at a time: more than there are cores, as tests mostly wait. They
 * are processes, as threads of one are in each other's way.
 */
const JOBS = Number(Deno.env.get("DENO_JOBS")) ||
  2 * navigator.hardwareConcurrency;
/** So many times as many batches as jobs, so that all are done about at once. */
const BATCHES = 12;

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

/** Deals files out, the longest first: they tend to take the most time. */
function deal(files: string[]): string[][] {
  const count = Math.min(files.length, BATCHES * JOBS);
  files = files.toSorted((a, b) => sizeOf(b) - sizeOf(a));
  return Array.from(
    { length: count },
    (_, i) => files.filter((_, j) => j % count === i),
  );
}

/** Runs batches, some at a time; returns whether all was well. */
async function runAll(name: string, batches: string[][]): Promise<boolean> {
  const began = Date.now();
  const counts: Counts = { passed: 0, steps: 0, failed: 0, ignored: 0 };
  const left = batches.values();
  let isGood = true;
  await Promise.all(Array.from({ length: JOBS }, async () => {
    for (const args of left) {
      isGood = await run(args, counts, ignored) && isGood;
    }
  }));
  const { passed, steps, failed, ignored: out } = counts;
  await show(
    `\n${name}\n${isGood ? "ok" : "FAILED"} | ${passed} passed ` +
      `(${steps} steps) | ${failed} failed | ${out} ignored ` +
      `(${Math.round((Date.now() - began) / 1000)}s)\n`,
  );
  return isGood;
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

/** Runs one half: its files, and the examples of its sources. */
async function runHalf(
  name: string,
  permissions: string[],
  files: string[],
  docs: string[],
): Promise<boolean> {
  const batches = deal(files);
  if (paths.length === 0) batches.unshift(["--doc", ...docs]);
  if (batches.length === 0) return true;
  return await runAll(
    name,
    batches.map((batch) => [...permissions, ...flags, ...batch]),
  );
}

// What fails in one does not keep the other from being run.
const isPureGood = await runHalf(
  "Parsers and writers, without permissions",
  ["--no-prompt"],
  files.filter(isPure),
  PURE_DOCS,
);
const isGood = await runHalf(
  "All else",
  ["-A"],
  files.filter((path) => !isPure(path)),
  DOCS,
);
tell(ignored);
if (!isPureGood || !isGood) Deno.exit(1);
