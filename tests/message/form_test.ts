import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type HttpConnection,
  HttpError,
  type HttpServerOptions,
  ProtocolError,
} from "@uhttp/uhttp";
import { MemoryScene, SPLITS } from "../support/memory_conn.ts";
import { eventually, Scene } from "../support/serving.ts";

const STREAMING: HttpServerOptions = { streaming: true };
const TYPE = "multipart/form-data; boundary=b";

const BODY = [
  '--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nžluťoučký\r\n',
  '--b\r\nContent-Disposition: form-data; name="tag"\r\n\r\none\r\n',
  '--b\r\nContent-Disposition: form-data; name="tag"\r\n\r\n\r\n',
  '--b\r\nContent-Disposition: form-data; name="__proto__"\r\n\r\n-\r\n-\r\n',
  '--b\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n',
  "Content-Type: application/x-a\r\n\r\n\r\n--c\r\n--a-\r\n",
  "--b--\r\n",
].join("");

function post(body: string, type = TYPE, isChunked = false): Uint8Array {
  const bytes = new TextEncoder().encode(body);
  const framing = isChunked
    ? "Transfer-Encoding: chunked"
    : `Content-Length: ${bytes.length}`;
  const head = new TextEncoder().encode(
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\n${framing}\r\n\r\n` +
      (isChunked ? bytes.length.toString(16) + "\r\n" : ""),
  );
  const tail = new TextEncoder().encode(isChunked ? "\r\n0\r\n\r\n" : "");
  return new Uint8Array([...head, ...bytes, ...tail]);
}

/** The values of a form, files as what is in them. */
async function plain(form: Record<string, unknown>): Promise<unknown> {
  const entries: [string, unknown][] = [];
  for (const [name, value] of Object.entries(form)) {
    entries.push([
      name,
      value instanceof File
        ? [value.name, value.type, await value.text()]
        : value,
    ]);
  }
  return entries;
}

const VALUES = [
  ["title", "žluťoučký"],
  ["tag", ["one", ""]],
  ["__proto__", "-\r\n-"],
  ["file", ["a.bin", "application/x-a", "\r\n--c\r\n--a-"]],
];

const PARTS = [
  ["title", undefined, "text/plain", "žluťoučký"],
  ["tag", undefined, "text/plain", "one"],
  ["tag", undefined, "text/plain", ""],
  ["__proto__", undefined, "text/plain", "-\r\n-"],
  ["file", "a.bin", "application/x-a", "\r\n--c\r\n--a-"],
];

/** Ways to get at a form; each gives the same values. */
const WAYS: Record<
  string,
  [HttpServerOptions, (client: HttpConnection) => Promise<unknown>, unknown]
> = {
  data: [{}, (client) => plain(client.data), VALUES],
  "form()": [{}, async (client) => plain(await client.form()), VALUES],
  "form() as it arrives": [
    STREAMING,
    async (client) => plain(await client.form()),
    VALUES,
  ],
  "parts()": [STREAMING, async (client) => {
    const parts = [];
    for await (const part of client.parts()) {
      const { name, filename, contentType } = part;
      parts.push([name, filename, contentType, await part.text()]);
    }
    assert(client.isLoaded);
    return parts;
  }, PARTS],
  "parts() of a loaded body": [{}, async (client) => {
    const parts = [];
    for await (const part of client.parts()) {
      const { name, filename, contentType, headers } = part;
      assert("content-disposition" in headers);
      let text = "";
      for await (
        const piece of part.body.pipeThrough(new TextDecoderStream())
      ) {
        text += piece;
      }
      parts.push([name, filename, contentType, text]);
    }
    return parts;
  }, PARTS],
  "parts() that are passed over": [STREAMING, async (client) => {
    const names = [];
    for await (const part of client.parts()) {
      if (part.name === "tag") await part.read();
      names.push(part.name);
    }
    return names;
  }, PARTS.map(([name]) => name)],
};

for (const [way, [options, read, expected]] of Object.entries(WAYS)) {
  for (const isChunked of [false, true]) {
    const how = isChunked ? ", chunked" : "";
    Deno.test(`${way} reads a form in parts, however it is cut${how}`, async () => {
      let seen: unknown;
      await using scene = new MemoryScene(async (client) => {
        seen = await read(client);
        return client.respond("ok");
      }, options);
      for (const { pieces } of SPLITS) {
        seen = undefined;
        const peer = scene.connect();
        const input = post(BODY, TYPE, isChunked);
        for (const piece of pieces(input)) await peer.send(piece);
        assertEquals((await peer.response()).body, "ok");
        assertEquals(seen, expected);
        peer.close();
      }
    });
  }
}

const BAD: [name: string, body: string, type: string, code: string][] = [
  ["no boundary", BODY, "multipart/form-data", "bad-multipart"],
  [
    "another boundary",
    BODY,
    "multipart/form-data; boundary=x",
    "bad-multipart",
  ],
  ["cut off", BODY.slice(0, -6), TYPE, "bad-multipart"],
  ["no name", BODY.replace('; name="tag"', ""), TYPE, "bad-multipart"],
  ["bare LF", BODY.replace("\r\n\r\n", "\n\n"), TYPE, "bad-line-end"],
  ["a fault behind the end", BODY + "x".repeat(2000), TYPE, "bad-multipart"],
];

for (const [name, body, type, code] of BAD) {
  Deno.test(`HttpServer refuses a loaded form with ${name}`, async () => {
    const errors: unknown[] = [];
    await using scene = new Scene((client) => client.respond("reached"), {
      onError: (error) => errors.push(error),
    });
    const peer = await scene.connect();
    await peer.send(post(body, type));
    assertEquals((await peer.response()).status, 400);
    assertEquals((errors[0] as ProtocolError).code, code);
  });

  Deno.test(`parts() and form() reject a form with ${name}`, async () => {
    await using scene = new Scene(async (client) => {
      const error = await assertRejects(
        async () => {
          if (client.headersGet("x-form")) await client.form();
          else for await (const part of client.parts()) await part.bytes();
        },
        ProtocolError,
      );
      return client.respond(error.code, { status: error.status });
    }, STREAMING);
    for (const fields of ["", "X-Form: 1\r\n"]) {
      const peer = await scene.connect();
      const text = new TextDecoder().decode(post(body, type));
      await peer.send(text.replace("Host: a\r\n", `Host: a\r\n${fields}`));
      const { status, body: answer } = await peer.response();
      assertEquals([status, answer], [400, code]);
    }
  });
}

Deno.test("form() reads what browsers send without files", async () => {
  await using scene = new Scene(
    async (client) => client.respond(await client.form()),
    STREAMING,
  );
  const peer = await scene.connect();
  const type = "application/x-www-form-urlencoded";
  await peer.send(post("a=1&b=2&b=%C5%BE&c", type));
  const { body } = await peer.response();
  assertEquals(JSON.parse(body), { a: "1", b: ["2", "ž"], c: null });
});

Deno.test("form() rejects a body of another type with 415", async () => {
  await using scene = new Scene(async (client) => {
    const error = await assertRejects(() => client.form(), HttpError);
    return client.respond("no", { status: error.status });
  }, STREAMING);
  const peer = await scene.connect();
  await peer.send(post("a=1", "text/plain"));
  assertEquals((await peer.response()).status, 415);
});

const MANY: [type: string, body: (fields: number) => string, code: string][] = [
  [
    "application/x-www-form-urlencoded",
    (fields) => "&".repeat(fields - 1) + "a",
    "too-many-fields",
  ],
  [
    TYPE,
    (fields) =>
      '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'.repeat(
        fields,
      ) +
      "--b--\r\n",
    "too-many-parts",
  ],
];

for (const [type, body, code] of MANY) {
  for (const streaming of [false, true]) {
    const mode = streaming ? "as it comes" : "as a whole";
    Deno.test(`maxFormFields bounds a form of ${type} (${mode})`, async () => {
      const codes: string[] = [];
      await using scene = new Scene(
        async (client) => {
          try {
            await client.respond(await client.form());
          } catch (error) {
            codes.push((error as ProtocolError).code);
            await client.respond("", { status: (error as HttpError).status });
          }
        },
        {
          streaming,
          maxFormFields: 4,
          onError: (error) => codes.push((error as ProtocolError).code),
        },
      );
      for (const [fields, status] of [[4, 200], [5, 413]]) {
        const peer = await scene.connect();
        await peer.send(post(body(fields), type));
        assertEquals((await peer.response()).status, status);
      }
      assertEquals(codes, [code]);
    });
  }
}

Deno.test("parts() has maxFormFields where no maxParts is given", async () => {
  await using scene = new Scene(
    async (client) => {
      let count = 0;
      const limits = client.path === "/more" ? { maxParts: 9 } : undefined;
      try {
        for await (const part of client.parts(limits)) {
          count += part.name.length;
        }
      } catch {
        count = -1;
      }
      await client.respond(String(count));
    },
    { streaming: true, maxFormFields: 4 },
  );
  const [type, body] = MANY[1];
  for (const [path, answer] of [["/", "-1"], ["/more", "5"]]) {
    const peer = await scene.connect();
    const text = new TextDecoder().decode(post(body(5), type));
    await peer.send(text.replace("POST / ", `POST ${path} `));
    assertEquals((await peer.response()).body, answer);
  }
});

const LIMITS: [name: string, limits: object, code: string, status: number][] = [
  ["maxParts", { maxParts: 2 }, "too-many-parts", 413],
  ["maxPartLength", { maxPartLength: 9 }, "body-too-large", 413],
  [
    "maxPartHeadersLength",
    { maxPartHeadersLength: 60 },
    "headers-too-large",
    431,
  ],
  ["maxPartHeadersCount", { maxPartHeadersCount: 1 }, "too-many-headers", 431],
];

for (const [name, limits, code, status] of LIMITS) {
  Deno.test(`parts() holds a form to ${name}`, async () => {
    await using scene = new Scene(async (client) => {
      const error = await assertRejects(
        async () => {
          for await (const part of client.parts(limits)) await part.bytes();
        },
        ProtocolError,
      );
      return client.respond(error.code, { status: error.status });
    }, STREAMING);
    const peer = await scene.connect();
    await peer.send(post(BODY));
    const answer = await peer.response();
    assertEquals([answer.status, answer.body], [status, code]);
  });
}

Deno.test("HttpServer goes on with a connection behind a form that was read", async () => {
  await using scene = new Scene(async (client) => {
    if (client.method === "GET") return client.respond("next");
    for await (const part of client.parts()) await part.read();
    return client.respond("read");
  }, STREAMING);
  const peer = await scene.connect();
  await peer.send(post(BODY + "epilogue"));
  await peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  assertEquals((await peer.response()).body, "read");
  assertEquals((await peer.response()).body, "next");
});

Deno.test("FormPart.saveTo() writes a part, and leaves nothing of one that breaks off", async () => {
  const folder = await Deno.makeTempDir();
  let error: unknown;
  try {
    await using scene = new Scene(async (client) => {
      try {
        for await (const part of client.parts()) {
          if (part.filename !== undefined) await part.saveTo(`${folder}/a`);
        }
        await client.respond("saved");
      } catch (fault) {
        error = fault;
      }
    }, STREAMING);
    const peer = await scene.connect();
    await peer.send(post(BODY));
    assertEquals((await peer.response()).body, "saved");
    assertEquals(await Deno.readTextFile(`${folder}/a`), "\r\n--c\r\n--a-");
    const other = await scene.connect();
    await other.send(post(BODY).subarray(0, -12));
    await eventually(() => Deno.statSync(`${folder}/a`).size < 12);
    other.close();
    await eventually(() => error !== undefined);
    assert(error instanceof HttpError);
    assertEquals([...Deno.readDirSync(folder)], []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
