/**
 * Plays attacks and says what came of them, each by itself and for a while:
 *
 *     deno run -A tests/attack/play.ts [pattern of names] [--way=plain]
 *       [--ms=5000] [--scale=4] [--together] [--known]
 *
 * With `--together` all at once, as in the tests, and with `--known` those too that
 * do harm and are not mended.
 */
import { type Outcome, pairFor, play, type PlayOptions } from "./arena.ts";
import { ROWS } from "./rows.ts";
import type { Attack, Way } from "./scene.ts";

const flags = new Map(
  Deno.args.filter((arg) => arg.startsWith("--")).map((arg) => {
    const [name, value = ""] = arg.slice(2).split("=");
    return [name, value];
  }),
);
const pattern = new RegExp(
  Deno.args.find((arg) => !arg.startsWith("--")) ?? "",
);
const all: Way[] = ["plain", "tls", "guarded"];
const ways = flags.has("way") ? flags.get("way")!.split(",") as Way[] : all;
const number = (name: string, usual: number) =>
  Number(flags.get(name) ?? usual);

function show(name: string, outcome: Outcome): void {
  const { seen, before, during, after, faults, notes } = outcome;
  const waits = Object.values(seen).map(({ wait }) => wait);
  const closed = Object.values(seen).reduce(
    (sum, { closed }) => sum + closed,
    0,
  );
  const numbers = [
    `closed ${closed}`,
    `wait ${Math.round(Math.max(...waits))} ms`,
    `turn ${Math.round(during.turn)} ms`,
    `delay ${Math.round(during.delay)} ms`,
    `RSS ${Math.round(before.rss)}, ${Math.round(during.peak)}, ` +
    `${Math.round(after.rss)} MiB`,
    `in use +${(during.heap - before.heap).toFixed(1)}, ` +
    `+${(after.heap - before.heap).toFixed(1)} MiB`,
    `descriptors ${before.descriptors}, ${during.descriptors}, ` +
    `${after.descriptors}`,
  ];
  console.log(`${faults.length === 0 ? "ok  " : "BAD "} ${name}`);
  console.log(`     ${numbers.join("; ")}`);
  if (flags.has("verbose")) console.log({ seen, after });
  for (const note of notes) console.log(`     ${note}`);
  for (const fault of faults) console.log(`   ! ${fault}`);
}

/** What TLS makes no difference to: left out there where time is short. */
const ABOVE = ["body", "held", "streaming", "websocket"];
const isShort = flags.has("together");

const pair = await pairFor(ways);
const options = (way: Way): PlayOptions => ({
  way,
  ms: number("ms", 5000),
  scale: number("scale", 4),
  interval: number("interval", 10),
  leniency: number("leniency", 1),
  pair,
});
let isGood = true;
for (const way of ways) {
  const attacks = ROWS.filter((row) =>
    !(isShort && way !== "plain" && ABOVE.includes(row.phase)) &&
    (row.ways ?? all).includes(way) &&
    !(isShort && row.isLong) &&
    (!row.isKnown || flags.has("known")) &&
    pattern.test(`${row.phase}: ${row.name} (${row.server ?? "whole"})`)
  );
  const groups: Attack[][] = flags.has("together")
    ? [attacks]
    : attacks.map((attack) => [attack]);
  for (const group of groups) {
    if (group.length === 0) continue;
    const outcome = await play(group, options(way));
    const name = flags.has("together")
      ? "all together"
      : `${group[0].phase}: ${group[0].name}`;
    show(`${name} (${way})`, outcome);
    isGood &&= outcome.faults.length === 0;
  }
}
Deno.exit(isGood ? 0 : 1);
