// Certificates that a client shows, to whom, and what it says of faults.
import { assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { createServer, type TLSSocket } from "node:tls";
import { HttpClient, type HttpClientOptions, TlsError } from "../../client.ts";
import { makePair } from "../support/certificates.ts";
import { has, wanting } from "../support/wanting.ts";

const servers = has("OpenSSL 3") ? await makePair() : null;
const ours = has("OpenSSL 3") ? await makePair("us") : null;
const others = has("OpenSSL 3") ? await makePair("others") : null;

/** A server that says who asks; it lets in whom it knows, or all. */
async function listening(
  wantsOne: boolean,
  location = "",
): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer({
    ...servers!,
    ca: [ours!.cert],
    requestCert: true,
    rejectUnauthorized: wantsOne,
  }, (socket: TLSSocket) => {
    const name = String(socket.getPeerCertificate()?.subject?.CN ?? "nobody");
    const status = location === "" ? "200 OK" : "302 Found";
    const field = location === "" ? "" : `Location: ${location}\r\n`;
    socket.on("error", () => {});
    socket.once("data", () =>
      socket.end(
        `HTTP/1.1 ${status}\r\n${field}Content-Length: ${name.length}\r\n` +
          `Connection: close\r\n\r\n${name}`,
      ));
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
  const { port } = server.address() as { port: number };
  return {
    port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function asked(
  url: string,
  options: HttpClientOptions,
): Promise<string | Error> {
  await using client = new HttpClient(url, options);
  try {
    return await (await client.get("")).text();
  } catch (error) {
    return error as Error;
  }
}

Deno.test({
  ...wanting("cert and key are shown to who asks for them", "OpenSSL 3"),
  async fn() {
    const pair = ours!;
    const caCerts = [servers!.cert];
    const { port, close } = await listening(true);
    try {
      for (const host of ["localhost", "127.0.0.1"]) {
        const url = `https://${host}:${port}`;
        assertEquals(await asked(url, { ...pair, caCerts }), "us");
        assertEquals(await asked(url, { ...pair, insecure: true }), "us");
      }
      const url = `https://localhost:${port}`;
      const cases: [options: HttpClientOptions, problem: RegExp][] = [
        [{ ...pair }, /: certificate is not trusted: UnknownIssuer$/],
        [
          { cert: pair.cert, key: others!.key, caCerts },
          /: own certificate and key are not valid, or not of one pair$/,
        ],
        [
          { cert: pair.cert, key: others!.key, insecure: true },
          /: own certificate and key are not valid, or not of one pair$/,
        ],
      ];
      for (const [options, problem] of cases) {
        const error = await asked(url, options);
        assertInstanceOf(error, TlsError);
        assertMatch(error.message, problem);
      }
      // The same server under an address that its certificate has not, where
      // this machine has more than one of its own.
      if (Deno.build.os === "linux") {
        const wrong = await asked(`https://127.0.0.2:${port}`, {
          ...pair,
          caCerts,
        });
        assertInstanceOf(wrong, TlsError);
        assertMatch(wrong.message, /: certificate is for another name$/);
      }
      // Who is not known is not let in, and does not take it for an answer.
      assertInstanceOf(await asked(url, { ...others!, caCerts }), Error);
    } finally {
      await close();
    }
  },
});

Deno.test({
  ...wanting("cert is shown to the base URL's origin alone", "OpenSSL 3"),
  async fn() {
    const other = await listening(false);
    const first = await listening(false, `https://localhost:${other.port}/`);
    try {
      const caCerts = [servers!.cert];
      const url = `https://localhost:${first.port}`;
      const options = { ...ours!, caCerts };
      assertEquals(await asked(url, options), "us");
      const following = { ...options, maxRedirects: 1 };
      assertEquals(await asked(url, following), "nobody");
      const insecure = { ...ours!, insecure: true, maxRedirects: 1 };
      assertEquals(await asked(url, insecure), "nobody");
    } finally {
      await first.close();
      await other.close();
    }
  },
});
