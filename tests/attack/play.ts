/**
 * Plays attacks and says what came of them, each by itself and for a while:
 *
 *     deno run -A tests/attack/play.ts [pattern of names] [--way=plain]
 *       [--ms=5000] [--scale=4] [--together]
 *
 * With `--together` all at once, as in the tests.
 */
import {
  type Outcome,
  pairFor,
  play,
  type Played,
  type PlayOptions,
} from "./arena.ts";
import { ROWS } from "./rows.ts";
import type { Way } from "./scene.ts";

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
const isTogether = flags.has("together");

const options: PlayOptions = {
  ms: number("ms", 5000),
  scale: number("scale", 4),
  interval: number("interval", 10),
  leniency: number("leniency", 1),
  pair: await pairFor(ways),
};

function isWanted({ attack, way }: Played): boolean {
  const { phase, name, server = "whole", ways = all, isLong } = attack;
  if (isTogether && (isLong || way !== "plain" && ABOVE.includes(phase))) {
    return false;
  }
  return ways.includes(way) && pattern.test(`${phase}: ${name} (${server})`);
}

const wanted: Played[] = ways.flatMap((way) =>
  ROWS.map((attack) => ({ attack, way })).filter(isWanted)
);
let isGood = true;
for (const group of isTogether ? [wanted] : wanted.map((one) => [one])) {
  const outcome = await play(group, options);
  const [{ attack: { phase, name }, way }] = group;
  show(
    isTogether ? `${group.length} at once` : `${phase}: ${name} (${way})`,
    outcome,
  );
  isGood &&= outcome.faults.length === 0;
}
Deno.exit(isGood ? 0 : 1);
