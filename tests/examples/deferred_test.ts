import { assertEquals, assertMatch } from "@std/assert";
import { RawClient } from "../support/raw_client.ts";
import { Example } from "./example.ts";

const SLOW = "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n";
const FAST = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

Deno.test("deferred.ts answers others first", async () => {
  const args = ["0", "1"];
  await using example = await Example.start("deferred.ts", { args });
  using slow = await RawClient.connect(example);
  using fast = await RawClient.connect(example);
  const order: string[] = [];

  await slow.send(SLOW);
  const answer = slow.response().then((response) => {
    order.push("slow");
    return response;
  });
  await example.output.until(/ waits$/);
  await fast.send(FAST);
  const page = (await fast.response()).body;
  assertEquals(page, "<p>At once. Waiting: 1</p>");
  order.push("fast");

  assertMatch((await answer).body, /took 1 seconds/);
  assertEquals(order, ["fast", "slow"]);
});

Deno.test("deferred.ts forgets who went away", async () => {
  const args = ["0", "3600"];
  await using example = await Example.start("deferred.ts", { args });
  using slow = await RawClient.connect(example);
  using fast = await RawClient.connect(example);

  await slow.send(SLOW);
  await example.output.until(/ waits$/);
  slow.close();
  await example.output.until(/did not wait$/);
  await fast.send(FAST);
  assertEquals((await fast.response()).body, "<p>At once. Waiting: 0</p>");
});
