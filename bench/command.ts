// What the benches that start servers have in common as commands.
import { stopAll } from "./processes.ts";

/**
 * Runs a bench with what its arguments say, in a folder of its own. All that it
 * started is ended behind it, also when it is interrupted.
 */
export async function runCommand<T>(
  parse: (args: string[]) => T,
  main: (args: T, dir: string) => Promise<void>,
): Promise<never> {
  let args: T;
  try {
    args = parse(Deno.args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(2);
  }
  const dir = Deno.makeTempDirSync({ prefix: "uhttp-bench-" });
  let cleaned: Promise<void> | null = null;
  const cleanUp = () =>
    cleaned ??= stopAll().then(() => Deno.remove(dir, { recursive: true }));
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, async () => {
      Deno.exitCode = 130;
      await cleanUp();
      Deno.exit();
    });
  }
  try {
    await main(args, dir);
  } finally {
    await cleanUp();
  }
  Deno.exit();
}
