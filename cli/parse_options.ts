import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { usageError } from "./exit_codes.ts";
import { type CommandName, type Option, OPTIONS } from "./options.ts";

/** What curl and its kin call things that are done otherwise here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "-X": "the method goes first, as in: uhttp PUT URL",
  "--request": "the method goes first, as in: uhttp PUT URL",
  "-T": "a file is sent by -f",
  "--upload-file": "a file is sent by -f",
  "-A": "it is a header: -H 'User-Agent: ...'",
  "--user-agent": "it is a header: -H 'User-Agent: ...'",
  "-e": "it is a header: -H 'Referer: ...'",
  "--referer": "it is a header: -H 'Referer: ...'",
  "--data-raw": "-d sends text as it is; @ in front means a file",
  "--data-binary": "-d sends bytes as they are",
  "--unix-socket": "it is --unix here",
  "-s": "-q shows no progress",
  "--silent": "-q shows no progress",
  "--follow": "it is -L here",
  "--verify": "-k takes any certificate, --cacert trusts more",
  "--download": "-O, or -o FILE, saves to a file",
};

/** What was given, by the options' long names. */
export class Given {
  /** What is no option, nor the value of one. */
  readonly positionals: readonly string[];
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Record<string, unknown>, positionals: string[]) {
    this.#values = values;
    this.positionals = positionals;
  }

  /** Whether an option was given, in whatever way. */
  has(name: string): boolean {
    return this.#values[name] !== undefined;
  }

  /** Whether a flag was given, and not as `--no-...`. */
  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  /** The same, where it makes a difference whether nothing was said. */
  choice(name: string): boolean | undefined {
    return this.#values[name] as boolean | undefined;
  }

  /** An option's value. */
  text(name: string): string | undefined {
    return this.#values[name] as string | undefined;
  }

  /** The values of an option that may be given often. */
  texts(name: string): string[] {
    return (this.#values[name] as string[] | undefined) ?? [];
  }
}

/**
 * Reads options by the table.
 *
 * @param more Flags that are in no help.
 * @throws {CliError} If one is not known; the message says what was meant where
 * that can be guessed.
 */
export function parseOptions(
  args: readonly string[],
  command: CommandName,
  more: readonly Option[] = [],
): Given {
  const options = [...OPTIONS[command], ...more];
  const config: ParseArgsOptionsConfig = {};
  for (const { name, short, value, isMany = false } of options) {
    const type = value === undefined ? "boolean" : "string";
    config[name] = { type, multiple: isMany, ...(short ? { short } : {}) };
  }
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: config,
      strict: true,
      allowPositionals: true,
      allowNegative: true,
    });
    return new Given(values, positionals);
  } catch (error) {
    // The first sentence says what is wrong; the others take many lines.
    const [first] = (error as Error).message.split(/\.(?: |\n)|\n/);
    const message = first.replace(/\.$/, "");
    const unknown = /^Unknown option '([^']*)'/.exec(message)?.[1];
    const hint = unknown === undefined ? null : hintFor(unknown, options);
    throw usageError(hint === null ? message : `${message}; ${hint}`);
  }
}

function hintFor(given: string, options: readonly Option[]): string | null {
  if (Object.hasOwn(ELSEWHERE, given)) return ELSEWHERE[given];
  if (!given.startsWith("--")) return null;
  const wanted = given.slice(2).toLowerCase();
  let best: string | null = null;
  let least = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const { name, value } of options) {
    for (const one of value === undefined ? [name, `no-${name}`] : [name]) {
      const isStart = wanted.length > 2 && one.startsWith(wanted);
      const distance = isStart ? 0 : distanceOf(wanted, one);
      if (distance < least) [best, least] = [one, distance];
    }
  }
  return best === null ? null : `did you mean --${best}?`;
}

/** So many letters differ, are missing, or are too many. */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= Math.min(a.length, 40); i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(
        row[j] + 1,
        next[j - 1] + 1,
        row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1),
      ));
    }
    row = next;
  }
  return row[b.length];
}
