/** A certificate and its key, as PEM text. */
export interface Pair {
  cert: string;
  key: string;
}

/** Whether certificates can be made here. */
export const hasOpenssl: boolean = (() => {
  try {
    return new Deno.Command("openssl", { args: ["version"] }).outputSync()
      .success;
  } catch {
    return false;
  }
})();

/** Makes a self-signed certificate for `localhost` and `127.0.0.1`. */
export async function makeCertificate(name = "localhost"): Promise<Pair> {
  const folder = await Deno.makeTempDir();
  const certPath = `${folder}/cert.pem`;
  const keyPath = `${folder}/key.pem`;
  try {
    const { success, stderr } = await new Deno.Command("openssl", {
      args: [
        ...["req", "-x509", "-nodes", "-days", "2", "-newkey", "ec"],
        ...["-pkeyopt", "ec_paramgen_curve:P-256"],
        ...["-keyout", keyPath, "-out", certPath, "-subj", `/CN=${name}`],
        ...["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        ...["-addext", "basicConstraints=critical,CA:FALSE"],
      ],
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    const [cert, key] = await Promise.all([
      Deno.readTextFile(certPath),
      Deno.readTextFile(keyPath),
    ]);
    return { cert, key };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
