import { assertEquals } from "@std/assert";
import { RawClient } from "../support/raw_client.ts";
import { Certificate } from "./certificate.ts";
import { Example } from "./example.ts";
import { wanting } from "../support/wanting.ts";

Deno.test({
  ...wanting(
    "redirect.ts sends from HTTP to the same address by HTTPS",
    "OpenSSL 3",
  ),
  async fn() {
    await using certificate = await Certificate.make();
    const cwd = certificate.folder;
    const args = ["0", "0"];
    await using example = await Example.start("redirect.ts", { args, cwd });
    const [http, https] = example.urls;

    using peer = await RawClient.connect(example);
    await peer.send(
      `GET /a%20b?c=d HTTP/1.1\r\nHost: localhost:${http.port}\r\n\r\n`,
    );
    const answer = await peer.response();
    assertEquals(answer.status, 308);
    assertEquals(answer.headers.location, `${https}a%20b?c=d`);

    // Without a host there is nowhere to send it, and nothing breaks.
    await peer.send("GET / HTTP/1.0\r\n\r\n");
    assertEquals((await peer.response()).status, 400);

    const caCerts = [certificate.pem];
    using client = Deno.createHttpClient({ caCerts, poolMaxIdlePerHost: 0 });
    const response = await fetch(http, { client });
    assertEquals(response.redirected, true);
    assertEquals(response.url, https.href);
    assertEquals(await response.text(), "<h1>hello</h1><p>safely</p>");
  },
});
