/**
 * Runs the tests, those of the pure rooms without any permission, and says at
 * the end which were left out and what for.
 *
 *     deno task test [files and flags of deno test]
 *
 * @module
 */

/** What only computes: a test that does I/O fails for want of permission. */
const PURE = ["tests/parse", "tests/wire", "parse.ts", "parse", "wire"];

/** A test that was left out says so in its name, by `wanting()` or itself. */
const LEFT_OUT = /^(.*) \(left out: (.*)\)$/;

/** Files at a time: more than there are cores, as tests mostly wait. */
const JOBS = Deno.env.get("DENO_JOBS") ??
  String(2 * navigator.hardwareConcurrency);

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

/** Writes on what comes, with dots that stand in lines of their own in rows. */
async function condense(
  output: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<void> {
  let column = 0;
  let rest = "";
  for await (const text of output.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    let shown = "";
    for (const line of lines) {
      if (line.length === 1 && ".,!".includes(line)) {
        shown += column === WIDTH ? `\n${line}` : line;
        column = column % WIDTH + 1;
      } else {
        shown += column > 0 ? `\n${line}\n` : `${line}\n`;
        column = 0;
      }
    }
    await write(shown);
  }
  await write(rest);
}

async function write(text: string): Promise<void> {
  let bytes: Uint8Array = new TextEncoder().encode(text);
  while (bytes.length > 0) {
    bytes = bytes.subarray(await Deno.stdout.write(bytes));
  }
}

/** Runs tests; adds to a list the names of those that were ignored. */
async function run(args: string[], ignored: string[]): Promise<boolean> {
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["test", "--doc", "--parallel", "--no-check", "--reporter=dot"],
        `--junit-path=${report}`,
        ...args,
      ],
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", DENO_JOBS: JOBS },
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    await condense(child.stdout);
    const { success } = await child.status;
    ignored.push(...ignoredIn(await Deno.readTextFile(report)));
    return success;
  } finally {
    await Deno.remove(report);
  }
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
const halves = paths.length === 0
  ? [["--no-prompt", ...PURE], ["-A", `--ignore=${PURE.join(",")},**/*.md`]]
  : [
    ["--no-prompt", ...paths.filter(isPure)],
    ["-A", ...paths.filter((path) => !isPure(path))],
  ].filter((args) => args.length > 1);

const ignored: string[] = [];
let isGood = true;
// What fails in one does not keep the other from being run.
for (const args of halves) {
  isGood = await run([...flags, ...args], ignored) && isGood;
}
tell(ignored);
if (!isGood) Deno.exit(1);
