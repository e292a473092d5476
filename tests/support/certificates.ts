import { program, type Want } from "./wanting.ts";

/** A certificate and its key, as PEM text. */
export interface Pair {
  cert: string;
  key: string;
}

/** A sort of connections that a test is run with. */
export interface Kind {
  kind: "plain" | "TLS";
  options: Partial<Pair> & { guardedTls?: boolean };
  wants: Want[];
}

/** A variable that has tests speak TLS in the guarded way: `guarded`. */
const WAY = "UHTTP_TEST_TLS";

/** Plain connections, and TLS with a certificate if there is one. */
export function kinds(pair: Pair | null): Kind[] {
  const guardedTls = Deno.env.get(WAY) === "guarded";
  return [
    { kind: "plain", options: {}, wants: [] },
    { kind: "TLS", options: { ...pair, guardedTls }, wants: ["OpenSSL 3"] },
  ];
}

/** Makes a self-signed certificate for localhost that Deno's client takes. */
export async function makePair(name = "localhost"): Promise<Pair> {
  const folder = await Deno.makeTempDir();
  try {
    const { success, stderr } = await new Deno.Command(program("OpenSSL 3"), {
      cwd: folder,
      args: [
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes",
        "-keyout key.pem -out cert.pem -days 2",
        `-subj /CN=${name} -addext basicConstraints=critical,CA:FALSE`,
        "-addext subjectAltName=DNS:localhost,IP:127.0.0.1",
      ].join(" ").split(" "),
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return {
      cert: await Deno.readTextFile(`${folder}/cert.pem`),
      key: await Deno.readTextFile(`${folder}/key.pem`),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
