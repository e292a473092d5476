import { type Arguments, infoOf } from "./arguments.ts";
import { readConnection } from "./connection_arguments.ts";
import { usageError } from "./exit_codes.ts";
import { parseOptions } from "./parse_options.ts";
import { seconds } from "./values.ts";

/** Reads the command line of a WebSocket. */
export function readWs(args: readonly string[]): Arguments {
  const given = parseOptions(args, "ws");
  const info = infoOf(given, "ws");
  if (info !== null) return info;
  const wait = given.text("wait");
  return {
    ...readConnection(given, onlyOne(given.positionals), "ws"),
    command: "ws",
    protocols: given.texts("protocol"),
    ping: seconds(given.text("ping") ?? "0", "--ping"),
    wait: wait === undefined ? undefined : seconds(wait, "--wait"),
  };
}

function onlyOne(positionals: readonly string[]): string {
  if (positionals.length === 0) throw usageError("URL is missing");
  if (positionals.length > 1) {
    throw usageError(`Too many arguments: ${positionals[1]}`);
  }
  return positionals[0];
}
