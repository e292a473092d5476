/**
 * Has a client ask hostile servers, each by itself and for a while, and says
 * what came of it for what the same process asks of an honest one:
 *
 *     deno run -A tests/attack/play_client.ts [pattern of names]
 *       [--ms=5000] [--together]
 */
import { makePair } from "../support/certificates.ts";
import { has } from "../support/wanting.ts";
import { BOUNDS } from "./arena.ts";
import { Child } from "./children.ts";
import { type Hostile, HostileServer } from "./hostile.ts";
import { pause } from "./peer.ts";
import { HOSTILE } from "./rows/hostile.ts";
import type { UserOptions, UserStats } from "./user.ts";
import type { VictimOptions } from "./victim.ts";

const flags = new Map(
  Deno.args.filter((arg) => arg.startsWith("--")).map((arg) => {
    const [name, value = ""] = arg.slice(2).split("=");
    return [name, value];
  }),
);
const pattern = new RegExp(
  Deno.args.find((arg) => !arg.startsWith("--")) ?? "",
);
const number = (name: string, usual: number) =>
  Number(flags.get(name) ?? usual);

/** How long it may take until all is as before, in ms. */
const RECOVERY = 15_000;

async function play(rows: Hostile[], honest: string): Promise<string[]> {
  const breath = flags.has("together") ? 100 : 0;
  const servers = rows.map((row) => new HostileServer(row, breath, pair));
  const options: UserOptions = {
    honest,
    interval: number("interval", 10),
    hostile: Object.fromEntries(
      rows.map(({ name, how }, i) => [
        name,
        { url: servers[i].url, how, options: servers[i].options },
      ]),
    ),
  };
  const user = new Child("user.ts", options, ["--v8-flags=--expose-gc"]);
  const stats = () => user.ask<UserStats>("stats");
  try {
    await user.heard();
    await pause(300);
    await stats();
    const before = await stats();
    await user.ask("start");
    await pause(number("ms", 5000));
    const during = await stats();
    await user.ask("stop");
    for (const server of servers) server.end();
    let after = await stats();
    for (const end = Date.now() + RECOVERY; Date.now() < end;) {
      if (leftOf(before, after, rows).length === 0) break;
      await pause(100);
      after = await stats();
    }
    show(rows, before, during, after);
    if (leftOf(before, after, rows).length > 0) {
      console.log(`     open: ${JSON.stringify(await user.ask("open"))}`);
    }
    return [...wrongOf(before, during, rows), ...leftOf(before, after, rows)];
  } finally {
    await user.end();
    for (const server of servers) if (!server.isOver) server.end();
  }
}

function leftOf(
  before: UserStats,
  after: UserStats,
  rows: Hostile[],
): string[] {
  const faults: string[] = [];
  if (after.descriptors > before.descriptors + 2) {
    faults.push(
      `${after.descriptors} descriptors, ${before.descriptors} before`,
    );
  }
  const left = after.heap - before.heap;
  if (left > BOUNDS.left + rows.length / 8) {
    faults.push(`${Math.round(left)} MiB are left`);
  }
  return faults;
}

function wrongOf(
  before: UserStats,
  during: UserStats,
  rows: Hostile[],
): string[] {
  const faults = during.lost.map((what) => `Honest server: ${what}`);
  if (during.answered === 0) faults.push("Honest server: no answer");
  const leniency = number("leniency", 1);
  const most = { ...BOUNDS };
  for (const { bounds } of rows) {
    for (const name of Object.keys(bounds ?? {}) as (keyof typeof most)[]) {
      most[name] = Math.max(most[name], bounds![name]!);
    }
  }
  const check = (what: string, value: number, bound: number) => {
    if (value > bound) faults.push(`${what}: ${Math.round(value)}`);
  };
  const isTogether = flags.has("together");
  const share = isTogether ? 3 : 1;
  check("Wait in ms", during.wait, most.wait * leniency);
  // All servers have their say in one turn where they are asked together.
  check(
    "CPU time of a turn in ms",
    during.turn,
    most.turn * (isTogether ? 6 : 1),
  );
  check("MiB taken", during.peak - before.rss, most.grown * share);
  check("MiB in use", during.heap - before.heap, most.held * share);
  return faults;
}

function show(
  rows: Hostile[],
  before: UserStats,
  during: UserStats,
  after: UserStats,
): void {
  const what = rows.length > 1
    ? "all together"
    : `${rows[0].name}: ${JSON.stringify(during.hostile[rows[0].name])}`;
  console.log(what);
  console.log(
    `     wait ${Math.round(during.wait)} ms; turn ${
      Math.round(during.turn)
    } ms; ` +
      `delay ${Math.round(during.delay)} ms; RSS ${Math.round(before.rss)}, ` +
      `${Math.round(during.peak)} MiB; in use ` +
      `+${(during.heap - before.heap).toFixed(1)}, ` +
      `+${(after.heap - before.heap).toFixed(1)} MiB; descriptors ` +
      `${before.descriptors}, ${during.descriptors}, ${after.descriptors}`,
  );
}

const pair = has("OpenSSL 3") ? await makePair() : null;
const rows = HOSTILE.filter(({ name, tls }) =>
  pattern.test(name) && (tls === undefined || pair !== null)
);
const honestOptions: VictimOptions = { whole: {} };
const honest = new Child("victim.ts", honestOptions);
const { whole } = await honest.heard<{ whole: number }>();
let isGood = true;
for (const group of flags.has("together") ? [rows] : rows.map((row) => [row])) {
  const faults = await play(group, `http://127.0.0.1:${whole}`);
  for (const fault of faults) console.log(`   ! ${fault}`);
  isGood &&= faults.length === 0;
}
await honest.end();
Deno.exit(isGood ? 0 : 1);
