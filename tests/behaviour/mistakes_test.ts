// Each mistake that callers make is told: before a byte is written, by an error
// of the right class whose message names the culprit and the way out.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { HttpClient, type HttpConnection } from "@uhttp/uhttp";
import { RawClient } from "../support/raw_client.ts";
import { startServer } from "../support/serving.ts";
import { answerMistakes } from "./mistakes/answers.ts";
import { bodyMistakes } from "./mistakes/bodies.ts";
import { clientMistakes } from "./mistakes/client.ts";
import { isOfUse } from "./mistakes/row.ts";
import { serverMistakes } from "./mistakes/server.ts";

const mistakes = [
  ...serverMistakes,
  ...answerMistakes,
  ...bodyMistakes,
  ...clientMistakes,
];
const REQUEST = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n" +
  'Content-Type: application/json\r\n\r\n{"a":1}';

for (const { what, make, error = TypeError, words } of mistakes) {
  Deno.test(`Told: ${what}`, async () => {
    await using server = startServer();
    await using http = new HttpClient(server.url);
    const peer = await RawClient.connect(server);
    await peer.send(REQUEST);
    const client = await server.wait(5000) as HttpConnection;
    const before = client.isAnswered;
    const told = await assertRejects(
      async () => await make({ server, http, client }),
      error,
      words,
    );
    assert(isOfUse(told), `${told}`);
    assertEquals(before, false);
    client.close();
    peer.close();
  });
}

Deno.test("The table of mistakes holds each once, and enough of them", () => {
  assert(mistakes.length >= 60);
  const names = mistakes.map(({ what }) => what);
  assertEquals(names.length, new Set(names).size);
});
