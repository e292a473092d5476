/**
 * Measures the library on each of its roads, at several sizes, and holds every
 * cell to a goal.
 *
 *     deno run -A bench/matrix.ts [row...] [--sizes 10KB,1MB]
 *         [--connections 1,32] [--only plain|tls] [--peers NAME,NAME]
 *         [--rounds N] [--duration SECONDS] [--json FILE]
 *
 * @module
 */
import { runCommand } from "./command.ts";
import { installUndici } from "./client.ts";
import { makeCertificate } from "./harness.ts";
import { measureClients } from "./matrix/clients.ts";
import { measureCell, type Setup } from "./matrix/measure.ts";
import {
  formatRow,
  formatWorst,
  judgeCell,
  type Result,
} from "./matrix/report.ts";
import {
  type Cell,
  cellLabel,
  cellsOf,
  type Name,
  type Row,
  ROWS,
  sizeLabel,
} from "./matrix/rows.ts";
import { findPeers, type PeerName, versions } from "./peers.ts";
import { benchPath, capture } from "./processes.ts";

const SERVERS = ["uhttp", "deno_serve", "bun_serve", "floor"] as const;
const CLIENTS = ["uhttp", "fetch", "undici"] as const;
const NAMES: readonly Name[] = [...new Set([...SERVERS, ...CLIENTS])];
const MAX_ROUNDS = 100;
const MAX_SECONDS = 60;
const MIN_SECONDS = 0.2;

interface Arguments {
  readonly rows: readonly Row[];
  readonly sizes: readonly string[] | null;
  readonly connections: readonly number[] | null;
  readonly only: string | null;
  readonly names: readonly Name[];
  readonly rounds: number;
  readonly seconds: number;
  readonly json: string | null;
}

function parseArguments(args: readonly string[]): Arguments {
  const options = new Map<string, string>();
  const rows: Row[] = [];
  const known = [
    "--sizes",
    "--connections",
    "--only",
    "--peers",
    "--rounds",
    "--duration",
    "--json",
  ];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (known.includes(arg)) {
      const value = args[++i];
      if (value === undefined) throw new TypeError(`${arg} needs a value`);
      options.set(arg, value);
      continue;
    }
    const found = ROWS.find(({ name }) => name === arg);
    if (found === undefined) {
      const names = ROWS.map(({ name }) => name).join(", ");
      throw new TypeError(`No row "${arg}"; there are ${names}`);
    }
    rows.push(found);
  }
  const number = (name: string, most: number, preset: number): number => {
    const value = Number(options.get(name) ?? preset);
    if (value > 0 && value <= most) return value;
    throw new TypeError(`${name} is a number up to ${most}`);
  };
  const names = options.get("--peers")?.split(",") ?? NAMES;
  const unknown = names.find((name) => !NAMES.includes(name as Name));
  if (unknown !== undefined) {
    throw new TypeError(`No peer "${unknown}"; there are ${NAMES.join(", ")}`);
  }
  const only = options.get("--only") ?? null;
  if (only !== null && only !== "plain" && only !== "tls") {
    throw new TypeError("--only is plain or tls");
  }
  return {
    rows: rows.length > 0 ? rows : ROWS,
    sizes: options.get("--sizes")?.split(",") ?? null,
    connections: options.get("--connections")?.split(",").map(Number) ?? null,
    only,
    names: names as Name[],
    rounds: Math.ceil(number("--rounds", MAX_ROUNDS, 3)),
    seconds: Math.max(number("--duration", MAX_SECONDS, 0.4), MIN_SECONDS),
    json: options.get("--json") ?? null,
  };
}

/** Whether a cell is one of those asked for. */
function isAskedFor(cell: Cell, args: Arguments): boolean {
  const { row, size, connections, isTls } = cell;
  return (args.sizes === null || args.sizes.includes(sizeLabel(row, size))) &&
    (args.connections === null || args.connections.includes(connections)) &&
    (args.only === null || (args.only === "tls") === isTls);
}

async function prepare(
  cells: readonly Cell[],
  names: readonly Name[],
  dir: string,
): Promise<Setup> {
  const isClient = ({ row }: Cell) => row.kind === "client";
  const needed = SERVERS.filter((name) =>
    // It is the server of all clients.
    name === "deno_serve" && cells.some(isClient) ||
    names.includes(name) &&
      cells.some((cell) => !isClient(cell) && cell.row.peers.includes(name))
  );
  const peers = await findPeers(
    needed as readonly PeerName[],
    dir,
    "matrix/peers",
  );
  const clients = new Map<Name, readonly string[]>();
  if (cells.some(isClient)) {
    const deno = [Deno.execPath(), "run", "-A", "--quiet"];
    const node = await capture("node", "-p", "process.execPath");
    clients.set("uhttp", [...deno, benchPath("matrix/clients/uhttp.ts")]);
    clients.set("fetch", [...deno, benchPath("matrix/clients/fetch.ts")]);
    if (node !== null && await installUndici(dir)) {
      clients.set("undici", [node, benchPath("matrix/clients/undici.mjs")]);
    } else console.log("Without undici: it needs node and npm");
  }
  return {
    dir,
    cert: cells.some(({ isTls }) => isTls) ? await makeCertificate(dir) : "",
    commands: new Map(
      peers.map(({ name, command }) => [name as Name, command]),
    ),
    clients,
  };
}

async function main(args: Arguments, dir: string): Promise<void> {
  const started = performance.now();
  const machine = await versions();
  const cells = args.rows.flatMap(cellsOf)
    .filter((cell) => isAskedFor(cell, args));
  if (cells.length === 0) throw new Error("There are no such cells");
  console.log(
    `${machine}\n${cells.length} cells, ${args.rounds} rounds of ` +
      `${args.seconds} s`,
  );
  const setup = await prepare(cells, args.names, dir);
  const names = args.names.filter((name) =>
    setup.commands.has(name) || setup.clients.has(name)
  );
  const results: Result[] = [];
  for (const row of args.rows) {
    const rowResults: Result[] = [];
    for (const cell of cells.filter((cell) => cell.row === row)) {
      const measure = row.kind === "client" ? measureClients : measureCell;
      const samples = await measure(cell, names, args, setup);
      rowResults.push({ cell, samples });
    }
    if (rowResults.length === 0) continue;
    console.log(`\n${formatRow(row, rowResults)}`);
    results.push(...rowResults);
  }
  const minutes = (performance.now() - started) / 60_000;
  console.log(`\n${formatWorst(results)}\nIn ${minutes.toFixed(1)} minutes`);
  if (args.json !== null) await writeJson(args.json, machine, args, results);
}

async function writeJson(
  path: string,
  machine: string,
  { rounds, seconds }: Arguments,
  results: readonly Result[],
): Promise<void> {
  const report = {
    machine,
    rounds,
    seconds,
    results: results.map((result) => ({
      cell: cellLabel(result.cell),
      samples: Object.fromEntries(result.samples),
      goals: judgeCell(result),
    })),
  };
  await Deno.writeTextFile(path, JSON.stringify(report, null, 2) + "\n");
}

if (import.meta.main) await runCommand(parseArguments, main);
