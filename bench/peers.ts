// Who is measured, and with what each is run.
import { benchPath, capture } from "./processes.ts";

/** The name of a peer, as in the tables. */
export type PeerName =
  | "uhttp"
  | "deno_serve"
  | "node_http"
  | "bun_serve"
  | "node_ws"
  | "floor";

/** A peer that can be run here. */
export interface Peer {
  readonly name: PeerName;
  /** The real program, with its arguments up to the peer's own. */
  readonly command: string[];
}

/** All peers; the first is the one that is measured against the others. */
export const PEER_NAMES: readonly PeerName[] = [
  "uhttp",
  "deno_serve",
  "node_http",
  "bun_serve",
  "node_ws",
  "floor",
];

/**
 * Finds the peers that can be run, and says why another one cannot.
 *
 * A program on the PATH may be a wrapper that starts the real one, so each
 * runtime is asked for its own path.
 *
 * @param dir For what has to be fetched first; the caller removes it.
 * @param folder Where the peers' programs lie.
 */
export async function findPeers(
  names: readonly PeerName[],
  dir: string,
  folder: string = "peers",
): Promise<Peer[]> {
  const program = (file: string): string => benchPath(`${folder}/${file}`);
  const deno = [Deno.execPath(), "run", "-A", "--quiet"];
  const node = await capture("node", "-p", "process.execPath");
  const bun = await capture("bun", "-e", "console.log(process.execPath)");
  const commands: Record<PeerName, string[] | string> = {
    uhttp: await exists("../mod.ts")
      ? [...deno, program("uhttp.ts")]
      : "there is no mod.ts",
    deno_serve: [...deno, program("deno_serve.ts")],
    node_http: node
      ? [node, program("node_http.mjs")]
      : "there is no `node` on the PATH",
    bun_serve: bun
      ? [bun, program("bun_serve.ts")]
      : "there is no `bun` on the PATH; `npm install -g bun` installs it",
    node_ws: !node
      ? "there is no `node` on the PATH"
      : !names.includes("node_ws") || await installWs(dir)
      ? [node, program("node_ws.mjs")]
      : `\`npm install ${WS}\` fails`,
    floor: [...deno, program("floor.ts")],
  };
  const peers: Peer[] = [];
  for (const name of names) {
    const command = commands[name];
    if (typeof command === "string") console.log(`Without ${name}: ${command}`);
    else peers.push({ name, command });
  }
  return peers;
}

/** The package that WebSockets on Node are compared by. */
const WS = "ws@8";
const INSTALL_TIMEOUT = 60_000;

/** Puts the package into a directory where `peers/node_ws.mjs` looks for it. */
async function installWs(dir: string): Promise<boolean> {
  try {
    // deno-fmt-ignore
    const npm = new Deno.Command("npm", {
      args: [
        "install", "--prefix", dir, "--no-save", "--prefer-offline",
        "--ignore-scripts", "--no-audit", "--no-fund", WS,
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
      signal: AbortSignal.timeout(INSTALL_TIMEOUT),
    });
    if (!(await npm.output()).success) return false;
    const text = await Deno.readTextFile(`${dir}/node_modules/ws/package.json`);
    console.log(`node_ws is ws ${JSON.parse(text).version}`);
    return true;
  } catch {
    return false;
  }
}

async function exists(name: string): Promise<boolean> {
  try {
    await Deno.stat(benchPath(name));
    return true;
  } catch {
    return false;
  }
}

/** The versions of everything that takes part, for the head of a report. */
export async function versions(): Promise<string> {
  const node = await capture("node", "-p", "process.versions.node");
  const bun = await capture("bun", "-p", "Bun.version");
  // wrk prints its version on the way to a failure.
  const wrk = await new Deno.Command("wrk", { args: ["--version"] }).output();
  const wrkText = new TextDecoder().decode(wrk.stdout) +
    new TextDecoder().decode(wrk.stderr);
  const wrkVersion = /^wrk (\S+)/m.exec(wrkText)?.[1];
  const cpu = /^model name\s*: (.*)$/m.exec(
    await Deno.readTextFile("/proc/cpuinfo"),
  )?.[1];
  return `Deno ${Deno.version.deno}, Node ${node ?? "-"}, Bun ${bun ?? "-"}, ` +
    `wrk ${wrkVersion ?? "?"}; ${cpu ?? "?"}, Linux ${Deno.osRelease()}`;
}
