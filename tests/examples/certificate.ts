import { program } from "../support/wanting.ts";
import { readExample } from "./example.ts";

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
    program("OpenSSL 3"); // the shell finds it
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
