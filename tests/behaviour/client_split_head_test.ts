// Every string of a caller's that can become a part of a request's head, or of
// the head of a part of a form, is refused, or written in another way, where it
// would split that head.
import { assert, assertEquals, assertThrows } from "@std/assert";
import { CookieJar, HttpClient, type HttpClientOptions } from "../../client.ts";
import { ClientScene, ok } from "../support/client_scene.ts";
import {
  changing,
  isSplit,
  ownFile,
  SPLITTING,
  turncoats,
} from "../support/splitting.ts";

const BASE = "http://a.example";

type Ask = (client: HttpClient, evil: string) => unknown;

class OwnParams extends URLSearchParams {
  readonly #text: string;
  constructor(text: string) {
    super();
    this.#text = text;
  }
  override toString(): string {
    return this.#text;
  }
}

class OwnJar extends CookieJar {
  readonly #text: string;
  constructor(text: string) {
    super();
    this.#text = text;
  }
  override header(): string {
    return this.#text;
  }
}

class OwnForm extends FormData {
  readonly #entries: [string, FormDataEntryValue][];
  constructor(name: string, value: FormDataEntryValue) {
    super();
    this.#entries = [[name, value]];
  }
  override [Symbol.iterator](): ReturnType<FormData["entries"]> {
    return this.#entries.values() as ReturnType<FormData["entries"]>;
  }
}

/** A form with a file of somebody's own. */
function formOf(file: File): FormData {
  return new OwnForm("a", file);
}

/** Requests that are refused before anything else. */
const REFUSING: Record<string, Ask> = {
  "the method": (client, evil) => client.request(evil),
  "a field's value": (client, a) => client.get("", { headers: { a } }),
  "one value of a field": (client, a) =>
    client.get("", { headers: { a: ["b", a] } }),
  "a field's name": (client, a) => client.get("", { headers: { [a]: "b" } }),
  "user-agent": (client, evil) =>
    client.get("", { headers: { "user-agent": evil } }),
  "host": (client, host) => client.get("", { headers: { host } }),
  "a cookie by hand": (client, cookie) =>
    client.get("", { headers: { cookie } }),
  "a length by hand": (client, evil) =>
    client.post("", { headers: { "content-length": evil } }),
  "a query of somebody's own": (client, evil) =>
    client.get("", { query: new OwnParams(evil) }),
  "a user": (client, evil) => client.get("", { auth: [evil, "b"] }),
  "a password": (client, evil) => client.get("", { auth: ["a", evil] }),
  "a user of Basic": (client, evil) =>
    client.get("", { auth: { basic: [evil, "b"] } }),
  "a user of Digest": (client, evil) =>
    client.get("", { auth: { digest: [evil, "b"] } }),
  "a bearer": (client, bearer) => client.get("", { auth: { bearer } }),
  "a Blob's type": (client, evil) =>
    client.post("", { data: ownFile({ type: () => evil }) }),
  "a Blob's size": (client, evil) =>
    client.post("", {
      data: ownFile({ size: () => evil as unknown as number }),
    }),
  "the type of a file in a form": (client, evil) =>
    client.post("", { form: formOf(ownFile({ type: () => evil })) }),
  "the size of a file in a form": (client, evil) =>
    client.post("", {
      form: formOf(ownFile({ size: () => evil as unknown as number })),
    }),
  "a cookie's name": (client, a) => client.cookies!.set(BASE, a, "b"),
  "a cookie's value": (client, a) => client.cookies!.set(BASE, "a", a),
  "a cookie's path": (client, path) =>
    client.cookies!.set(BASE, "a", { value: "b", path }),
  "a cookie's domain": (client, domain) =>
    client.cookies!.set(BASE, "a", { value: "b", domain }),
  "a saved cookie's value": (_client, value) => {
    const jar = new CookieJar();
    jar.set(BASE, "a", "b");
    const [cookie] = jar.toJSON();
    CookieJar.fromJSON([{ ...cookie, value }]);
  },
};

/** Options that no client is made with. */
const OPTIONS: Record<string, (evil: string) => HttpClientOptions> = {
  "a client's field": (a) => ({ headers: { a } }),
  "a client's user": (evil) => ({ auth: [evil, "b"] }),
  "a client's bearer": (bearer) => ({ auth: { bearer } }),
};

/** Requests in which it is written in another way, or is found late. */
const WRITING: Record<string, (scene: ClientScene, evil: string) => unknown> = {
  "the path": (scene, evil) => scene.get(evil),
  "the path of a URL": (scene, evil) =>
    scene.get(`${scene.server.url}/${evil}`),
  "a query's key": (scene, evil) => scene.get("", { query: { [evil]: "b" } }),
  "a query's value": (scene, a) => scene.get("", { query: { a } }),
  "a fragment": (scene, evil) => scene.get(`#${evil}`),
  "a Blob's type that changes": (scene, evil) =>
    scene.request("POST", "", { data: ownFile({ type: changing(evil) }) }),
  "a field of a form": (scene, a) => scene.request("POST", "", { form: { a } }),
};

