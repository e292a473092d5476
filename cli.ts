/**
 * The `uhttp` command: requests, WebSockets, and servers of a folder and of
 * what was asked.
 *
 * ```sh
 * deno run -A jsr:@uhttp/uhttp/cli localhost:8000/api -j '{"a":1}'
 * deno run -A jsr:@uhttp/uhttp/cli ws wss://example.com/chat
 * deno run -A jsr:@uhttp/uhttp/cli serve public
 * ```
 *
 * It is a program: nothing needs to import it. `main()` runs it within
 * another one.
 *
 * ```ts
 * import { main } from "@uhttp/uhttp/cli";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(await main(["--version"]), 0);
 * ```
 *
 * @module
 */
import { readArguments } from "./cli/command_line.ts";
import { completions } from "./cli/completions.ts";
import { runEcho } from "./cli/echo.ts";
import { ExitCode, exitCodeOf } from "./cli/exit_codes.ts";
import { HELP, VERSION } from "./cli/help.ts";
import { runInspect } from "./cli/inspect.ts";
import { type CliIo, systemIo, writeAll, writeLine } from "./cli/io.ts";
import { manPage } from "./cli/man_page.ts";
import { plainLine } from "./cli/plain_text.ts";
import { runRequest } from "./cli/request.ts";
import { runServe } from "./cli/serve.ts";
import { topicText } from "./cli/topics.ts";
import { runWs } from "./cli/ws.ts";

export { ExitCode } from "./cli/exit_codes.ts";
export type { CliInput, CliIo, CliOutput } from "./cli/io.ts";

/**
 * Runs the command.
 *
 * @param args The command line, without the program's own name.
 * @param io Where to read and write; the process's own by default.
 * @returns The exit code. It never rejects: what goes wrong is one line on
 * standard error.
 */
export async function main(
  args: readonly string[],
  io: CliIo = systemIo(),
): Promise<number> {
  try {
    return await run(args, io);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (message !== "") {
      // Where nobody reads this either, the code alone must do.
      await writeLine(io.stderr, `uhttp: ${plainLine(message)}`)
        .catch(() => {});
    }
    return exitCodeOf(error);
  }
}

async function run(args: readonly string[], io: CliIo): Promise<number> {
  const given = readArguments(args);
  switch (given.command) {
    case "help":
      await writeAll(io.stdout, HELP[given.topic] + "\n");
      return ExitCode.OK;
    case "topic":
      await writeAll(io.stdout, topicText(given.topic) + "\n");
      return ExitCode.OK;
    case "completions":
      await writeAll(io.stdout, completions(given.shell));
      return ExitCode.OK;
    case "man":
      await writeAll(io.stdout, manPage());
      return ExitCode.OK;
    case "version":
      await writeAll(io.stdout, `uhttp ${VERSION}\n`);
      return ExitCode.OK;
    case "serve":
      return await runServe(given, io);
    case "echo":
      return await runEcho(given, io);
    case "inspect":
      return await runInspect(given, io);
    case "ws":
      return await runWs(given, io);
    case "request":
      return await runRequest(given, io);
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
