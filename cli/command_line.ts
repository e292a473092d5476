import type { Arguments } from "./arguments.ts";
import { readRequest } from "./request_arguments.ts";
import { readEcho, readInspect, readServe } from "./serve_arguments.ts";
import { readWs } from "./ws_arguments.ts";

/**
 * Reads the command line. Nothing is opened.
 *
 * @throws {CliError} If it is wrong; the message names what.
 */
export function readArguments(args: readonly string[]): Arguments {
  const [first, ...rest] = args;
  switch (first) {
    case "ws":
      return readWs(rest);
    case "serve":
      return readServe(rest);
    case "echo":
      return readEcho(rest);
    case "inspect":
      return readInspect(rest);
    case "help":
      return { command: "topic", topic: rest[0] ?? "" };
    case "man":
      return { command: "man" };
    case "completions":
      return { command: "completions", shell: rest[0] ?? "" };
    default:
      return readRequest(args);
  }
}
