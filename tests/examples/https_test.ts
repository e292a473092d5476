import { assertEquals, assertRejects } from "@std/assert";
import { Certificate } from "./certificate.ts";
import { Example } from "./example.ts";
import { wanting } from "../support/wanting.ts";

const PAGE = "<h1>hello</h1><p>safely";

/** Fetches with a connection, and a trust, of its own. */
async function fetchTrusting(url: URL, ...caCerts: string[]): Promise<string> {
  using client = Deno.createHttpClient({ caCerts, poolMaxIdlePerHost: 0 });
  return await (await fetch(url, { client })).text();
}

Deno.test({
  ...wanting("https.ts is trusted with its certificate alone", "OpenSSL 3"),
  async fn() {
    await using certificate = await Certificate.make();
    const cwd = certificate.folder;
    await using example = await Example.start("https.ts", { cwd });

    for (const hostname of ["localhost", "127.0.0.1"]) {
      const url = new URL(example.url);
      url.hostname = hostname;
      const page = await fetchTrusting(url, certificate.pem);
      assertEquals(page, PAGE);
    }
    await assertRejects(() => fetchTrusting(example.url), TypeError);
  },
});

Deno.test({
  ...wanting(
    "https.ts goes on with a new certificate at SIGHUP",
    "OpenSSL 3",
    "Linux",
  ),
  async fn() {
    await using certificate = await Certificate.make();
    const cwd = certificate.folder;
    await using example = await Example.start("https.ts", { cwd });
    const old = certificate.pem;
    await certificate.renew();

    assertEquals(await fetchTrusting(example.url, old), PAGE);
    example.signal("SIGHUP");
    await example.output.until(/^Certificate renewed$/);
    const page = await fetchTrusting(example.url, certificate.pem);
    assertEquals(page, PAGE);
    await assertRejects(() => fetchTrusting(example.url, old), TypeError);

    const good = certificate.pem;
    await certificate.spoil();
    example.signal("SIGHUP");
    await example.errors.until(/^Certificate kept/);
    assertEquals(await fetchTrusting(example.url, good), PAGE);
  },
});
