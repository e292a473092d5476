// What is secret is in no printed or logged form of any of our objects.
import { assert, assertEquals } from "@std/assert";
import { inspect } from "node:util";
import { HttpClient, type HttpConnection, HttpServer } from "@uhttp/uhttp";
import { redactFields, redactUrls } from "../../wire/redaction.ts";
import { ClientArena } from "../support/client_arenas.ts";

/** Every way in which things get into a log. */
function forms(value: unknown): string[] {
  const options = { depth: 100, showHidden: true };
  return [
    Deno.inspect(value, options),
    Deno.inspect([{ value }], options),
    inspect(value, options),
    `${value}`,
    (value as Error).stack ?? "",
    json(value),
  ];
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    return String(error);
  }
}

function assertHidden(values: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(values)) {
    for (const text of forms(value)) {
      // "secret" in Base64 begins with "c2Vjcm" where it begins a group.
      assert(!/secret|c2Vjcm|NlY3Jl|zZWNyZX/i.test(text), `${name}: ${text}`);
    }
  }
}

const HEADERS = {
  "authorization": "Bearer secret",
  "proxy-authorization": "Basic secret",
  "cookie": "a=secret",
};

Deno.test("What is secret is printed by no object of a client or server", async () => {
  let asked: HttpConnection | undefined;
  await using arena = new ClientArena((client) => {
    asked = client;
    return client.respond("x", {
      status: client.path === "/away" ? 302 : 200,
      headers: {
        location: "http://user:secret@a.example/",
        authorization: "secret",
      },
      cookies: { id: "secret" },
    });
  });
  const { client } = arena;
  const request = client.post("/x", { headers: HEADERS, json: { a: 1 } });
  assertHidden({ request });
  const response = await request;
  const streamed = await client.get("", {
    stream: true,
    auth: ["a", "secret"],
  });
  await streamed.readAll();
  assert(request.sentHead.includes("secret")); // who asks for it has it
  assertHidden({
    request,
    response,
    streamed,
    asked,
    client,
    server: arena.server,
    jar: Deno.inspect(client.cookies),
  });
  // It is still of use.
  const shown = Deno.inspect(response);
  for (const part of ["HttpResponse", "200", "/x", "content-length", "1"]) {
    assert(shown.includes(part), shown);
  }
  assertEquals(JSON.parse(JSON.stringify(request)), {
    method: "POST",
    url: `${arena.server.url}x`,
    response: JSON.parse(JSON.stringify(response)),
    error: null,
  });
});

Deno.test("What is secret is printed by no error of a client", async () => {
  await using arena = new ClientArena((client) =>
    client.respond("x".repeat(100), { cookies: { id: "secret" } })
  );
  const url = arena.server.url.replace("//", "//user:secret@");
  const clients = {
    refused: new HttpClient("http://user:secret@127.0.0.1:1"),
    proxied: new HttpClient("http://a.example", {
      proxy: "http://user:secret@127.0.0.1:1",
    }),
    large: new HttpClient(arena.server.url, {
      maxResponseLength: 1,
      headers: HEADERS,
    }),
    closed: new HttpClient(url),
  };
  clients.closed.close();
  for (const [name, client] of Object.entries(clients)) {
    const request = client.get("", { auth: { bearer: "secret" } });
    const error = await request.then(() => null, (error) => error);
    assert(error instanceof Error, name);
    assertHidden({ [name]: client, request, error });
    await client.close();
  }
  await using client = new HttpClient(url, { headers: { cookie: "secret" } });
  const socket = await client.websocket("").catch((error) => error);
  assert(socket.response !== null);
  assertHidden({ socket });
});

Deno.test("What is secret is in no error of an option", () => {
  const pem = "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----";
  for (
    const make of [
      () => new HttpClient("http://user:secret@ a b"),
      () => new HttpClient("ftp://user:secret@a"),
      () => new HttpClient("http://user:secret@a/?b"),
      () => new HttpClient("http://a", { proxy: "ftp://user:secret@a" }),
      () => new HttpClient("http://a", { proxy: "user:secret@ a" }),
      () => new HttpClient("http://a", { auth: ["a:b", "secret"] }),
      () => new HttpClient("http://a", { auth: { bearer: "secret\n" } }),
      () =>
        new HttpClient("http://a", { headers: { authorization: "secret\n" } }),
      () => new HttpServer({ port: 0, cert: pem, key: pem }),
    ]
  ) {
    let error: unknown;
    try {
      make();
    } catch (fault) {
      error = fault;
    }
    assert(error instanceof Error, String(make));
    assertHidden({ error: [error.message, error.cause] });
  }
});

Deno.test("redactFields() hides what is secret, and users in URLs", () => {
  assertEquals({
    ...redactFields({
      "cookie": "a",
      "set-cookie": "a",
      "authorization": "a",
      "proxy-authorization": "a",
      "location": "https://a:b@c/d",
      "from": "a@b.example",
      "x": "1",
    }),
  }, {
    "cookie": "(not shown)",
    "set-cookie": "(not shown)",
    "authorization": "(not shown)",
    "proxy-authorization": "(not shown)",
    "location": "https://(not shown)@c/d",
    "from": "a@b.example",
    "x": "1",
  });
  assertEquals(redactUrls("http://a/?b=//c@d"), "http://a/?b=//(not shown)@d");
  assertEquals(redactUrls("http://a/b@c"), "http://a/b@c");
});
