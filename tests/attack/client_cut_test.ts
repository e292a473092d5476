// A server that stops after any byte of its response.
import { assert, assertEquals } from "@std/assert";
import {
  ClientError,
  ConnectionLostError,
  type HttpResponse,
  TimeoutError,
} from "../../client.ts";
import { latin1Bytes } from "../support/bytes.ts";
import { ClientScene, failure, ok, turns } from "../support/client_scene.ts";
import type { RawPeer } from "../support/raw_server.ts";

const NDJSON = '{"a":1}\n{"a":2}\n{"a":3}\n';
const SSE = "data: 1\n\ndata: 2\n\ndata: 3\n\n";
const PARTS = "--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n";
const JSON_TEXT = '{"answer":[42,"yes"]}';

/** A body, and its type. */
interface Kind {
  body: string;
  type: string;
  /** What ends it for its reader; what follows is not waited for. */
  end?: string;
}

/** Whether so much of a body is all that its reader looks for. */
function isEnough({ end }: Kind, text: string): boolean {
  return end !== undefined && text.includes(end);
}

const TEXT: Kind = { body: "some text for you", type: "text/plain" };

async function count(values: AsyncIterable<unknown>): Promise<number> {
  let number = 0;
  for await (const _ of values) number++;
  return number;
}

/** Every way to read; each gives something that shows that all was there. */
const WAYS: Record<
  string,
  { kind: Kind; read: (response: HttpResponse) => Promise<unknown> }
> = {
  "read()": {
    kind: TEXT,
    read: async (response) => {
      let length = 0;
      for (let piece; (piece = await response.read()) !== null;) {
        length += piece.length;
      }
      return length;
    },
  },
  "read() into a buffer": {
    kind: TEXT,
    read: async (response) => {
      const buffer = new Uint8Array(5);
      let length = 0;
      for (let piece; (piece = await response.read(buffer)) !== null;) {
        length += piece.length;
      }
      return length;
    },
  },
  "readAll()": {
    kind: TEXT,
    read: async (response) => (await response.readAll()).length,
  },
  "text()": { kind: TEXT, read: (response) => response.text() },
  "json()": {
    kind: { body: JSON_TEXT, type: "application/json" },
    read: (response) => response.json(),
  },
  "body": {
    kind: TEXT,
    read: async (response) => {
      let length = 0;
      for await (const piece of response.body) length += piece.length;
      return length;
    },
  },
  "lines()": {
    kind: { body: "one\ntwo\nthree\n", type: "text/plain" },
    read: (response) => count(response.lines()),
  },
  "ndjson()": {
    kind: { body: NDJSON, type: "application/x-ndjson" },
    read: (response) => count(response.ndjson()),
  },
  "events()": {
    kind: { body: SSE, type: "text/event-stream" },
    read: (response) => count(response.events()),
  },
  "parts()": {
    kind: {
      body: PARTS,
      type: "multipart/mixed; boundary=b",
      end: "--b--",
    },
    read: (response) => count(response.parts()),
  },
  "saveTo()": {
    kind: TEXT,
    read: async (response) => {
      const path = await Deno.makeTempFile();
      await Deno.remove(path);
      try {
        return await response.saveTo(path);
      } finally {
        const isThere = await Deno.stat(path).then(() => true, () => false);
        if (isThere) await Deno.remove(path);
        isKept = isThere;
      }
    },
  },
};

/** Whether the last `saveTo()` left a file. */
let isKept = false;

const HEAD = "HTTP/1.1 200 OK\r\nContent-Type: ";

