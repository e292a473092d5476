/**
 * Compiles the `uhttp` command for five systems into build/, and says how large
 * each is; `SHA256SUMS` has their sums, as `sha256sum -c` reads them.
 *
 *     deno task compile:all [TARGET...]
 *
 * @module
 */
import { encodeHex } from "@std/encoding";
import { join } from "@std/path";
import config from "../deno.json" with { type: "json" };

/** Systems that Deno compiles for. */
export const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
] as const;

/** What a binary is called. */
export function nameOf(target: string): string {
  const end = target.includes("windows") ? ".exe" : "";
  return `uhttp-${config.version}-${target}${end}`;
}

/** What compiles it: the task's own command, but for where it goes. */
export function argumentsFor(target: string, folder: string): string[] {
  const [, ...args] = config.tasks.compile.command.split(" ");
  args[args.indexOf("-o") + 1] = join(folder, nameOf(target));
  return [args[0], "--target", target, ...args.slice(1)];
}

/** A line of `SHA256SUMS`. */
export async function sumLine(path: string, name: string): Promise<string> {
  const bytes = await Deno.readFile(path);
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `${encodeHex(sum)}  ${name}\n`;
}

/** Compiles for each of these, and writes their sums. */
async function main(targets: readonly string[], folder: string): Promise<void> {
  const unknown = targets.find((one) => !TARGETS.some((each) => each === one));
  if (unknown !== undefined) {
    throw new Error(`No target: ${unknown}; there are ${TARGETS.join(", ")}`);
  }
  await Deno.mkdir(folder, { recursive: true });
  let sums = "";
  for (const target of targets) {
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: argumentsFor(target, folder),
      cwd: join(import.meta.dirname!, ".."),
      stdout: "inherit",
      stderr: "inherit",
    }).output();
    if (!success) throw new Error(`Cannot compile for ${target}`);
    const name = nameOf(target);
    const path = join(folder, name);
    const { size } = await Deno.stat(path);
    console.log(`${name}: ${(size / 1e6).toFixed(1)} MB`);
    sums += await sumLine(path, name);
  }
  await Deno.writeTextFile(join(folder, "SHA256SUMS"), sums);
}

if (import.meta.main) {
  const targets = Deno.args.length > 0 ? Deno.args : TARGETS;
  await main(targets, join(import.meta.dirname!, "..", "build"));
}
