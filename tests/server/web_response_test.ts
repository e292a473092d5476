import { assertEquals } from "@std/assert";
import { serve } from "@uhttp/uhttp";

/** Types that a platform may keep in a way of its own, and others. */
const TYPES = [
  "application/json",
  "application/json; charset=utf-8",
  "application/javascript",
  "application/octet-stream",
  "text/css",
  "text/html",
  "text/html; charset=utf-8",
  "text/html;charset=UTF-8",
  "text/plain",
  "text/plain;charset=UTF-8",
  "Text/Plain",
  "a/b",
];

/** Ways to give a response its fields. */
const FIELDS: ((type: string) => HeadersInit)[] = [
  (type) => ({ "content-type": type }),
  (type) => ({ "Content-Type": type }),
  (type) => ({ "x-a": "b", "content-type": type }),
  (type) => [["content-type", type]],
  (type) => new Headers({ "content-type": type }),
];

const BODIES: (() => BodyInit | null)[] = [
  () => "text",
  () => "",
  () => "häß",
  () => new Uint8Array(3),
  () => new Blob(["blob"], { type: "c/d" }),
  () => new URLSearchParams({ a: "b" }),
];

/** What may be done with one before it is returned. */
const TOUCHES: ((response: Response) => unknown)[] = [
  () => {},
  (response) => response.status,
  (response) => response.headers.get("x-a"),
  (response) => response.bodyUsed,
];

Deno.test("serve() sends the fields and the body of responses, however they are made", async () => {
  let response = new Response();
  await using server = serve(() => response, {
    hostname: "127.0.0.1",
    port: 0,
    onListen() {},
  });
  for (const type of TYPES) {
    for (const fields of FIELDS) {
      for (const body of BODIES) {
        for (const touch of TOUCHES) {
          const make = () => new Response(body(), { headers: fields(type) });
          const expected = make();
          response = make();
          touch(response);
          const { headers, ...answer } = await fetch(server.url).then(
            async (answer) => ({
              headers: answer.headers,
              body: await answer.text(),
            }),
          );
          const name = `${type}, ${fields}, ${body}, ${touch}`;
          assertEquals(
            [headers.get("content-type"), headers.get("x-a"), answer.body],
            [
              expected.headers.get("content-type"),
              expected.headers.get("x-a"),
              await expected.text(),
            ],
            name,
          );
        }
      }
    }
  }
});
