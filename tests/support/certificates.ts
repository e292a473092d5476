/** A certificate and its key, as PEM text. */
export interface Pair {
  cert: string;
  key: string;
}

/** Why tests with certificates are ignored, or false where openssl is there. */
export const noOpenssl: string | false = (() => {
  try {
    const { success } = new Deno.Command("openssl", { args: ["version"] })
      .outputSync();
    return success ? false : "openssl does not run";
  } catch {
    return "openssl is not installed";
  }
})();

/** Makes a self-signed certificate for localhost that Deno's client takes. */
export async function makePair(name = "localhost"): Promise<Pair> {
  const folder = await Deno.makeTempDir();
  try {
    const { success, stderr } = await new Deno.Command("openssl", {
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
