import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ProtocolError, serve } from "@uhttp/uhttp";
import { dict } from "../../parse/dict.ts";
import { type RequestOrigin, toRequest } from "../../server/web_request.ts";
import { latin1Bytes } from "../support/bytes.ts";
import { Random } from "../support/splits.ts";

/** What a request is made of, without a server. */
function origin(
  method: string,
  target: string,
  host = "a.example",
  body: string | null = null,
  isStreaming = false,
): RequestOrigin {
  const bytes = latin1Bytes(body ?? "");
  let stream: ReadableStream<Uint8Array<ArrayBuffer>> | null = null;
  return {
    method,
    url: target,
    fullUrl: `http://${host}${target}`,
    host,
    isSecure: false,
    headers: Object.assign(dict<string>(), {
      host,
      "x-a": "b, c",
      "content-type": "text/plain",
    }),
    signal: new AbortController().signal,
    isLoaded: !isStreaming || body === null,
    contentLength: body === null ? null : bytes.length,
    rawData: bytes,
    get body() {
      return stream ??= ReadableStream.from([bytes]);
    },
    get isStreamed() {
      return stream !== null;
    },
    readAll: () => Promise.resolve(bytes),
    server: {
      bodyLimits: { maxJsonDepth: 3, maxFormFields: 3, parts: { maxParts: 3 } },
    },
  };
}

/** The platform's own request of the same. */
function realOf({ method, fullUrl, headers, rawData }: RequestOrigin): Request {
  const body = rawData.length > 0 && method !== "GET" && method !== "HEAD"
    ? new Uint8Array(rawData)
    : null;
  return new Request(fullUrl, { method, headers, body, redirect: "manual" });
}

type Ask = (request: Request) => unknown;

/** What can be done with a request; what comes of it can be written as JSON. */
const ASKS: Record<string, Ask> = {
  url: (request) => request.url,
  method: (request) => request.method,
  "instanceof Request": (request) => request instanceof Request,
  "its class": (request) => request.constructor === Request,
  "its printed form": (request) => Deno.inspect(request),
  "the tag": (request) => Object.prototype.toString.call(request),
  redirect: (request) => request.redirect,
  "keys of headers": ({ headers }) => [...headers.keys()],
  "all headers": ({ headers }) => [...headers],
  "headers as an object": ({ headers }) => Object.fromEntries(headers),
  "headers by forEach": ({ headers }) => {
    const seen: string[] = [];
    headers.forEach((value, name) => seen.push(`${name}=${value}`));
    return seen;
  },
  "instanceof Headers": ({ headers }) => headers instanceof Headers,
  "headers printed": ({ headers }) => Deno.inspect(headers),
  "a header": ({ headers }) => headers.get("x-a"),
  "a header in other letters": ({ headers }) => headers.get("X-A"),
  "a header that is missing": ({ headers }) => headers.get("x-b"),
  "a header's presence": (
    { headers },
  ) => [headers.has("X-A"), headers.has("b")],
  "a header of a bad name": ({ headers }) => headers.get("a b"),
  "a header of no name": ({ headers }) => headers.get(""),
  "a header of a number": ({ headers }) => headers.get(7 as never),
  "a header of an inherited name": ({ headers }) => headers.get("constructor"),
  "cookies that it does not set": ({ headers }) => headers.getSetCookie(),
  "headers that are changed": ({ headers }) => {
    headers.get("x-a");
    headers.set("x-a", "new");
    headers.append("x-c", "1");
    headers.delete("host");
    return [headers.get("x-a"), headers.get("host"), [...headers]];
  },
  "headers that are changed, in the request": (request) => {
    request.headers.set("x-a", "new");
    return [
      request.clone().headers.get("x-a"),
      request.headers.get("x-a"),
      new Request(request).headers.get("x-a"),
    ];
  },
  "headers before and behind": (request) => {
    const { headers } = request;
    request.clone();
    request.headers.set("x-d", "1");
    return [request.headers === headers, headers.get("x-d")];
  },
  "new Headers()": ({ headers }) => [...new Headers(headers)],
  "new Request()": async (request) => {
    const other = new Request(request, { headers: { y: "1" } });
    return [other.url, other.method, [...other.headers], await other.text()];
  },
  "new Request() with another URL": async (request) => {
    const other = new Request("http://b/", request);
    return [other.url, other.method, [...other.headers], await other.text()];
  },
  "whether it has a body": ({ body }) => body instanceof ReadableStream,
  bodyUsed: (request) => request.bodyUsed,
  text: (request) => request.text(),
  json: (request) => request.json(),
  bytes: async (request) => [...await request.bytes()],
  arrayBuffer: async (request) => (await request.arrayBuffer()).byteLength,
  blob: async (request) => (await request.blob()).size,
  formData: (request) => request.formData(),
  "the body as a stream": async ({ body }) => {
    let text = "";
    for await (const piece of body!) text += new TextDecoder().decode(piece);
    return text;
  },
  "text, twice": async (request) => {
    await request.text();
    return await request.text();
  },
  "bodyUsed behind text": async (request) => {
    await request.text();
    return [request.bodyUsed, request.body === null];
  },
  "clone behind text": async (request) => {
    await request.text();
    return request.clone().method;
  },
  "blob behind json": async (request) => {
    await request.json().catch(() => {});
    return await request.blob();
  },
  "clones of its body": async (request) => {
    const other = request.clone();
    return [await other.text(), await request.text()];
  },
  "text of a clone's clone": (request) => request.clone().clone().text(),
  "Request's own method": (request) => Request.prototype.text.call(request),
  "Request's own getter": (request) =>
    Object.getOwnPropertyDescriptor(Request.prototype, "url")!.get!.call(
      request,
    ),
};