/** The same within the head of a part of a form. */
const PARTS: Record<string, (evil: string) => FormData> = {
  "a name in a form": (evil) => new OwnForm(evil, "b"),
  "a file's name in a form": (evil) => formOf(ownFile({ name: () => evil })),
  "a type that changes in a form": (evil) =>
    formOf(ownFile({ type: changing(evil) })),
  "a text in a form": (evil) => new OwnForm("a", evil),
};

function valuesFor(name: string): string[] {
  return name.endsWith("name") // which is text, whatever it was
    ? [...SPLITTING]
    : SPLITTING.flatMap((evil) => [evil, ...turncoats(evil)]);
}

for (const [name, ask] of Object.entries(REFUSING)) {
  Deno.test(`${name} cannot split a request's head`, async () => {
    await using client = new HttpClient(BASE, {
      connect: () => Promise.reject(new Error("Connected")),
    });
    for (const value of valuesFor(name)) {
      assertThrows(() => ask(client, value), TypeError);
    }
    assertEquals(client.stats.requests, 0);
  });
}

for (const [name, options] of Object.entries(OPTIONS)) {
  Deno.test(`${name} cannot split a request's head`, () => {
    for (const value of valuesFor(name)) {
      assertThrows(() => new HttpClient(BASE, options(value)), TypeError);
    }
  });
}

Deno.test("a WebSocket's subprotocols and fields cannot split a head", async () => {
  await using client = new HttpClient(BASE, {
    connect: () => Promise.reject(new Error("Connected")),
  });
  for (const value of valuesFor("")) {
    for (
      const options of [
        { protocols: value },
        { protocols: [value] },
        { headers: { a: value } },
      ]
    ) assertThrows(() => client.websocket("", options), TypeError);
  }
});

for (const [name, ask] of Object.entries(WRITING)) {
  Deno.test(`${name} is written so that it splits no head`, async () => {
    for (const evil of SPLITTING) {
      const heads: string[] = [];
      await using scene = new ClientScene(async (peer) => {
        heads.push((await peer.answer(ok())).head);
      });
      await ask(scene, evil);
      assertEquals(heads.length, 1);
      assert(!isSplit(heads[0].slice(0, -4)), heads[0]);
    }
  });
}

for (const [name, form] of Object.entries(PARTS)) {
  Deno.test(`${name} is written so that it splits no part, or is refused`, async () => {
    for (const evil of valuesFor("")) {
      let body = "";
      await using scene = new ClientScene(async (peer) => {
        body = (await peer.answer(ok())).body;
      });
      try {
        await scene.request("POST", "", { form: form(evil) });
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        assertEquals(scene.client.stats.requests, 0);
        continue;
      }
      const [head, ...rest] = body.split("\r\n\r\n");
      assert(!isSplit(head), head);
      if (name.startsWith("a text")) continue; // is data, of any kind
      assertEquals(rest.length, 1);
    }
  });
}

Deno.test("a jar of somebody's own cannot split a head", async () => {
  for (const evil of SPLITTING) {
    await using client = new HttpClient(BASE, {
      cookies: new OwnJar(evil),
      connect: () => Promise.resolve(new SilentConn() as unknown as Deno.Conn),
    });
    const error = await client.get().then(() => null, (error) => error);
    assert(error instanceof TypeError, `${error}`);
  }
});

Deno.test("what a caller and the client both know is sent once", async () => {
  const heads: string[] = [];
  await using scene = new ClientScene(async (peer) => {
    for (;;) heads.push((await peer.answer(ok())).head);
  }, {
    headers: {
      authorization: "Bearer field",
      cookie: "a=field",
      "content-type": "a/field",
    },
  });
  scene.client.cookies!.set(scene.server.url, "a", "jar");
  await scene.request("POST", "", { json: 1 });
  await scene.request("POST", "", { json: 1, auth: { bearer: "own" } });
  await scene.request("POST", "", {
    json: 1,
    auth: { bearer: "own" },
    headers: { authorization: "by hand", cookie: "a=own", "content-type": "b" },
  });
  const of = (name: string) =>
    heads.map((head) =>
      [...head.matchAll(new RegExp(`^${name}: (.*)\r$`, "gm"))].map((m) => m[1])
    );
  assertEquals(of("authorization"), [["Bearer field"], ["Bearer own"], [
    "by hand",
  ]]);
  assertEquals(of("cookie"), [["a=field"], ["a=field"], ["a=own"]]);
  assertEquals(of("content-type"), [["a/field"], ["a/field"], ["b"]]);
});

Deno.test("HttpClient refuses a header authorization beside credentials", () => {
  const headers = { Authorization: "a" };
  for (
    const make of [
      () => new HttpClient(BASE, { auth: ["a", "b"], headers }),
      () => new HttpClient("http://a:b@c.example", { headers }),
    ]
  ) assertThrows(make, TypeError, "authorization");
});

/** A connection that nothing may be written to. */
class SilentConn {
  readonly #closed = Promise.withResolvers<null>();
  readonly localAddr = { transport: "tcp", hostname: "a", port: 1 };
  readonly remoteAddr = { transport: "tcp", hostname: "a", port: 1 };
  read(): Promise<null> {
    return this.#closed.promise;
  }
  write(): Promise<number> {
    return Promise.reject(new Error("Written"));
  }
  close(): void {
    this.#closed.resolve(null);
  }
}
