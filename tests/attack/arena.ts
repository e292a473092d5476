// Plays attacks against servers in another process, and says what came of it:
// what an honest client saw meanwhile, and what is left afterwards.
import { makePair, type Pair } from "../support/certificates.ts";
import { Child } from "./children.ts";
import type { HonestOptions, Seen } from "./honest.ts";
import { pause, type Target } from "./peer.ts";
import { type Attack, AttackScene, type Bounds, type Way } from "./scene.ts";
import type { VictimOptions, VictimStats } from "./victim.ts";

/** The servers of a victim. */
export const SERVERS = {
  /** As it comes. */
  whole: {},
  streaming: { streaming: true },
  /** So few places that they can all be taken. */
  few: { maxWaitingClients: 64 },
  /** Silence is not borne for long. */
  brief: { keepAliveTimeout: 1500 },
  compressed: { compress: true },
  /** One that ends in the middle, and so has no honest clients. */
  stopped: {},
} satisfies VictimOptions;

/** What any attack may bring about. */
export const BOUNDS: Bounds = {
  wait: 250,
  turn: 250,
  grown: 160,
  held: 32,
  left: 8,
};

/** Memory that the ways of speaking take, over that of plain connections. */
const SHARE: Record<Way, number> = { plain: 1, tls: 1.5, guarded: 3 };

/** An attack, and how its server is spoken to. */
export interface Played {
  attack: Attack;
  way: Way;
}

/** How attacks are played. */
export interface PlayOptions {
  /** For how long, in ms. */
  ms: number;
  scale: number;
  /** Between two requests of an honest client, in ms. */
  interval: number;
  /** Bounds on waits are so many times as large, as all are played at once. */
  leniency: number;
  pair: Pair | null;
}

/** What came of attacks. */
export interface Outcome {
  /** What is over a bound, or else wrong; nothing where all is well. */
  faults: string[];
  notes: string[];
  seen: Record<string, Seen>;
  before: VictimStats;
  during: VictimStats;
  after: VictimStats;
}

/** How long servers may take to notice that all attackers are gone, in ms. */
const RECOVERY = 15_000;
/**
 * And until each honest client has been served once more: who waits longer is
 * lost, however loaded the machine is.
 */
const PATIENCE = 60_000;
/** For how long honest clients are watched before there is an attack, in ms. */
const CALM = 300;
/** What an honest client may wait then, in ms, where the machine has time. */
const CALM_WAIT = 25;

/** The name of the server that an attack is for. */
function serverOf({ attack: { server = "whole" }, way }: Played): string {
  return `${server}/${way}`;
}

/** Plays attacks, all at once. */
export async function play(
  played: Played[],
  { ms, scale, interval, leniency, pair }: PlayOptions,
): Promise<Outcome> {
  const options: VictimOptions = {};
  for (const one of played) {
    const { attack: { server = "whole" }, way } = one;
    const tls = way === "plain"
      ? {}
      : { ...pair, guardedTls: way === "guarded" };
    options[serverOf(one)] = { ...SERVERS[server], ...tls };
  }
  const victim = new Child("victim.ts", options, ["--v8-flags=--expose-gc"]);
  const ports = await victim.heard<Record<string, number>>();
  const targets: Record<string, Target> = Object.fromEntries(
    Object.entries(ports).map(([name, port]) => [
      name,
      { port, isSecure: !name.endsWith("/plain") },
    ]),
  );
  const lasting = Object.fromEntries(
    Object.entries(targets).filter(([name]) => !name.startsWith("stopped/")),
  );
  const honestOptions: HonestOptions = { targets: lasting, interval };
  const honest = new Child("honest.ts", honestOptions);
  const see = () => honest.ask<Record<string, Seen>>("seen");
  try {
    await honest.heard();
    await pause(CALM);
    await see(); // which took what all do for the first time
    const ask = <T>(what: string) => victim.ask<T>(what);
    const before = await settled(ask);
    await pause(CALM);
    const calm = Object.values(await see()).map(({ wait }) => wait);
    const slow = Math.max(1, Math.max(0, ...calm) / CALM_WAIT);
    const scenes = played.map((one, i) =>
      new AttackScene(targets[serverOf(one)], scale, i + 1, serverOf(one), ask)
    );
    const playing = played.map(async ({ attack }, i) => {
      const scene = scenes[i];
      try {
        await attack.play(scene);
      } catch (error) {
        scene.faults.push(`${attack.name}: ${error}`);
      }
      await scene.over;
    });
    await pause(ms);
    const seen = await see();
    const during = await ask<VictimStats>("stats");
    for (const scene of scenes) scene.end();
    await Promise.all(playing);
    const bounds = joint(played);
    const after = await recovered(ask, before, bounds);
    const isBack = excess(before, after).length === 0;
    const open = isBack ? null : await ask("open");
    const later = await servedAgain(see);
    const faults = scenes.flatMap(({ faults }) => faults);
    faults.push(
      ...wrongIn(joined(seen, later), waits(played, leniency * slow)),
      ...wrongOf({ before, during, after }, bounds),
    );
    const notes = scenes.flatMap(({ notes }) => notes);
    if (open !== null) notes.push(`Open: ${JSON.stringify(open)}`);
    if (slow > 1) notes.push(`The machine is slow: ${slow.toFixed(1)}`);
    return { faults, notes, seen, before, during, after };
  } finally {
    await honest.end();
    await victim.end();
  }
}

