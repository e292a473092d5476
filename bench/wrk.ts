// wrk, with the script that has it print what can be read.
import { benchPath, runLoad } from "./processes.ts";

/** What wrk is to do. */
export interface WrkLoad {
  readonly url: string;
  readonly connections: number;
  /** A part of a second is possible: wrk is interrupted then. */
  readonly seconds: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
  /** Requests sent together. */
  readonly depth?: number;
  /** The file that is sent as the body. */
  readonly body?: string;
}

/** What `load/wrk.lua` prints; times are in us. */
export interface WrkSummary {
  readonly requests: number;
  readonly micros: number;
  readonly bytes: number;
  readonly p50: number;
  readonly p99: number;
  readonly socketErrors: number;
  readonly badStatus: number;
}

/** Runs it; what came was all of success, but maybe not a whole answer. */
export async function runWrk(load: WrkLoad): Promise<WrkSummary> {
  const { url, connections, seconds, headers = {}, body } = load;
  const fields = Object.entries(headers)
    .flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  // deno-fmt-ignore
  const output = await runLoad([
    "wrk", "-t1", `-c${connections}`, `-d${Math.ceil(seconds)}s`,
    "--timeout", "10s", "-s", benchPath("load/wrk.lua"), ...fields,
    url, "--", load.method ?? "GET", String(load.depth ?? 1),
    ...(body === undefined ? [] : [body]),
  ], seconds, !Number.isInteger(seconds));
  const line = /^@(\{.*\})$/m.exec(output)?.[1];
  if (!line) throw new Error(`No summary from wrk: ${output}`);
  const summary: WrkSummary = JSON.parse(line);
  if (summary.bytes === 0) throw new Error("Answered nothing");
  if (summary.badStatus > 0) {
    throw new Error(`${summary.badStatus} answers were not of success`);
  }
  return summary;
}