async function outcome(request: Request, ask: Ask): Promise<string> {
  try {
    return JSON.stringify(await ask(request)) ?? "nothing";
  } catch (error) {
    return (error as Error).name; // messages are the platform's matter
  }
}

const BODIES: Record<string, [method: string, body: string | null]> = {
  "GET": ["GET", null],
  "HEAD": ["HEAD", null],
  "POST without a body": ["POST", null],
  "POST of JSON": ["POST", '{"a":1}'],
  "PUT of text with a mark before it": ["PUT", "\xef\xbb\xbf\xc3\xa9"],
  "PATCH of what is no UTF-8": ["PATCH", "\xff\xfea"],
};

for (const [name, [method, body]] of Object.entries(BODIES)) {
  for (const [asked, ask] of Object.entries(ASKS)) {
    Deno.test(`A request stands in for a Request: ${asked} (${name})`, async () => {
      const make = (isStreaming: boolean) =>
        origin(method, "/a?b=c", undefined, body, isStreaming);
      const wanted = await outcome(realOf(make(false)), ask);
      for (const isStreaming of [false, true]) {
        const request = toRequest(make(isStreaming));
        assert(Object.getOwnPropertySymbols(request).length === 0, "is real");
        assertEquals(await outcome(request, ask), wanted);
      }
    });
  }
}

const TARGETS = [
  ...["/", "/a", "/a/", "/a/b?c", "/?", "/a?b=c&d=%20", "/a%20b", "/%2e/a"],
  ...["/a/../b", "/a/./b", "/..", "/.", "/.a", "/a.", "/a..b", "//", "//a//b"],
  ...["/'a'", "/a?'b'", '/a"b', '/a?"b"', "/a|b", "/a^b", "/a`b", "/{a}"],
  ...["/a\\b", "/a?b\\c", "/<a>", "/a?<b>", "/a;b,c", "/a:b@c", "/[a]"],
  ...["/a?b?c/../d", "/%zz", "/a%2Fb", "/%2E%2e/b", "/a/%2e%2e/b"],
];
const HOSTS = [
  ...["a.example", "A.Example", "a", "a:80", "a:8080", "a:0080", "a:", "a.b."],
  ...["127.0.0.1", "127.1", "0x7f.1", "[::1]", "[0:0::1]:80", "a_b", "a-b"],
  ...["%61", "xn--bcher-kva.example", "a~b", "a!b"],
];

Deno.test("A request has the URL that a Request has", () => {
  for (const host of HOSTS) {
    for (const target of TARGETS) {
      const made = origin("GET", target, host);
      let wanted: string;
      try {
        wanted = new Request(made.fullUrl).url;
      } catch {
        assertThrows(() => toRequest(made), TypeError);
        continue;
      }
      assertEquals(toRequest(made).url, wanted, made.fullUrl);
    }
  }
});