/** How the end of a body is told. */
const FRAMINGS: Record<string, (kind: Kind) => string> = {
  "with a length": ({ body, type }) =>
    `${HEAD}${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  "in chunks": ({ body, type }) =>
    `${HEAD}${type}\r\nTransfer-Encoding: chunked\r\n\r\n` +
    `5\r\n${body.slice(0, 5)}\r\n` +
    `${(body.length - 5).toString(16)}\r\n${body.slice(5)}\r\n` +
    "0\r\nx-trailer: 1\r\n\r\n",
  "up to the end": ({ body, type }) => `${HEAD}${type}\r\n\r\n${body}`,
};

/** Answers so much of a response, and ends the connection. */
function cutter(state: { text: string; at: number; ending: string }) {
  return async (peer: RawPeer): Promise<void> => {
    const { text, at, ending } = state;
    await peer.request();
    await peer.send(latin1Bytes(text.slice(0, at)));
    if (ending === "close" || ending === "half-close" || ending === "reset") {
      await peer.end(ending);
    }
  };
}

/** Whether a body that ends with the connection can end here. */
function mayEnd(text: string, at: number, ending: string): boolean {
  return !/content-length|chunked/i.test(text) && ending !== "reset" &&
    at >= text.indexOf("\r\n\r\n") + 4;
}

for (const ending of ["close", "reset", "half-close"]) {
  for (const [framing, make] of Object.entries(FRAMINGS)) {
    Deno.test(`HttpClient notices a ${ending} at every byte of a response ${framing}`, async () => {
      const text = make(TEXT);
      const state = { text, at: 0, ending };
      await using scene = new ClientScene(cutter(state));
      for (state.at = 0; state.at < text.length; state.at++) {
        const request = scene.get();
        if (mayEnd(text, state.at, ending)) {
          const { data } = await request;
          const expected = text.slice(text.indexOf("\r\n\r\n") + 4, state.at);
          assertEquals(data, latin1Bytes(expected));
        } else {
          const error = await failure(request);
          assert(error instanceof ConnectionLostError, `${state.at}: ${error}`);
          assertEquals(error.status, 502);
          assertEquals(error.url, request.url);
        }
        await scene.empty();
      }
      assertEquals(scene.client.stats.retried, 0);
      assertEquals(scene.server.peers.length, text.length);
    });

    for (const [name, { kind, read }] of Object.entries(WAYS)) {
      Deno.test(`HttpResponse.${name} notices a ${ending} at every byte ${framing}`, async () => {
        const text = make(kind);
        const start = text.indexOf("\r\n\r\n") + 4;
        const state = { text, at: 0, ending };
        await using scene = new ClientScene(cutter(state));
        for (state.at = start; state.at <= text.length; state.at++) {
          const response = await scene.stream();
          let value: unknown;
          let error: unknown = null;
          try {
            value = await read(response);
          } catch (caught) {
            error = caught;
          }
          const isOpen = mayEnd(text, state.at, ending);
          const isWhole = state.at === text.length &&
            (isOpen || framing !== "up to the end");
          if (isWhole || isEnough(kind, text.slice(0, state.at))) {
            assertEquals(error, null);
            if (name === "saveTo()") assert(isKept, "file is gone");
          } else if (isOpen) {
            // It ends here, and may make no sense then.
            assert(error === null || error instanceof ClientError, `${error}`);
          } else {
            assert(error instanceof ConnectionLostError, `${value} ${error}`);
            assertEquals(error.bytesReceived, response.bytesReceived);
            if (name === "saveTo()") assert(!isKept, "file is there");
          }
          // To ask again gives the same.
          if (error instanceof ConnectionLostError && name === "read()") {
            assertEquals(await failure(response.read()), error);
          }
          await scene.empty();
        }
      });
    }
  }
}

// ---- Over sockets -----------------------------------------------------------

for (const ending of ["close", "reset"] as const) {
  for (const isStreamed of [false, true]) {
    const mode = isStreamed ? "streamed" : "buffered";
    Deno.test(`HttpClient notices a ${ending} at every byte over sockets (${mode})`, async () => {
      const text = FRAMINGS["with a length"](TEXT);
      let at = 0;
      await using scene = new ClientScene(async (peer) => {
        if (ending === "reset") await peer.leaveUnread();
        else await peer.request();
        await peer.say(text.slice(0, at));
        peer.close();
      }, { tcp: true });
      for (at = 0; at < text.length; at++) {
        const request = scene.get("/", { stream: isStreamed });
        const whole = request.then((response) =>
          isStreamed ? response.readAll() : response.data
        );
        const error = await failure(whole);
        assert(error instanceof ConnectionLostError, `${at}: ${error}`);
        await scene.empty();
      }
    });
  }
}

// ---- Silence ----------------------------------------------------------------

for (const [framing, make] of Object.entries(FRAMINGS)) {
  Deno.test(`HttpClient times out when a response ${framing} falls silent at any byte`, async () => {
    const text = make(TEXT);
    const start = text.indexOf("\r\n\r\n") + 4;
    await using scene = new ClientScene(async (peer) => {
      const { target } = await peer.request();
      await peer.say(text.slice(0, Number(target.slice(1))));
    }, { timeout: 80, maxConnections: 500 });
    const requests = Array.from(
      { length: text.length },
      (_, at) => scene.get(`/${at}`),
    );
    for (const [at, request] of requests.entries()) {
      const error = await failure(request);
      assert(error instanceof TimeoutError, `${at}: ${error}`);
      assertEquals(error.phase, at < start ? "headers" : "body");
      assertEquals(error.status, 504);
    }
    await scene.empty();
  });

  for (const [name, { kind, read }] of Object.entries(WAYS)) {
    Deno.test(`HttpResponse.${name} times out when a body ${framing} falls silent at any byte`, async () => {
      const text = make(kind);
      const start = text.indexOf("\r\n\r\n") + 4;
      await using scene = new ClientScene(async (peer) => {
        const { target } = await peer.request();
        await peer.say(text.slice(0, Number(target.slice(1))));
      }, { timeout: 80, maxConnections: 500 });
      const work: Promise<void>[] = [];
      for (let at = start; at < text.length; at++) {
        work.push((async () => {
          const response = await scene.stream(`/${at}`);
          if (isEnough(kind, text.slice(0, at))) {
            assertEquals(await read(response), 2);
            return;
          }
          const error = await failure(read(response));
          assert(error instanceof TimeoutError, `${at}: ${error}`);
          assertEquals(error.phase, "body");
        })());
      }
      await Promise.all(work);
      await scene.empty();
    });
  }
}

Deno.test("HttpClient keeps the connection when nothing was cut", async () => {
  await using scene = new ClientScene(async (peer) => {
    for (;;) await peer.answer(ok("hello"));
  });
  for (let i = 0; i < 5; i++) {
    assertEquals(await (await scene.get()).text(), "hello");
    await turns(1);
  }
  assertEquals(scene.server.peers.length, 1);
});
