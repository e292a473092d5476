/**
 * Measures uHTTP beside its peers and prints a table for each scenario.
 *
 *     deno run -A bench/run.ts [scenario...] [--rounds N] [--duration SECONDS]
 *         [--peers NAME,NAME] [--json FILE]
 *
 * @module
 */
import { runCommand } from "./command.ts";
import { type Effort, makeFixtures, measure } from "./harness.ts";
import { LATENCIES, type LatencyScenario } from "./latency.ts";
import { findPeers, PEER_NAMES, type PeerName, versions } from "./peers.ts";
import { capture } from "./processes.ts";
import { formatReport, formatRows, judge, type Row } from "./report.ts";
import { type Scenario, SCENARIOS } from "./scenarios.ts";

interface Arguments extends Effort {
  readonly scenarios: readonly Scenario[];
  readonly peers: readonly PeerName[];
  readonly json: string | null;
}

const ALL: readonly Scenario[] = [...SCENARIOS, ...LATENCIES];

const MAX_ROUNDS = 100;
const MAX_SECONDS = 60;

function parseArguments(args: readonly string[]): Arguments {
  let rounds = 5;
  let seconds = 3;
  let peers = PEER_NAMES;
  let json: string | null = null;
  const scenarios: Scenario[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (arg === "--rounds") {
      rounds = parseCount(arg, args[++i], MAX_ROUNDS);
    } else if (arg === "--duration") {
      seconds = parseCount(arg, args[++i], MAX_SECONDS);
    } else if (arg === "--peers") {
      peers = parsePeers(args[++i] ?? "");
    } else if (arg === "--json") {
      json = args[++i] ?? null;
      if (json === null) throw new TypeError("--json needs a file name");
    } else {
      const found = ALL.filter((scenario) => scenario.name === arg);
      if (found.length === 0) {
        const names = new Set(ALL.map((scenario) => scenario.name));
        throw new TypeError(
          `No scenario "${arg}"; there are ${[...names].join(", ")}`,
        );
      }
      scenarios.push(...found);
    }
  }
  return {
    rounds,
    seconds,
    peers,
    json,
    scenarios: scenarios.length > 0 ? scenarios : ALL,
  };
}

function parseCount(name: string, text: string | undefined, max: number) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > max) {
    throw new TypeError(`${name} is a whole number from 1 to ${max}`);
  }
  return value;
}

function parsePeers(text: string): PeerName[] {
  return text.split(",").map((name) => {
    const found = PEER_NAMES.find((peer) => peer === name);
    if (!found) {
      throw new TypeError(
        `No peer "${name}"; there are ${PEER_NAMES.join(", ")}`,
      );
    }
    return found;
  });
}

async function checkMachine(scenarios: readonly Scenario[]): Promise<void> {
  if (navigator.hardwareConcurrency < 2) {
    throw new Error("A machine with two cores is needed");
  }
  const tools = ["wrk", "taskset", "openssl"];
  if (scenarios.some(({ name }) => name.includes("nginx"))) tools.push("nginx");
  for (const tool of tools) {
    if (await capture("which", tool) === null) {
      throw new Error(
        `There is no ${tool}; \`apt-get install wrk util-linux openssl ` +
          "nginx-light` installs what is needed on Debian",
      );
    }
  }
}

async function main(args: Arguments, dir: string): Promise<void> {
  await checkMachine(args.scenarios);
  const machine = await versions();
  console.log(`${machine}\n${args.rounds} rounds of ${args.seconds} s`);
  const taking = (kind: "latency" | null) =>
    args.peers.filter((name) =>
      args.scenarios.some((scenario) =>
        scenario.peers.includes(name) &&
        (scenario.kind === "latency") === (kind === "latency")
      )
    );
  const plain = await findPeers(taking(null), dir);
  const roads = await findPeers(taking("latency"), dir, "matrix/peers");
  const fixtures = await makeFixtures(dir, args.scenarios);
  const results = [];
  let rows: Row[] = [];
  for (const [i, scenario] of args.scenarios.entries()) {
    const row = (scenario as Partial<LatencyScenario>).row;
    const peers = row === undefined ? plain : roads;
    const samples = await measure(scenario, peers, args, fixtures);
    if (row === undefined) {
      console.log(`\n${formatReport(scenario, samples)}`);
    } else {
      rows.push({ label: row.label, scenario, samples });
      if (args.scenarios[i + 1]?.name !== scenario.name) {
        console.log(`\n${formatRows(rows)}`);
        rows = [];
      }
    }
    results.push({
      scenario: scenario.name,
      ...(row === undefined ? {} : { row: row.label }),
      samples: Object.fromEntries(samples),
      bounds: scenario.bounds.map((bound) => ({
        ...bound,
        ...judge(scenario, samples, bound),
      })),
    });
  }
  if (args.json !== null) {
    const { rounds, seconds } = args;
    const report = { machine, rounds, seconds, results };
    await Deno.writeTextFile(
      args.json,
      JSON.stringify(report, null, 2) + "\n",
    );
  }
}

if (import.meta.main) await runCommand(parseArguments, main);