/** The bounds of attacks together: memory adds up. */
function joint(played: Played[]): Bounds {
  const all = played.map(({ attack: { bounds }, way }) => ({
    bounds: { ...BOUNDS, ...bounds },
    share: SHARE[way],
  }));
  const most = (name: keyof Bounds) =>
    Math.max(...all.map(({ bounds }) => bounds[name]));
  const sum = (name: keyof Bounds) => {
    const base = BOUNDS[name] * Math.max(...all.map(({ share }) => share));
    return all.reduce(
      (sum, { bounds, share }) => sum + (bounds[name] - BOUNDS[name]) * share,
      base,
    );
  };
  return {
    wait: most("wait"),
    turn: most("turn") * (played.length > 1 ? 2 : 1),
    grown: sum("grown"),
    held: sum("held"),
    left: most("left") + played.length / 8,
  };
}

/** The longest that an honest client of each server may wait. */
function waits(played: Played[], factor: number): Record<string, number> {
  const all: Record<string, number> = {};
  for (const one of played) {
    const { wait = BOUNDS.wait } = one.attack.bounds ?? {};
    const name = serverOf(one);
    all[name] = Math.max(all[name] ?? 0, wait * factor);
  }
  return all;
}

type Ask = <T>(what: string) => Promise<T>;

/** Waits until numbers stand still. */
async function settled(ask: Ask): Promise<VictimStats> {
  await ask("stats");
  await pause(100);
  return await ask("stats");
}

/** Waits until all is as before, or as it will ever be. */
async function recovered(
  ask: Ask,
  before: VictimStats,
  { left }: Bounds,
): Promise<VictimStats> {
  const end = Date.now() + RECOVERY;
  for (;;) {
    const now = await ask<VictimStats>("stats");
    const isBack = excess(before, now).length === 0 &&
      now.heap - before.heap <= left;
    if (isBack || Date.now() > end) return now;
    await pause(100);
  }
}

/** What honest clients see until each has had an answer. */
async function servedAgain(
  ask: () => Promise<Record<string, Seen>>,
): Promise<Record<string, Seen>> {
  let all = await ask();
  for (const end = Date.now() + PATIENCE; Date.now() < end;) {
    if (Object.values(all).every(({ answered }) => answered > 0)) break;
    await pause(100);
    all = joined(all, await ask());
  }
  return all;
}

function joined(
  some: Record<string, Seen>,
  others: Record<string, Seen>,
): Record<string, Seen> {
  return Object.fromEntries(
    Object.entries(some).map(([name, one]) => {
      const other = others[name];
      return [name, {
        ...one.wait > other.wait ? one : other,
        answered: one.answered + other.answered,
        lost: [...new Set([...one.lost, ...other.lost])],
        closed: one.closed + other.closed,
      }];
    }),
  );
}

/** An honest client has two connections at a time at most. */
const HONEST = 2;

/** What is there that was not there before. */
function excess(before: VictimStats, after: VictimStats): string[] {
  const faults: string[] = [];
  for (
    const [name, { openConnections, held }] of Object.entries(after.servers)
  ) {
    if (openConnections > HONEST) {
      faults.push(`${openConnections} connections are left of ${name}`);
    }
    if (held > 0) faults.push(`${held} requests are still held by ${name}`);
  }
  const most = before.descriptors + HONEST * Object.keys(after.servers).length;
  if (after.descriptors > most) {
    faults.push(`${after.descriptors} descriptors, and ${most} at most before`);
  }
  return faults;
}

function wrongIn(
  seen: Record<string, Seen>,
  bounds: Record<string, number>,
): string[] {
  const faults: string[] = [];
  for (const [name, one] of Object.entries(seen)) {
    const { answered, lost, wait, connecting, attempts } = one;
    for (const what of lost) faults.push(`Honest client of ${name}: ${what}`);
    if (answered === 0) faults.push(`Honest client of ${name}: never served`);
    if (wait > bounds[name]) {
      faults.push(
        `Honest client of ${name} waited ${Math.round(wait)} ms, ` +
          `${Math.round(connecting)} of them to connect; ${attempts} attempts`,
      );
    }
  }
  return faults;
}

function wrongOf(
  { before, during, after }: Record<"before" | "during" | "after", VictimStats>,
  bounds: Bounds,
): string[] {
  const faults = excess(before, after);
  const turn = Math.max(during.turn, after.turn);
  if (turn > bounds.turn) faults.push(`A turn took ${Math.round(turn)} ms`);
  const grown = during.peak - before.rss;
  if (grown > bounds.grown) faults.push(`${Math.round(grown)} MiB were taken`);
  const held = during.heap - before.heap;
  if (held > bounds.held) faults.push(`${Math.round(held)} MiB were in use`);
  const left = after.heap - before.heap;
  if (left > bounds.left) faults.push(`${Math.round(left)} MiB are left`);
  return faults;
}

/** A certificate for the ways of TLS. */
export const pairFor = (ways: Way[]): Promise<Pair> | null =>
  ways.some((way) => way !== "plain") ? makePair() : null;