Deno.test("A request has the URL that a Request has, whatever is asked for", () => {
  const random = new Random(7);
  const chars = "/a.%2eE?&=;:@'\"|\\^~!$()*+,-_<>{}[]`#".replace("#", "");
  for (let i = 0; i < 30_000; i++) {
    let target = "/";
    for (let left = random.below(10); left > 0; left--) {
      target += chars[random.below(chars.length)];
    }
    const made = origin("GET", target);
    assertEquals(toRequest(made).url, new Request(made.fullUrl).url, target);
  }
});

Deno.test("A request can be passed on by fetch()", async () => {
  const back = serve(async (request) =>
    Response.json([
      request.method,
      new URL(request.url).pathname,
      request.headers.get("x-a"),
      await request.text(),
    ]), { hostname: "127.0.0.1", port: 0 });
  const front = serve((request) => {
    const url = new URL(request.url);
    url.port = String(back.port);
    return fetch(new Request(url, request));
  }, { hostname: "127.0.0.1", port: 0 });
  for (const body of ["", "some text", "x".repeat(1_000_000)]) {
    const response = await fetch(`${front.url}a`, {
      method: "POST",
      headers: { "x-a": "b" },
      body,
    });
    assertEquals(await response.json(), ["POST", "/a", "b", body]);
  }
  await front.shutdown();
  await back.shutdown();
});

Deno.test("Request's json() is held to maxJsonDepth, and fails as the platform's else", async () => {
  for (const isStreaming of [false, true]) {
    for (const method of ["POST", "PROPFIND"]) {
      const ask = (body: string) =>
        toRequest(origin(method, "/", "a.example", body, isStreaming)).json();
      assertEquals(await ask("[[[1]]]"), [[[1]]]);
      const error = await assertRejects(() => ask("[[[[1]]]]"), ProtocolError);
      assertEquals(error.code, "json-too-deep");
      await assertRejects(() => ask("[[["), SyntaxError);
    }
  }
});

/** Forms of so many fields, as browsers send them. */
const FORMS: Record<string, [type: string, form: (count: number) => string]> = {
  "URL-encoded": [
    "application/x-www-form-urlencoded",
    (count) => Array.from({ length: count }, (_, i) => `a${i}=`).join("&"),
  ],
  multipart: [
    "multipart/form-data; boundary=b",
    (count) => {
      const part =
        '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n';
      return `${part.repeat(count)}--b--\r\n`;
    },
  ],
};

for (const [name, [type, form]] of Object.entries(FORMS)) {
  Deno.test(`Request's formData() is held to a number of fields (${name})`, async () => {
    for (const isStreaming of [false, true]) {
      for (const method of ["POST", "PROPFIND"]) {
        const ask = (count: number) => {
          const made = origin(
            method,
            "/",
            "a.example",
            form(count),
            isStreaming,
          );
          made.headers["content-type"] = type;
          return toRequest(made).formData();
        };
        assertEquals([...await ask(3)].length, 3);
        const error = await assertRejects(() => ask(4), ProtocolError);
        assertEquals(error.status, 413);
      }
    }
  });
}

Deno.test("serve() answers forms of too many fields with 413", async () => {
  await using server = serve(
    async (request) => new Response(`${[...await request.formData()].length}`),
    { hostname: "127.0.0.1", port: 0, maxFormFields: 20 },
  );
  for (const [type, form] of Object.values(FORMS)) {
    for (const [count, status] of [[20, 200], [21, 413]]) {
      const headers = { "content-type": type };
      const body = form(count);
      const response = await fetch(server.url, {
        method: "POST",
        headers,
        body,
      });
      assertEquals(response.status, status);
      await response.body?.cancel();
    }
  }
});

Deno.test("serve() answers JSON that is too deep with 400", async () => {
  await using server = serve(
    async (request) => Response.json(await request.json()),
    { hostname: "127.0.0.1", port: 0 },
  );
  for (const [depth, status] of [[512, 200], [513, 400]]) {
    const body = "[".repeat(depth) + "]".repeat(depth);
    const response = await fetch(server.url, { method: "POST", body });
    assertEquals(response.status, status);
    await response.body?.cancel();
  }
});
