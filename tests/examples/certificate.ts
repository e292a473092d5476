import { readExample } from "./example.ts";

/** Why tests of certificates cannot run here, or null. */
export const noOpenssl: string | null = await findOpenssl()
  ? null
  : "no openssl 3 here";

async function findOpenssl(): Promise<boolean> {
  try {
    const { stdout } = await new Deno.Command("openssl", { args: ["version"] })
      .output();
    return /^OpenSSL [3-9]/.test(new TextDecoder().decode(stdout));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** A folder with cert.pem and key.pem, made as https.ts tells. */
export class Certificate implements AsyncDisposable {
  readonly folder: string;
  #pem = "";

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Makes a folder and its first certificate. */
  static async make(): Promise<Certificate> {
    const certificate = new Certificate(await Deno.makeTempDir());
    await certificate.renew();
    return certificate;
  }

  /** The certificate, in PEM. */
  get pem(): string {
    return this.#pem;
  }

  /** Makes another pair in the place of the one that is there. */
  async renew(): Promise<void> {
    const text = (await readExample("https.ts")).replaceAll("\n//", "\n");
    const [command] = /^ +openssl (?:.*\\\n)*.*$/m.exec(text)!;
    const { success, stderr } = await new Deno.Command("sh", {
      args: ["-c", command],
      cwd: this.folder,
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    this.#pem = await Deno.readTextFile(`${this.folder}/cert.pem`);
  }

  /** Leaves a certificate that belongs to no key. */
  async spoil(): Promise<void> {
    await Deno.writeTextFile(`${this.folder}/cert.pem`, "no certificate");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}
