// What docs/from-deno-serve.md says of both, seen at both.
import { assertEquals, assertMatch } from "@std/assert";
import { serve, type ServeInfo } from "@uhttp/uhttp";

type Handler = (
  request: Request,
  info: { remoteAddr: Deno.Addr; completed: Promise<void> },
) => Response | Promise<Response>;

/** What both answer to the same. */
async function both(
  handler: Handler,
  ask: (url: string) => Promise<unknown>,
): Promise<[theirs: unknown, ours: unknown]> {
  const where = { hostname: "127.0.0.1", port: 0, onListen() {} };
  const theirs = Deno.serve(where, handler);
  const ours = serve(handler, where);
  try {
    return [
      await ask(`http://127.0.0.1:${theirs.addr.port}/`),
      await ask(ours.url),
    ];
  } finally {
    await theirs.shutdown();
    await ours.shutdown();
  }
}

async function told(url: string, init?: RequestInit) {
  const response = await fetch(url, init);
  return [response.status, await response.text()];
}

Deno.test("from Deno.serve: handlers get and give the same", async () => {
  const [theirs, ours] = await both(
    (request, { remoteAddr }) => {
      const url = new URL(request.url);
      return Response.json([
        [request.method, url.pathname + url.search],
        [request.headers.get("cookie"), (remoteAddr as Deno.NetAddr).hostname],
      ], { status: 201 });
    },
    (url) => told(`${url}a%20b?c=d`, { headers: { cookie: "a=1" } }),
  );
  assertEquals(ours, theirs);
});

// Not asked of theirs, which writes it to the tests' output past `console`.
Deno.test("from Deno.serve: what a handler throws is a plain 500", async () => {
  const log = console.error;
  let said = "";
  console.error = (...words) => said = words.join(" ");
  try {
    await using server = serve(() => {
      throw new Error("Not yours to see");
    }, { hostname: "127.0.0.1", port: 0 });
    assertEquals(await told(server.url), [500, "Internal Server Error"]);
    assertMatch(said, /Not yours to see/);
  } finally {
    console.error = log;
  }
});

Deno.test("from Deno.serve: larger bodies want a limit of their own", async () => {
  const body = "x".repeat(2 ** 20 + 1);
  const [theirs, ours] = await both(
    async (request) => new Response(String((await request.text()).length)),
    async (url) => (await told(url, { method: "POST", body }))[0],
  );
  assertEquals([theirs, ours], [200, 413]);
  const [, limited] = await both(
    async (request, info) => {
      (info as Partial<ServeInfo>).client?.limit(2 ** 21);
      return new Response(String((await request.text()).length));
    },
    (url) => told(url, { method: "POST", body }),
  );
  assertEquals(limited, [200, String(body.length)]);
});
