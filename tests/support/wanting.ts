// What tests want that a machine may lack. A test says so, and is left out
// where it is not there; `tools/run_tests.ts` lists at the end what was and why.

/** How a program is recognised. */
interface Program {
  /** What it is called. */
  command: string;
  /** What it is asked; it has to succeed. */
  args: string[];
  /** What it then says, on either output. */
  says?: RegExp;
  /** A file that comes with it, and not always. */
  file?: string;
}

/** Every program that tests run. docs/tests.md says what for. */
export const PROGRAMS = {
  "apache2": {
    command: "apache2",
    args: ["-v"],
    file: "/usr/lib/apache2/modules/mod_auth_digest.so",
  },
  "bash": { command: "bash", args: ["--version"], says: /version [4-9]/ },
  "caddy": { command: "caddy", args: ["version"] },
  "bun": { command: "bun", args: ["--version"] },
  "chromium": { command: "chromium", args: ["--version"] },
  "curl": { command: "curl", args: ["--version"] },
  "ffmpeg": { command: "ffmpeg", args: ["-version"] },
  "haproxy": { command: "haproxy", args: ["-v"] },
  "nginx": { command: "nginx", args: ["-v"] },
  "node": { command: "node", args: ["--version"] },
  // Others, LibreSSL too, make certificates that Deno's client does not take.
  "OpenSSL 3": {
    command: "openssl",
    args: ["version"],
    says: /^OpenSSL ([3-9]|\d\d)/,
  },
  "python3": { command: "python3", args: ["--version"] },
  // It may be another one than the first: one of the user's own does not know
  // what the system has installed.
  "python3 with websockets": {
    command: "python3",
    args: ["-c", "import websockets"],
  },
  // That of other systems takes other arguments.
  "script": { command: "script", args: ["--version"], says: /util-linux/ },
  "systemd-analyze": { command: "systemd-analyze", args: ["--version"] },
  // A network of one's own, in which packets can be lost, is root's to make.
  "unshare with ip": {
    command: "unshare",
    args: "--net -- ip link set lo up".split(" "),
  },
  "wrk": { command: "wrk", args: ["-v"], says: /^wrk / },
} satisfies Record<string, Program>;

/** The name of a program. */
export type ProgramName = keyof typeof PROGRAMS;

/** What else a machine may lack. */
const ABILITIES = {
  "IPv6": () => {
    try {
      Deno.listen({ hostname: "::1", port: 0 }).close();
      return true;
    } catch {
      return false;
    }
  },
  "Linux": () => Deno.build.os === "linux",
  "Unix sockets": () => Deno.build.os !== "windows",
};

/** What a test may want. */
export type Want = ProgramName | keyof typeof ABILITIES;

/** Where programs are; servers are often in places that are not on the PATH. */
const FOLDERS = [
  ...(Deno.env.get("PATH") ?? "").split(":").filter((folder) => folder !== ""),
  "/usr/sbin",
  "/usr/local/sbin",
];

/**
 * Commands to do without though they are there, with commas between; or "all".
 * So leaving out is tested as well.
 */
const without = Deno.env.get("UHTTP_TEST_WITHOUT") ?? "";

const found = new Map<ProgramName, string | null>();

/** Where a program is, or null. */
export function findProgram(name: ProgramName): string | null {
  let path = found.get(name);
  if (path === undefined) found.set(name, path = search(name));
  return path;
}

function search(name: ProgramName): string | null {
  const { command, args, says, file }: Program = PROGRAMS[name];
  if (isAvoided(command, without)) return null;
  if (file !== undefined && !isFile(file)) return null;
  for (const folder of FOLDERS) {
    const said = ask(`${folder}/${command}`, args);
    if (said !== null && (says?.test(said) ?? true)) {
      return `${folder}/${command}`;
    }
  }
  return null;
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Whether a list such as that of the environment names a command. */
export function isAvoided(command: string, list: string): boolean {
  return list === "all" ||
    list.split(",").some((entry) => entry.trim() === command);
}

/** What a program says, or null where it is missing or fails. */
function ask(path: string, args: string[]): string | null {
  try {
    // Where it is missing, this throws at once.
    const { success, stdout, stderr } = new Deno.Command(path, { args })
      .outputSync();
    if (!success) return null;
    const decoder = new TextDecoder();
    return decoder.decode(stdout) + decoder.decode(stderr);
  } catch {
    return null;
  }
}

/** Where a program is that a test said it wants. */
export function program(name: ProgramName): string {
  const path = findProgram(name);
  if (path === null) throw new Error(`Test does not say it wants ${name}`);
  return path;
}

/** Whether all of these are there. */
export function has(...wants: Want[]): boolean {
  return wants.every((want) =>
    want in ABILITIES
      ? ABILITIES[want as keyof typeof ABILITIES]()
      : findProgram(want as ProgramName) !== null
  );
}

/**
 * The head of a test that is left out where something is missing; its name
 * then says what for.
 */
export function wanting(
  name: string,
  ...wants: Want[]
): { name: string; ignore: boolean } {
  const missing = wants.filter((want) => !has(want));
  if (missing.length === 0) return { name, ignore: false };
  return {
    name: `${name} (left out: no ${missing.join(", no ")})`,
    ignore: true,
  };
}
